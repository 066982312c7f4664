# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_fwmark, with an nft in memory. The scenario ``forwarding`` gives the rules to a real one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import fwmark
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished

from ...systemd import Systemd, units
from .conftest import Run

__all__ = ["units"]


class Nft:
    """Shows a table with the words of the text that it was loaded from, in other places."""

    def __init__(self) -> None:
        self.table = ""
        self.installed = True
        self.programs: list[str] = []
        self.errors = ""

    def run(self, *words: str, stdin: str = "") -> Finished:
        self.programs.append(words[0])
        if self.errors:
            return Finished(1, "", self.errors)
        if words[0] == "unshare":
            return Finished(0, self._shown(stdin), "")
        if words[1] == "list":
            return Finished(0, self.table, "") if self.table else Finished(1, "", "Error: No such file or directory; did you mean\n")
        assert words == ("nft", "-f", "-")
        self.table = self._shown(stdin.partition("delete table inet ipvs_director\n")[2])
        return Finished(0, "", "")

    @staticmethod
    def _shown(text: str) -> str:
        return "".join(f"{line.strip()} #shown\n" for line in text.splitlines())


@pytest.fixture
def nft(units: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nft:
    fake = Nft()
    monkeypatch.setattr(fwmark, "run", fake.run)
    monkeypatch.setattr(fwmark, "is_installed", lambda name: name == "nft" and fake.installed)
    monkeypatch.setattr(fwmark, "RULES", str(tmp_path / "rules.nft"))
    return fake


def mark(**options: Any) -> dict[str, Any]:
    return {"fwmark": 1, "addresses": ["198.51.100.3"], **options}


def steps(run: Run, *marks: dict[str, Any], check: bool = False) -> list[str]:
    result = run("ipvs_fwmark", fwmarks=list(marks), check=check)
    assert not result.get("failed"), result["msg"]
    found: list[str] = result["steps"]
    assert result["changed"] == bool(found)
    return found


def rules(nft: Nft) -> list[str]:
    """Return the rules that are loaded at boot."""
    return [line.strip() for line in Path(fwmark.RULES).read_text().splitlines() if "daddr" in line]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, ["ip daddr { 198.51.100.3/32 } meta mark set 1"]),
        ({"ports": []}, ["ip daddr { 198.51.100.3/32 } meta mark set 1"]),
        ({"protocol": "udp"}, ["ip daddr { 198.51.100.3/32 } meta l4proto udp meta mark set 1"]),
        (
            {"protocol": "tcp", "ports": ["80", "8000-8099"], "fwmark": 4294967295},
            ["ip daddr { 198.51.100.3/32 } tcp dport { 80, 8000-8099 } meta mark set 4294967295"],
        ),
        (
            {"addresses": ["2001:DB8::3", "198.51.100.0/24", "2001:db8:1::/64", "198.51.100.0/24"]},
            ["ip daddr { 198.51.100.0/24 } meta mark set 1", "ip6 daddr { 2001:db8::3/128, 2001:db8:1::/64 } meta mark set 1"],
        ),
        # As any option of a module is typed.
        ({"protocol": "tcp", "ports": "443"}, ["ip daddr { 198.51.100.3/32 } tcp dport { 443 } meta mark set 1"]),
        ({"protocol": "tcp", "ports": 443}, ["ip daddr { 198.51.100.3/32 } tcp dport { 443 } meta mark set 1"]),
        ({"protocol": "tcp", "ports": [443, "0443", 8080]}, ["ip daddr { 198.51.100.3/32 } tcp dport { 443, 8080 } meta mark set 1"]),
        ({"protocol": "tcp", "ports": "80,443"}, ["ip daddr { 198.51.100.3/32 } tcp dport { 80, 443 } meta mark set 1"]),
        ({"fwmark": "7", "addresses": "10.0.0.1"}, ["ip daddr { 10.0.0.1/32 } meta mark set 7"]),
        ({"fwmark": "0x10"}, None),
    ],
)
def test_a_mark_is_a_rule_for_each_family(run: Run, nft: Nft, options: dict[str, Any], expected: list[str] | None) -> None:
    if expected is None:
        assert "'0x10'" in run("ipvs_fwmark", fwmarks=[mark(**options)])["msg"]
        return
    steps(run, mark(**options))
    assert rules(nft) == expected
    assert steps(run, mark(**options)) == []


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("options", "path", "words"),
    [
        ({"fwmark": 0}, "fwmark", "0 is not a mark"),
        ({"fwmark": 1 << 32}, "fwmark", "is not a mark"),
        ({"addresses": []}, "addresses", "there is none"),
        ({"addresses": ["198.51.100.3/24"]}, "addresses", "has host bits set"),
        ({"addresses": ["www.example.org"]}, "addresses", "does not appear to be"),
        ({"addresses": 5}, "addresses", "'5' does not appear to be"),
        ({"ports": ["80"]}, "ports", "give protocol as well"),
        *(
            ({"protocol": "tcp", "ports": [port]}, "ports", "is not a port")
            for port in ("0", "65536", "80-79", "http", "80,443", "1-2-3", "80 }", "", "٣", True, 4.5)
        ),
    ],
)
def test_impossible_values_are_refused(
    run: Run, nft: Nft, units: Systemd, check: bool, options: dict[str, Any], path: str, words: str
) -> None:
    message = run("ipvs_fwmark", fwmarks=[mark(), mark(**options)], check=check)["msg"]
    assert message.startswith(f"fwmarks[1].{path}: ")
    assert words in message
    assert not nft.programs
    assert not units.told
    assert not Path(fwmark.RULES).exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"protocol": "icmp"}, "must be one of: tcp, udp, sctp"),
        ({"port": 80}, "port"),
        ({"fwmark": "seven"}, "fwmark"),
        ({"addresses": None}, "addresses"),
    ],
)
def test_unknown_options_are_refused(run: Run, nft: Nft, options: dict[str, Any], words: str) -> None:
    message = run("ipvs_fwmark", fwmarks=[mark(**options)])["msg"]
    assert words in message
    assert "fwmarks" in message


