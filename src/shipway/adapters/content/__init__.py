"""The local store: an OCI image layout on disk. ``Store`` in :mod:`.store` is the way in."""
