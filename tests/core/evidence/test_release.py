"""Releases and other artifacts as bytes: one layer, no registry, no environment."""

from __future__ import annotations

import msgspec
import pytest

from fakes.chain import EVIDENCE, WEB, Chain
from shipway.core.evidence import release
from shipway.core.evidence.artifact import encode, only_layer, parse
from shipway.core.oci.descriptor import Descriptor, describe
from shipway.errors import ShipwayError


@pytest.mark.parametrize(
    ("repository", "written"),
    [
        (WEB, "shop/web"),
        ("other.example/shop/web", "other.example/shop/web"),
        ("shop/web", "shop/web"),
    ],
)
def test_repositories(repository: str, written: str) -> None:
    """An image on the release's own registry is written without it, and found again."""
    assert release.relative(repository, EVIDENCE) == written
    assert release.absolute(written, EVIDENCE) in {repository, f"127.0.0.1:5000/{repository}"}
    assert release.absolute("shop/web", "shop/evidence") == "shop/web"


def test_artifacts_have_one_layer() -> None:
    """Readers reject artifacts with none or several layers, and other schema versions."""
    layer = describe(b"x", "x/y")
    one = parse(encode(layer, artifact_type="x/y"))
    assert only_layer(one) == layer
    with pytest.raises(ShipwayError, match="layers instead of one"):
        only_layer(msgspec.structs.replace(one, layers=()))
    with pytest.raises(ShipwayError, match="schemaVersion"):
        parse(b'{"schemaVersion": 1}')
    subject = Descriptor("m/t", layer.digest, 1, annotations={"a": "b"})
    found = parse(encode(layer, artifact_type="x/y", subject=subject, annotations={"k": "v"}))
    assert found.subject == Descriptor("m/t", layer.digest, 1)
    assert found.annotations == {"k": "v"}


def test_reference() -> None:
    """A release is named by repository and digest; its layer lists services by name."""
    chain = Chain()
    chain.make()
    chain.seal()
    assert chain.release.reference == f"{EVIDENCE}@{chain.release.digest}"
    two = msgspec.structs.replace(chain.release.contents.services[0], name="api")
    both = msgspec.structs.replace(
        chain.release.contents, services=(*chain.release.contents.services, two)
    )
    assert [one.name for one in release.parse(release.encode(both)).services] == ["api", "web"]
