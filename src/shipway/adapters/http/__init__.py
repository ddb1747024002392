"""HTTP for the other hands: :mod:`.client` sends, by the settings of :mod:`.network`."""
