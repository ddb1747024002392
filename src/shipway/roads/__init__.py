"""Journeys: what happens in order, what in parallel."""
