"""Write docs/bundle-fields.md from the program's own table."""

from __future__ import annotations

from pathlib import Path

from shipway.core.sigstore import fields

Path(__file__).parents[1].joinpath("docs", "bundle-fields.md").write_text(
    fields.table(), encoding="utf-8"
)
