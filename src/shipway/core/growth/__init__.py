"""What grows with every run, and what of it stays."""
