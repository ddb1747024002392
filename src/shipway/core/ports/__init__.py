"""What the verbs ask of the world: Protocols of a few methods, one subject a file."""
