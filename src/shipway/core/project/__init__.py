"""A project's configuration, its schema and its scaffold."""
