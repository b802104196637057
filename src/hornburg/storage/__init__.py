"""Where the bytes of attachments lie. One interface, its backends and layers beside it."""
