"""The hand that talks to a Kubernetes API server (port: ``core.ports.kube``)."""
