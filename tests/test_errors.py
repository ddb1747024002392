"""Errors say what failed, on what and what next, and survive a process boundary."""

from __future__ import annotations

import pickle

from shipway.errors import Failures, Kind, ShipwayError, each


def test_one_line() -> None:
    """An error reads as operation, subject and reason."""
    error = ShipwayError("a.b", Kind.DENIED, "no", operation="pushing", subject="web")

    assert str(error) == "pushing web: no"
    assert str(ShipwayError("a.b", Kind.DENIED, "no")) == "no"


def test_pickling() -> None:
    """An error arrives whole from another process."""
    error = ShipwayError("a.b", Kind.TRANSIENT, "no", operation="o", subject="s", hint="h", delay=2)
    copied = pickle.loads(pickle.dumps(error))  # noqa: S301  our own bytes

    assert vars(copied) == vars(error)


def test_pickling_several() -> None:
    """Several failures arrive whole, too."""
    several = Failures((ShipwayError("a.b", Kind.USAGE, "x"), ValueError("y")))
    copied = pickle.loads(pickle.dumps(several))  # noqa: S301  our own bytes

    assert str(copied) == "x\ny"
    assert copied.kind is Kind.USAGE


def test_each_of_several() -> None:
    """What failed side by side, at any depth, is told one by one; one error is itself."""
    one, two, three = ShipwayError("a.b", Kind.USAGE, "x"), ValueError("y"), ValueError("z")

    assert each(one) == (one,)
    assert each(Failures((one, Failures((two, three))))) == (one, two, three)
