"""The chain of evidence: statements, envelopes, bundles, links, policy, walk."""
