"""The job engine: work that takes longer than a request."""
