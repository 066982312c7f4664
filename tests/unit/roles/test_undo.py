# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The role's programs remove what they made, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from . import programs

MODULES = {
    # name: users, with "-" for each that is no module
    "nf_conntrack": ["ip_vs"],
    "libcrc32c": ["nf_conntrack", "ip_vs"],
    "ip_vs": ["ip_vs_test", "ip_vs_mh"],
    "ip_vs_test": [],
    "ip_vs_mh": [],
    "ext4": ["-"],
}


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = programs.load("load")
    monkeypatch.setattr(module, "EARLIER", tmp_path / "state" / "modules.json")
    monkeypatch.setattr(module, "SAVED", tmp_path / "state" / "table.json")
    monkeypatch.setattr(module, "TABLE", tmp_path / "ip_vs")
    monkeypatch.setattr(module, "all_loaded", lambda: module.modules)
    module.EARLIER.parent.mkdir()
    module.modules = dict(MODULES)
    return module


@pytest.mark.parametrize(
    ("earlier", "used", "going"),
    [
        (["ext4"], {}, ["ip_vs_mh", "ip_vs_test", "ip_vs", "nf_conntrack", "libcrc32c"]),
        (["ext4", "libcrc32c"], {}, ["ip_vs_mh", "ip_vs_test", "ip_vs", "nf_conntrack"]),
        (["ext4", "libcrc32c", "nf_conntrack", "ip_vs"], {}, ["ip_vs_mh", "ip_vs_test"]),
        (["ext4"], {"ip_vs_mh": ["-"], "ip_vs": ["ip_vs_test", "ip_vs_mh", "-"]}, ["ip_vs_test"]),
        (["ext4"], {"nf_conntrack": ["ip_vs", "nft_ct"]}, ["ip_vs_mh", "ip_vs_test", "ip_vs"]),
    ],
)
def test_modules_that_have_come_since_go(loader: ModuleType, earlier: list[str], used: dict[str, list[str]], going: list[str]) -> None:
    loader.EARLIER.write_text(json.dumps(earlier))
    loader.modules.update(used)
    assert loader.superfluous("ip_vs_test", False) == going


def test_without_a_record_only_the_schedulers_module_goes(loader: ModuleType) -> None:
    assert loader.superfluous("ip_vs_test", False) == ["ip_vs_test"]


def test_check_mode_knows_that_the_services_will_be_gone(loader: ModuleType) -> None:
    loader.EARLIER.write_text(json.dumps(["ext4", "libcrc32c", "nf_conntrack"]))
    loader.modules.update({"ip_vs_test": ["-"], "ip_vs": ["ip_vs_test", "ip_vs_mh", "-"]})
    loader.SAVED.write_text(json.dumps({"services": [{}]}))
    loader.TABLE.write_text("IP Virtual Server\nTCP  0AD33703:0015 test\n  -> 0AD337FD:0015      Masq    1      0          0\n")
    assert loader.superfluous("ip_vs_test", True) == ["ip_vs_mh", "ip_vs_test", "ip_vs"]
    assert loader.superfluous("ip_vs_test", False) == ["ip_vs_mh"]
    loader.TABLE.write_text(loader.TABLE.read_text() + "FWM  00000007 rr\n")
    assert loader.superfluous("ip_vs_test", True) == ["ip_vs_mh"]


@pytest.mark.parametrize(("uses", "stays"), [(2, False), (3, True)])
def test_ip_vs_goes_with_the_schedulers_that_it_counts_twice(loader: ModuleType, uses: int, stays: bool) -> None:
    """In a dry run as well: with two of them, the third use is somebody else's."""
    loader.EARLIER.write_text(json.dumps(["ext4", "libcrc32c"]))
    loader.modules["ip_vs"] = ["ip_vs_test", "ip_vs_mh", *["-"] * uses]
    for check in (True, False):
        going = loader.superfluous("ip_vs_test", check)
        assert going == ["ip_vs_mh", "ip_vs_test", *([] if stays else ["ip_vs", "nf_conntrack"])]


