# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of declared health checks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.health import Check, Health, HealthRules
from ansible_collections.lvs.director.plugins.module_utils._persist import health as _file
from ansible_collections.lvs.director.plugins.module_utils._persist.health import from_text, read_health, to_text

from unit.health import WEB, destination, every_check

ONE, TWO, THREE = (destination(f"10.0.0.{number}", 80) for number in (1, 2, 3))
RULES = HealthRules(WEB, (Check("tcp"),), {ONE: (), TWO: (Check("ping"),)}, frozenset([ONE, THREE]), 50, True, 30.5)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "health.json"
    monkeypatch.setattr(_file, "HEALTH", str(path))
    return path


@pytest.mark.parametrize("health", [every_check(), Health((RULES,), 1.5, 0.5, 0, 0.25), Health(())], ids=["every check", "rules", "none"])
def test_what_is_written_is_read(health: Health, place: Path) -> None:
    place.write_text(to_text(health), encoding="utf-8")
    assert read_health() == health
    assert json.loads(to_text(health))["version"] == 1


def test_nothing_is_declared_without_a_file(place: Path) -> None:
    assert read_health() is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "JSONDecodeError"),
        ("[]", "TypeError"),
        ('{"version": 1}', "KeyError"),
        ('{"version": 2}', "version 2 is not known"),
        (to_text(Health((RULES,))).replace('"tcp"}', '"telnet"}'), "no check of type telnet"),
        (to_text(Health((RULES,))).replace("10.0.0.1", "10.0.0.256"), "10.0.0.256"),
    ],
)
def test_a_damaged_file_is_named(text: str, reason: str, place: Path) -> None:
    place.write_text(text, encoding="utf-8")
    with pytest.raises(
        IpvsUnavailableError, match=f"Cannot read the health checks in {place}: .*{reason}.*Run the task that declares them again"
    ):
        read_health()
    with pytest.raises(IpvsUnavailableError):
        from_text(text)


def test_an_unreadable_file_is_named(place: Path) -> None:
    place.mkdir()
    with pytest.raises(IpvsUnavailableError, match=f"Cannot read {place}: .*directory"):
        read_health()
    place.rmdir()
    place.write_bytes(b"\xff")
    with pytest.raises(IpvsUnavailableError, match=f"Cannot read {place}: .*utf-8"):
        read_health()


def test_checks_of_a_destination() -> None:
    assert RULES.checks_of(ONE) == ()
    assert RULES.checks_of(TWO) == (Check("ping"),)
    assert RULES.checks_of(THREE) == ()
    assert RULES._replace(sorry=frozenset()).checks_of(THREE) == (Check("tcp"),)
