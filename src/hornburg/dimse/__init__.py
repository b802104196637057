"""DIMSE messages (PS3.7) on the events of the upper layer, sans-IO."""
