"""Resource quantities (``100m``, ``1Gi``, ``2e3``) as exact numbers.

The API server writes them in its own form; comparing what was rendered with what is live needs
their value (apimachinery, pkg/api/resource).
"""

from __future__ import annotations

from fractions import Fraction

from shipway.core.patterns import late

_FORM = late(r"([+-]?(?:\d+(?:\.\d*)?|\.\d+))(?:([eE][+-]?\d{1,3})|([numkMGTPE]|[KMGTPE]i)?)\Z")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}


def value(text: object) -> Fraction | None:
    """Return the value of a quantity; none for what is none."""
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        return None
    found = _FORM.match(str(text))
    if found is None:
        return None
    number, exponent, suffix = Fraction(found[1]), found[2], found[3] or ""
    if exponent:
        return number * Fraction(10) ** int(exponent[1:])
    if suffix in _BINARY:
        return number * (1 << _BINARY[suffix])
    return number * Fraction(10) ** _DECIMAL[suffix]
