"""Databases of installed packages, from layers that nobody vouches for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shipway.core.supply import licences, packages
from shipway.core.supply.packages import Package, System

APK = b"""\
C:Q1abc=
P:musl
V:1.2.5-r9
A:x86_64
T:the musl c library
L:MIT
o:musl
m:Somebody <a@example.com>
p:so:libc.musl-x86_64.so.1=1

C:Q1def=
P:ssl_client
V:1.37.0-r12
A:x86_64
L:GPL-2.0-only custom
o:busybox
D:so:libc.musl-x86_64.so.1 !old /bin/sh
F:usr/bin

P:alone
V:1
D:musl>1.0 musl

P:noversion
"""
DPKG = b"""\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u7
Source: glibc
Provides: libc6-x (= 2), libc
Description: a library
 Package: not-one
Maintainer: GNU Libc Maintainers <a@example.com>

Package: gone
Status: deinstall ok config-files
Version: 1

Package: curl
Version: 1:7.88
Architecture: amd64
Source: curl-src (7.88-1)
Pre-Depends: libc6:any (>= 2.36)
Depends: missing | libc, curl, nothing-here
"""
OS = b'# comment\nNAME="Debian GNU/Linux"\nID=debian\nVERSION_ID="12"\n'


def test_apk() -> None:
    """Names, versions, licences, origins and needs stand as Alpine writes them."""
    alone, musl, client = packages.installed({packages.APK[0]: APK})

    assert (alone.name, alone.needs) == ("alone", (("musl",), ("musl",)))
    assert musl == Package(
        kind="apk",
        name="musl",
        version="1.2.5-r9",
        architecture="x86_64",
        licence="MIT",
        stated="MIT",
        maintainer="Somebody <a@example.com>",
        provides=("so:libc.musl-x86_64.so.1",),
    )
    assert (client.licence, client.stated) == ("", "GPL-2.0-only custom")
    assert client.origin == "busybox"
    assert client.needs == (("so:libc.musl-x86_64.so.1",), ("/bin/sh",))


@pytest.mark.parametrize("path", [packages.DPKG, packages.DPKG_FOLDER + "base"])
def test_dpkg(path: str) -> None:
    """What is installed is read, from the database or from a distroless image's folder."""
    curl, libc = packages.installed({path: DPKG})

    assert (libc.name, libc.version, libc.origin) == ("libc6", "2.36-9+deb12u7", "glibc")
    assert libc.provides == ("libc6-x", "libc")
    assert curl.origin == "curl-src@7.88-1"
    assert curl.needs == (("libc6",), ("missing", "libc"), ("curl",), ("nothing-here",))


def test_needs_and_locators() -> None:
    """Who needs whom is known where the database names it, else the needs are open."""
    found = packages.installed({packages.DPKG: DPKG})
    components, relations, unresolved = packages.components(found, System("debian", "12"))
    curl, libc = components

    assert [(one.subject, one.target) for one in relations] == [(curl.ref, libc.ref)]
    assert unresolved == (curl.ref,)
    assert curl.purl == (
        "pkg:deb/debian/curl@1:7.88?arch=amd64&distro=debian-12&upstream=curl-src%407.88-1"
    )
    assert libc.comment == "maintained by GNU Libc Maintainers <a@example.com>"
    (client,) = packages.components(packages.installed({packages.APK[1]: APK})[2:], System())[0]
    assert client.comment == "its database states the licence GPL-2.0-only custom"
    assert client.purl == "pkg:apk/ssl_client@1.37.0-r12?arch=x86_64&upstream=busybox"


def test_systems() -> None:
    """The distribution is what os-release says, the first file that does."""
    first, second = packages.RELEASES

    assert packages.system({first: b"", second: OS}) == System("debian", "12")
    assert packages.system({first: b"ID='wolfi'\n"}) == System("wolfi", "")
    assert packages.system({first: b"ID=../..\n"}) == System()


