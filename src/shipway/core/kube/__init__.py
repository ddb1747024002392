"""Kubernetes nouns: objects, order, pruning, health, kubeconfig."""
