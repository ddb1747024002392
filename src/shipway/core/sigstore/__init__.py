"""Sigstore as a reader sees it: bundles, the trust that judges them, and the judgement.

Everything here is pure: bytes and trust come in, a judgement goes out. Formats are those of
sigstore/protobuf-specs; each module names the specification of what it checks.
"""
