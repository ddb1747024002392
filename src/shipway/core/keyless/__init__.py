"""Signing without a key of one's own: what is asked of Sigstore, and what it must answer.

Identity tokens (:mod:`.identity`), the instance that a person chose (:mod:`.instance`), and of each
answer whether it speaks of what was asked: certificate, log entry, timestamp.
"""
