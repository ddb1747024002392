"""HTTP for the other hands: settings in :mod:`.network`, requests in :mod:`.client`."""