@pytest.mark.parametrize(
    ("path", "wanted"),
    [
        ("lib/apk/db/installed", True),
        ("var/lib/dpkg/status.d/base", True),
        ("var/lib/dpkg/status.d/base.md5sums", False),
        ("etc/os-release", True),
        ("etc/passwd", False),
    ],
)
def test_files_that_say_it(path: str, wanted: bool) -> None:
    """Only the files that say what is installed are asked for."""
    assert packages.is_wanted(path) is wanted


FIELDS = st.sampled_from(["P", "V", "L", "D", "p", "o", "Package", "Version", "Depends", "Source"])
LINES = st.tuples(FIELDS, st.text(max_size=40)).map(lambda pair: f"{pair[0]}:{pair[1]}\n")


@given(st.lists(LINES | st.just("\n"), max_size=40).map("".join) | st.binary(max_size=300))
def test_noise_never_breaks_the_readers(noise: str | bytes) -> None:
    """Anything at all in a database gives packages, and each has a name and a version."""
    data = noise if isinstance(noise, bytes) else noise.encode("utf-8", "surrogatepass")
    for path in (*packages.APK, packages.DPKG, *packages.RELEASES):
        found = packages.installed({path: data})
        packages.components(found, packages.system({path: data}))
        assert all(one.name and one.version for one in found)


@pytest.mark.parametrize(
    "text",
    [
        "MIT",
        "MIT AND (BSD-2-Clause OR Apache-2.0)",
        "GPL-2.0-only WITH Linux-syscall-note AND Zlib",
        "((ISC))",
    ],
)
def test_expressions(text: str) -> None:
    """A valid expression of known licences stands as it is."""
    assert licences.expression(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "custom",
        "MIT ISC",
        "MIT AND",
        "AND MIT",
        "(MIT",
        "MIT)",
        "MIT WITH MIT",
        "WITH Linux-syscall-note",
        "(MIT) WITH Linux-syscall-note",
        "MIT WITH",
        "MIT AND " * 200 + "MIT",
        "mit",
        "()",
    ],
)
def test_what_is_no_expression(text: str) -> None:
    """Anything else is no answer."""
    assert licences.expression(text) == ""


FIXTURES = Path(__file__).with_name("licences")
TEXTS = sorted(FIXTURES.glob("*.txt"))


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: path.stem)
def test_texts(path: Path) -> None:
    """The texts that projects carry are known, whoever holds the copyright."""
    (identifier,) = (one for one in KNOWN if path.stem.startswith(one))

    assert licences.judged({"LICENSE": path.read_bytes(), "main.go": b""}) == identifier
    other = re.sub(
        rb"(Copyright|\(c\)) .*\d{4} .*", b"Copyright (c) 1999 Somebody", path.read_bytes()
    )
    assert licences.judged({"COPYING.md": other}) == identifier


KNOWN = ("Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MPL-2.0", "Unlicense")
WHOLE = (FIXTURES / "MIT.txt").read_bytes()
ISC = (FIXTURES / "ISC.txt").read_bytes()


@pytest.mark.parametrize(
    "texts",
    [
        {},
        {"LICENSE": b""},
        {"README": WHOLE},
        {"license.go": WHOLE},
        {"LICENSE": WHOLE, "LICENSE.third-party": b"see there"},
        {"LICENSE": WHOLE, "COPYING": ISC},
        {"LICENSE": WHOLE + ISC},
        {"LICENSE": WHOLE.replace(b"free of charge", b"for a fee")},
        {"LICENSE": WHOLE + b"\nThe Software shall not be used for evil.\n"},
        {
            "LICENSE": WHOLE.replace(
                b"Copyright (c) 2015", b"Copyright 2015, commercial use forbidden"
            )
        },
        {"LICENSE": WHOLE + b"\n" * (1 << 16)},
    ],
)
def test_what_is_not_sure(texts: dict[str, bytes]) -> None:
    """Another word, another file or a second licence, and nothing is concluded."""
    assert licences.judged(texts) == ""


@given(st.binary(max_size=400))
def test_no_noise_is_a_licence(noise: bytes) -> None:
    """Anything before a known text is another text, unless it says nothing."""
    said = licences.judged({"LICENSE": b"x" + noise + b"\n" + WHOLE})

    assert said in {"", "MIT"}
    assert licences.judged({"LICENSE": noise}) == ""
