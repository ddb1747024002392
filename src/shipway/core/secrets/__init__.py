"""Secrets: references to them, and finding ones that stand in plain sight."""
