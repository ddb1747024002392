"""The entry point: answers ``--version`` before anything heavy is imported.

Only the installed script and ``python -m shipway`` come through here.
"""

from __future__ import annotations

import sys

from shipway import __version__


def main() -> int:
    """Run the command line and return its exit code."""
    if sys.argv[1:] in (["--version"], ["-V"]):
        sys.stdout.write(f"shipway {__version__}\n")
        return 0
    import gc  # noqa: PLC0415  the version needs none of it
    import os  # noqa: PLC0415  as above

    from shipway.cli.account import step_down  # noqa: PLC0415  as above
    from shipway.cli.boundary import run  # noqa: PLC0415  as above

    gc.set_threshold(50_000, 20, 20)  # loading modules makes much that stays, and no garbage
    step_down(sys.argv[1:], os.environ)
    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
