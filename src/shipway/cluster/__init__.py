"""Ground: the embedded Kubernetes, planned purely and kept alive."""
