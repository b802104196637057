"""What others may hook into: the specifications, and the manager that calls them."""
