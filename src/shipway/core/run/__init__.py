"""A run: its events, notes and board."""