def test_somebody_elses_service_with_our_scheduler_is_named(loader: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    loader.EARLIER.write_text("[]")
    loader.modules["ip_vs_test"] = ["-"]
    loader.TABLE.write_text("TCP  0AD33703:0015 test\n")
    monkeypatch.setattr(loader, "loaded", lambda name: "0123")
    with pytest.raises(loader.CannotError, match=r"virtual services .* use its scheduler: tcp 10\.211\.55\.3:21\. Give them another one"):
        loader.undo({"name": "ip_vs_test", "check": False, "file": str(tmp_path / "modules.conf")})
    assert loader.EARLIER.exists()


@pytest.fixture
def boot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = programs.load("boot")
    monkeypatch.setattr(module, "UNITS", tmp_path / "units")
    monkeypatch.setattr(module, "FALLBACK", tmp_path / "fallback")
    (tmp_path / "units").mkdir()
    module.enabled, module.active, module.said = set(), set(), []

    def systemctl(*words: str) -> tuple[int, str]:
        verb, name = words[0], words[-1]
        if verb == "is-enabled":
            return (0 if name in module.enabled else 1), ""
        if verb == "show":
            answers = {"NeedDaemonReload": "no", "ActiveState": "active" if name in module.active else "inactive"}
            return 0, answers[words[2].partition("=")[2]]
        module.said.append(" ".join(words))
        if verb == "enable":
            module.enabled.add(name)
        if verb in ("start", "restart"):
            module.active.add(name)
            module.FALLBACK.unlink(missing_ok=True)
        if verb == "disable":
            module.enabled.discard(name)
            module.active.discard(name)
        return 0, ""

    monkeypatch.setattr(module, "systemctl", systemctl)
    return module


def request(tmp_path: Path, **more: Any) -> dict[str, Any]:
    saved = {"path": str(tmp_path / "state" / "table.json"), "text": "nothing"}
    return {"units": {"a.service": "A", "b.service": "B"}, "saved": saved, "program": str(tmp_path / "program"), "check": False, **more}


def test_units_are_there_enabled_and_started(boot: ModuleType, tmp_path: Path) -> None:
    predicted = boot.converge(request(tmp_path, check=True))["steps"]
    assert boot.said == []
    assert boot.converge(request(tmp_path))["steps"] == predicted
    assert len(predicted) == 8
    assert boot.said == ["daemon-reload", "enable --quiet a.service", "enable --quiet b.service", "start a.service", "start b.service"]
    saved = tmp_path / "state" / "table.json"
    assert (saved.read_text(), saved.stat().st_mode & 0o777, saved.parent.stat().st_mode & 0o777) == ("nothing", 0o600, 0o700)
    assert boot.converge(request(tmp_path))["steps"] == []
    saved.write_text("a table")
    boot.active.clear()
    assert boot.converge(request(tmp_path))["steps"] == ["start a.service", "start b.service"]
    assert saved.read_text() == "a table"
    boot.FALLBACK.touch()
    (step,) = boot.converge(request(tmp_path))["steps"]
    assert step.startswith("restart a.service")


def test_undone_nothing_is_left_of_them(boot: ModuleType, tmp_path: Path) -> None:
    boot.converge(request(tmp_path))
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\necho $1 >>{tmp_path}/commands\n")
    program.chmod(0o755)
    boot.said.clear()
    predicted = boot.converge(request(tmp_path, absent=True, check=True))["steps"]
    assert program.exists()
    assert boot.converge(request(tmp_path, absent=True))["steps"] == predicted
    assert (tmp_path / "commands").read_text() == "clear-network\nclear-table\n"
    assert boot.said[:2] == ["disable --quiet --now b.service", "disable --quiet --now a.service"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["commands", "units"]
    assert boot.converge(request(tmp_path, absent=True))["steps"] == []


def test_what_cannot_be_cleared_stops_the_rest(boot: ModuleType, tmp_path: Path) -> None:
    boot.converge(request(tmp_path))
    with pytest.raises(boot.CannotError, match=r"program is missing.* Nothing was changed"):
        boot.converge(request(tmp_path, absent=True))
    (tmp_path / "program").write_text("#!/bin/sh\necho the reason; exit 1\n")
    (tmp_path / "program").chmod(0o755)
    with pytest.raises(boot.CannotError, match=r"clear-network failed.*the reason"):
        boot.converge(request(tmp_path, absent=True))
    assert boot.enabled == {"a.service", "b.service"}
    assert (tmp_path / "state" / "table.json").exists()
