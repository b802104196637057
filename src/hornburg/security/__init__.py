"""Who is asking, and whether they may. Denies by default."""
