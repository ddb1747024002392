"""Signing without a key of one's own.

:mod:`.sealer` asks for an identity token (:mod:`.tokens`), a signature (:mod:`.ephemeral`, a
process of its own), a certificate, a log entry and a timestamp (:mod:`.asking`).
"""
