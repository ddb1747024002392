"""One supervised part of the cluster a file."""
