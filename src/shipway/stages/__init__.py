"""Verbs: one stage a file, frozen request in, frozen result out, ports as keywords."""
