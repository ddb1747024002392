"""Hands: everything that touches the world, behind the ports of core."""
