"""Shipway carries a Go commit to healthy pods and leaves a signed chain of evidence."""

__version__ = "0.1.0"
