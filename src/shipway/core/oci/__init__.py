"""OCI image nouns: digests, descriptors, manifests, layers."""
