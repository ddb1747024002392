"""The command line: parse, call one road through :mod:`shipway.wiring`, show its events.

No decision is made here. Every function of wiring below takes keywords only. All take ``cluster``
(name of the embedded cluster) and ``emit`` (called with every event, from any thread); ``keys``
are paths of public keys. Those about a project take its ``directory`` (absolute path), too:

=================== ===========================================================================
``up``              package, environment, adopt, keys, port, timeout, tests (``""``: as configured),
                    dry_run, debug
``build``           package, environment, push, folder, archive (paths or ``""``)
``test``            package, cobertura (path or ``""``)
``scan``            program (absolute path or ``""``), database (address, folder or ``""``)
``scan_image``      reference, environment, database, keys
``report``          reference, path
``rescan``          environment (``""`` is all), database, keys
``dev``             package, environment, keys, port, tests (as ``up``), logs, forward
``visit``           service, environment, show
``doctor``          nothing more
``logs``            service, environment, target (``""`` is all), follow, since (seconds, 0
                    is all), tail (number or none), previous
``trace``           subject, environment, namespace, keys, export (path or ``""``),
                    trusted_root, policy (paths or ``""``)
``release``         environment
``deploy``          environment, release (``""``: the newest), target, keys, adopt, timeout
``promote``         origin, environment, target, keys, adopt, timeout
``plan``            environment, release, target, keys, adopt
``diff``            environment, release, target, keys
``delete``          environment, target, reason, keys, yes
``rollback``        environment, to (``""``: the one before), target, reason, keys
``status``          environment (``""`` is all), keys
``history``         environment, target, limit, keys
``affected``        id (``""`` is every one), environment (``""`` is all), database (address,
                    folder or ``""``), keys
``verify``          reference, environment, keys
``init``            dry_run
``render``          environment
``check``           environment (``""`` is all)
=================== ===========================================================================

Those about this machine take none:

=================== ===========================================================================
``demo``            keep
``login``           registry, user, password (a ``Secret``)
``logout``          registry
``gc``              dry_run
``sbom``            subject, form, file (path or ``""``), platform (``""`` is this machine's)
``verify_bundle``   bundle, artifact, keys, identity, identity_pattern, issuer,
                    issuer_pattern, trusted_root, predicate_type (``""``: none), timestamp
``sign``            reference
``key_show``        nothing more
``key_export``      path (``""`` is standard output: the result is the text)
``cluster_up``      nothing more
``cluster_status``  nothing more
``cluster_down``    nothing more
``cluster_delete``  everything
``cluster_kubeconfig`` nothing more
=================== ===========================================================================

Each returns ``None``, a text, or a Struct with a method ``lines() -> Iterable[str]`` (what a
person reads) whose fields are what ``--output json`` shows. A result may have an attribute
``exit_kind``, a :class:`~shipway.errors.Kind` or none, that makes the exit code of an answer that
is not good although nothing failed (``TESTS``, ``REJECTED``, ``INTEGRITY``).
"""