def test_everything_is_installed_and_removed(run: Run, nft: Nft, units: Systemd) -> None:
    predicted = steps(run, mark(), check=True)
    assert not nft.table
    assert not units.told
    assert not Path(fwmark.RULES).exists()
    assert steps(run, mark()) == predicted
    assert predicted == [
        f"write {fwmark.RULES}",
        "add table inet ipvs_director",
        f"write {units.directory}/ipvs_director_fwmark.service",
        f"write {units.directory}/nftables.service.d/ipvs_director_fwmark.conf",
        "have systemd read its units again",
        "enable ipvs_director_fwmark.service",
        "start ipvs_director_fwmark.service",
    ]
    # Deleting a table that does not exist would be an error: it is made first.
    assert (
        Path(fwmark.RULES).read_text().startswith("table inet ipvs_director\ndelete table inet ipvs_director\ntable inet ipvs_director {\n")
    )
    assert Path(fwmark.RULES).stat().st_mode & 0o777 == 0o644
    assert f"ExecStart=/usr/sbin/nft -f {fwmark.RULES}\n" in (units.directory / fwmark.UNIT).read_text()
    assert steps(run, mark()) == []
    assert steps(run, mark(fwmark=2)) == [f"write {fwmark.RULES}", "change table inet ipvs_director"]
    predicted = steps(run, check=True)
    assert run("ipvs_fwmark", state="absent", check=True)["steps"] == predicted
    assert nft.table
    assert steps(run) == predicted
    assert "delete table inet ipvs_director" in predicted
    assert not nft.table
    assert not list(units.directory.iterdir())
    assert not Path(fwmark.RULES).exists()


def test_few_programs_run_without_changes(run: Run, nft: Nft, units: Systemd) -> None:
    assert steps(run) == []
    assert run("ipvs_fwmark", state="absent")["changed"] is False
    assert not nft.programs
    assert not units.asked
    steps(run, mark())
    nft.programs.clear()
    units.asked.clear()
    steps(run, mark())
    assert (nft.programs, len(units.asked)) == (["nft", "unshare"], 1)


def test_a_foreign_rule_in_the_table_is_removed(run: Run, nft: Nft) -> None:
    steps(run, mark())
    right = nft.table
    nft.table += "another rule\n"
    assert steps(run, mark()) == ["change table inet ipvs_director"]
    assert nft.table == right


def test_rules_that_nft_refuses_change_nothing(run: Run, nft: Nft, units: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = nft.run
    refused = Finished(1, "", "conflicting intervals specified")
    monkeypatch.setattr(fwmark, "run", lambda *words, stdin="": refused if words[0] == "unshare" else plain(*words, stdin=stdin))
    assert run("ipvs_fwmark", fwmarks=[mark()])["msg"].endswith("and nothing was changed: conflicting intervals specified")
    assert not units.told
    assert not Path(fwmark.RULES).exists()


def test_without_privileges_nothing_counts_as_missing(run: Run, nft: Nft) -> None:
    nft.errors = "Operation not permitted (you must be root)"
    assert "become: true" in run("ipvs_fwmark", fwmarks=[mark()])["msg"]


def test_without_nft_check_mode_assumes_it_will_be_installed(run: Run, nft: Nft) -> None:
    nft.installed = False
    assert "add table inet ipvs_director" in steps(run, mark(), check=True)
    assert "Install the package nftables" in run("ipvs_fwmark", fwmarks=[mark()])["msg"]
    assert not Path(fwmark.RULES).exists()


def test_a_failed_run_reports_its_steps(run: Run, nft: Nft, units: Systemd) -> None:
    units.broken.add(fwmark.UNIT)
    message = run("ipvs_fwmark", fwmarks=[mark()])["msg"]
    assert "systemctl start ipvs_director_fwmark.service failed" in message
    assert f"Carried out before that: write {fwmark.RULES}; add table inet ipvs_director; " in message
    units.broken.clear()
    assert steps(run, mark()) == ["start ipvs_director_fwmark.service"]


def test_a_failed_removal_is_continued(run: Run, nft: Nft, units: Systemd) -> None:
    steps(run, mark())
    nft.errors = "Operation not permitted"
    assert run("ipvs_fwmark", state="absent")["failed"]
    nft.errors = ""
    steps(run)
    assert not nft.table


def test_a_concurrent_change_of_the_table_is_noticed(run: Run, nft: Nft, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nft, "_shown", lambda text: f"{len(nft.programs)}")
    assert "Does something else change it?" in run("ipvs_fwmark", fwmarks=[mark()])["msg"]
