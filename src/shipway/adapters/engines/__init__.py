"""Engines on this machine: locks, making, installing, checking.

Wiring and the test suite take them from :mod:`shipway.adapters.engines.assembly`.
"""
