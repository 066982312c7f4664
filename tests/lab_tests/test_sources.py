# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest

from lab import sources
from lab.errors import LabError
from lab.sources import translate

HOST = """\
http://mirror.test/debian/ bookworm main Debian
http://mirror.test/debian/ bookworm contrib Debian
http://mirror.test/debian/ bookworm-updates main Debian
http://mirror.test/debian/ bookworm-backports main Debian
http://mirror.test/debian-security/ bookworm-security main Debian
https://packages.test/apt bookworm main Somebody Else
https://packages.test/debian bookworm main Somebody
"""


def test_the_host_s_own_suite() -> None:
    assert translate(HOST, "bookworm", "bookworm") == [
        "deb http://mirror.test/debian bookworm main",
        "deb http://mirror.test/debian bookworm-updates main",
        "deb http://mirror.test/debian-security bookworm-security main",
    ]


def test_another_suite_comes_from_the_same_mirrors() -> None:
    assert translate(HOST, "bookworm", "trixie") == [
        "deb http://mirror.test/debian trixie main",
        "deb http://mirror.test/debian trixie-updates main",
        "deb http://mirror.test/debian-security trixie-security main",
    ]


def test_backports_come_from_the_mirrors_of_their_suite(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_targets", lambda: HOST)
    monkeypatch.setattr(sources, "host_codename", lambda: "bookworm")
    without = sources.lines("trixie")
    assert not [line for line in without if "backports" in line]
    assert sources.lines("trixie", backports=True) == [*without, "deb http://mirror.test/debian trixie-backports main"]


def test_before_the_first_update_apt_does_not_know_the_origin() -> None:
    unknown = "http://mirror.test/debian bookworm main $(ORIGIN)\nhttps://else.test/apt bookworm main $(ORIGIN)\n"
    assert translate(unknown, "bookworm", "bookworm") == ["deb http://mirror.test/debian bookworm main"]


def test_a_host_without_debian_sources_gets_a_clear_error() -> None:
    with pytest.raises(LabError, match=r"no Debian 'bookworm main' .* add it below /etc/apt"):
        translate("https://packages.test/apt bookworm main Somebody\n", "bookworm", "bookworm")
