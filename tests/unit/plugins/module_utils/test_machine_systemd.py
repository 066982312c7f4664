# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Units as steps, on a systemd in memory."""

from __future__ import annotations

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import systemd
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import converge
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError, IpvsVerificationError

from ...systemd import Systemd, units

__all__ = ["units"]

FILES = {"a.service": "A\n", "b.service": "B\n", "nftables.service.d/a.conf": "drop-in\n"}
ENABLED = ["a.service", "b.service"]


def install(*, check_mode: bool = False, files: dict[str, str] | None = None) -> list[str]:
    return converge(lambda: systemd.plan_units(files or FILES, ENABLED), check_mode=check_mode)


def uninstall(*, check_mode: bool = False) -> list[str]:
    return converge(lambda: systemd.plan_no_units(FILES), check_mode=check_mode)


def test_units_are_installed_enabled_and_started(units: Systemd) -> None:
    predicted = install(check_mode=True)
    assert not units.told
    assert not list(units.directory.iterdir())
    assert install() == predicted
    assert predicted == [
        *(f"write {units.directory}/{name}" for name in FILES),
        "have systemd read its units again",
        "enable a.service, b.service",
        "start a.service",
        "start b.service",
    ]
    assert units.told == ["daemon-reload", "enable --quiet a.service b.service", "start a.service", "start b.service"]
    assert (units.directory / "a.service").stat().st_mode & 0o777 == 0o644
    assert (units.directory / "nftables.service.d").stat().st_mode & 0o777 == 0o755
    assert (units.directory / "nftables.service.d" / "a.conf").read_text() == "drop-in\n"


def test_a_plan_asks_once(units: Systemd) -> None:
    install()
    units.asked.clear()
    assert install() == []
    assert units.asked == ["a.service b.service nftables.service"]


def test_changed_units_are_reloaded(units: Systemd) -> None:
    """The state left by a run that ended after writing the files."""
    install()
    (units.directory / "nftables.service.d" / "a.conf").write_text("changed\n")
    units.read["nftables.service.d/a.conf"] = "an old one\n"
    assert install(files={**FILES, "nftables.service.d/a.conf": "changed\n"}) == ["have systemd read its units again"]


def test_a_unit_that_was_stopped_or_disabled_comes_back(units: Systemd) -> None:
    install()
    units.active.remove("b.service")
    units.enabled.remove("a.service")
    assert install() == ["enable a.service", "start b.service"]


def test_units_are_removed_completely(units: Systemd) -> None:
    install()
    units.told.clear()
    predicted = uninstall(check_mode=True)
    assert not units.told
    assert uninstall() == predicted
    assert predicted[:2] == ["stop and disable b.service", "stop and disable a.service"]
    assert units.told == [
        "disable --quiet --now b.service",
        "disable --quiet --now a.service",
        "daemon-reload",
        "reset-failed a.service b.service",
    ]
    assert not list(units.directory.iterdir())


def test_where_nothing_is_installed_systemd_is_not_asked(units: Systemd) -> None:
    assert uninstall() == []
    assert not units.told
    assert not units.asked


def test_foreign_drop_ins_stay(units: Systemd) -> None:
    install()
    other = units.directory / "nftables.service.d" / "other.conf"
    other.write_text("")
    uninstall()
    assert list(units.directory.iterdir()) == [other.parent]


def test_a_unit_that_does_not_start_names_its_journal(units: Systemd) -> None:
    units.broken.add("b.service")
    with pytest.raises(IpvsUnavailableError) as caught:
        install()
    assert str(caught.value).startswith("systemctl start b.service failed: Job for ")
    assert "journalctl -b -u b.service. Carried out before that: write " in str(caught.value)
    assert str(caught.value).endswith("; start a.service. The next run does the rest")


def test_a_unit_that_ends_at_once_is_noticed(units: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "start", lambda _unit, _accepted: None)
    with pytest.raises(IpvsVerificationError, match=r"start a\.service"):
        install()


def test_a_machine_without_systemd(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(systemd, "run", lambda *words, **_options: Finished(1, "", "System has not been booted with systemd\n"))
    with pytest.raises(IpvsUnavailableError, match=r"^systemctl show .* failed: System has not been booted with systemd$"):
        systemd.states(["a.service"])
