"""Known vulnerabilities: what a scanner found, and what a gate makes of it."""
