"""The index: what is stored, its main tags, its relations. One interface, its backends beside it."""
