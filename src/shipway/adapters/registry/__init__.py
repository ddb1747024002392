"""OCI registries over HTTP (distribution-spec v1.1.1); :func:`.client.connect` is the way in."""
