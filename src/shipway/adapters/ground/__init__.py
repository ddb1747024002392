"""The root part's hands: files, keys, namespaces, probes, packages. Linux only."""
