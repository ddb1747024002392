"""Engines: locked upstream programs, what names them and what their lock is worth."""
