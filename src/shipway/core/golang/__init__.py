"""Go nouns: modules, packages, build information, test events, coverage."""
