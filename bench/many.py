"""A repository of 20,000 files: 2,000 packages of five sources each, as many files beside them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILES = 20_000
_PACKAGES = 2_000
_LINKED = 200
"""Packages that the program imports, each the next one."""
_SOURCES = 5

MAIN = """package main

import (
	"fmt"
	"net/http"

	"x.test/many/p0000"
)

func main() {
	http.HandleFunc("/healthz", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, p0000.V) })
	http.ListenAndServe(":8080", nil)
}
"""
FUNCTION = """
// F{number} is here to be read.
func F{number}(a, b int) int {{
	if a > b {{
		return a - b
	}}
	return a + b
}}
"""


def write(folder: Path) -> None:
    """Write the module."""
    (folder / "go.mod").write_text("module x.test/many\n\ngo 1.24\n")
    (folder / "main.go").write_text(MAIN)
    for package in range(_PACKAGES):
        place = folder / f"p{package:04d}"
        place.mkdir()
        for source in range(_SOURCES):
            text = f"package {place.name}\n" + (_chained(package) if source == 0 else "")
            numbers = range(12 * source, 12 * source + 12)
            text += "".join(FUNCTION.format(number=number) for number in numbers)
            (place / f"f{source}.go").write_text(text)
    for file in range(FILES - _PACKAGES * _SOURCES - 2):
        place = folder / "web" / f"d{file % 100:02d}"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{file}.txt").write_text(f"{file}\n")


def _chained(package: int) -> str:
    """Return the constant of a package, that of the next one while there is one to link."""
    if package >= _LINKED - 1:
        return "\nconst V = 1\n"
    name = f"p{package + 1:04d}"
    return f'\nimport "x.test/many/{name}"\n\nconst V = {name}.V\n'
