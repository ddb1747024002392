"""Nouns: values and decisions without effects."""
