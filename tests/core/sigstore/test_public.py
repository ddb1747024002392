"""Bundles of the public instance hold under the root that comes with Shipway."""

from __future__ import annotations

import importlib.resources
from pathlib import Path

import pytest

from shipway.core.sigstore import artifact, bundle, trustedroot
from shipway.core.sigstore.judge import judge
from shipway.core.sigstore.judgement import Judgement, Outcome
from shipway.core.sigstore.policy import Policy, Wanted

HERE = Path(__file__).parent / "public"
ROOT = trustedroot.parse(
    importlib.resources.files("shipway").joinpath("trust", "sigstore-public-good.json").read_bytes()
)
ACTIONS = "https://token.actions.githubusercontent.com"
SIGNED = {
    "circleci": (
        "8cb34da1e27336f11a2c43f3f9c7433bd76f24f470c904724f06ad7f131d9e9f",
        (
            "https://circleci.com/api/v2/projects/fdd9283f-e619-46af-8f9c-851f7d3e8b2b/"
            "pipeline-definitions/8e4f8ab2-8d7c-4827-9f15-de076d6d647f"
        ),
        "https://oidc.circleci.com",
    ),
    "github": (
        "c9709ce6fd5b67b59b4a28758cf14d3f411803c4b89b6068b1f1a8e4ee94c8ef",
        (
            "https://github.com/trailofbits/pypi-attestation-models/.github/workflows/release.yml"
            "@refs/tags/v0.0.4a2"
        ),
        ACTIONS,
    ),
    "gitlab": (
        "c1ca9b0d85df1606451098233018534497bf584362e10e4a8c21dfaea92c02a8",
        "https://gitlab.com/facutuesca/gitlab-oidc-project//.gitlab-ci.yml@refs/heads/main",
        "https://gitlab.com",
    ),
    "google": (
        "461317362419124b6012e855423a9078d6de8aed3e74fa78cc74d669b23dc6cf",
        "919436158236-compute@developer.gserviceaccount.com",
        "https://accounts.google.com",
    ),
    "slsa": (
        "9bb1add04b1b4e182be6b0b80931593f7a291eb49d69b4fd728a5d4cbcdc4bd3",
        (
            "https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml"
            "@refs/tags/v0.0.19"
        ),
        ACTIONS,
    ),
}
"""What each bundle is about, who signed it, and who vouched for that."""


def judged(name: str, *, digest: str = "", identity: str = "", issuer: str = "") -> Judgement:
    """Return the judgement of a public bundle."""
    own, who, by = SIGNED[name]
    about = artifact.named(f"sha256:{digest or own}")
    assert about is not None
    return judge(
        bundle.parse((HERE / f"{name}.sigstore.json").read_bytes()),
        policy=Policy(identity=Wanted(identity or who), issuer=Wanted(issuer or by)),
        root=ROOT,
        artifact=about,
    )


@pytest.mark.parametrize("name", SIGNED)
def test_good(name: str) -> None:
    """A bundle made by the public instance passes every check, certificate log included."""
    found = judged(name)
    passed = {one.check for one in found.rows if one.outcome is Outcome.PASSED}

    assert found.ok
    assert {"chain", "certificate log", "inclusion", "checkpoint", "promise", "identity"} <= passed


@pytest.mark.parametrize("name", SIGNED)
@pytest.mark.parametrize(
    ("lie", "error"),
    [
        ({"digest": "00" * 32}, "bundle.subject"),
        ({"identity": "someone@example.com"}, "bundle.identity"),
        ({"issuer": "https://example.com"}, "bundle.issuer"),
    ],
)
def test_bad(name: str, lie: dict[str, str], error: str) -> None:
    """It does not pass for another artifact, signer or issuer."""
    found = judged(name, **lie)
    assert [one.id for one in found.rows if one.outcome is Outcome.FAILED] == [error]
