# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The diff as Ansible prints it: each changed service by its name, and a number in place of thousands."""

from __future__ import annotations

import re
from typing import Any

import pytest
from ansible.plugins.callback import CallbackBase
from ansible_collections.lvs.director.plugins.module_utils._model.table import Stats
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Saved, to_text
from ansible_collections.lvs.director.plugins.module_utils._plan.diff import LINES, SERVICES

from contract.memory import MemoryKernel, MemoryStore

from .conftest import Result, Run
from .test_ipvs_table import Options


def service(number: int, destinations: int = 8, **options: Any) -> Options:
    listed = [{"address": f"10.{at >> 8}.{at & 255}.1", "forward_method": "masquerade"} for at in range(destinations)]
    address = f"192.{number >> 8}.{number & 255}.9"
    return {"protocol": "tcp", "address": address, "port": 80, "scheduler": "sh", "destinations": listed, **options}


def printed(result: Result) -> list[str]:
    """What the callback prints, without colours."""
    text: str = CallbackBase()._get_diff(result["diff"])  # type: ignore[no-untyped-call]
    return re.sub(r"\x1b\[[0-9;]*m", "", text).splitlines()


def headers(lines: list[str]) -> list[str]:
    return [line.removeprefix("+++ after: ").strip() for line in lines if line.startswith("+++")]


def test_one_weight_of_a_hundred_services(run: Run) -> None:
    services = [service(number) for number in range(100)]
    run("ipvs_table", services=services)
    services[73]["destinations"][3]["weight"] = 9
    assert printed(run("ipvs_table", services=services)) == [
        "--- before: tcp 192.0.73.9:80",
        "+++ after: tcp 192.0.73.9:80",
        "@@ -2,7 +2,7 @@",
        "   -> 10.0.0.1:80 masquerade weight 1",
        "   -> 10.0.1.1:80 masquerade weight 1",
        "   -> 10.0.2.1:80 masquerade weight 1",
        "-  -> 10.0.3.1:80 masquerade weight 1",
        "+  -> 10.0.3.1:80 masquerade weight 9",
        "   -> 10.0.4.1:80 masquerade weight 1",
        "   -> 10.0.5.1:80 masquerade weight 1",
        "   -> 10.0.6.1:80 masquerade weight 1",
        "",
    ]


def test_a_hundred_changed_services_are_shown_in_full(run: Run) -> None:
    services = [service(number) for number in range(SERVICES)]
    lines = printed(run("ipvs_table", services=services))
    assert headers(lines) == [f"tcp 192.0.{number}.9:80" for number in range(SERVICES)]
    assert sum(line.startswith("+  ->") for line in lines) == 8 * SERVICES
    for one in services:
        one["destinations"][3]["weight"] = 9
    lines = printed(run("ipvs_table", services=services))
    assert headers(lines) == [f"tcp 192.0.{number}.9:80" for number in range(SERVICES)]
    assert sum(line.startswith("+  ->") for line in lines) == SERVICES


def test_more_are_counted(run: Run) -> None:
    run("ipvs_table", services=[service(number, 3) for number in range(SERVICES + 30)])
    reals = service(1, 5)["destinations"]
    reals[1]["weight"] = 9
    changed = [{**service(number), "destinations": [reals[4], reals[2], reals[1]]} for number in range(SERVICES + 20)]
    wanted = [*changed, *(service(1000 + number, 2) for number in range(7))]
    arguments = {"services": wanted, "purge": True, "scope": [{"protocol": "tcp"}]}
    predicted = run("ipvs_table", check=True, **arguments)
    result = run("ipvs_table", **arguments)
    assert predicted == result
    assert headers(printed(result)) == [f"tcp 192.0.{number}.9:80" for number in range(SERVICES)]
    assert printed(result)[-1] == (
        "37 more services: 7 added, 20 changed, 10 removed. Their destinations: 34 added, 20 changed, 20 moved, 50 removed. "
        f"The first of them is tcp 192.0.{SERVICES}.9:80."
    )
    # The names of all are in the result.
    assert [len(result[f"{what}_services"]) for what in ("added", "changed", "removed")] == [7, SERVICES + 20, 10]


def test_many_destinations_are_counted(run: Run) -> None:
    """A diff is as long as what changes, not as the service."""
    large = service(1, LINES)
    small = service(2, 2)
    lines = printed(run("ipvs_table", services=[large, small]))
    assert headers(lines) == ["tcp 192.0.2.9:80"]
    assert lines[-1] == (
        f"1 more service: 1 added, 0 changed, 0 removed. Their destinations: {LINES} added, 0 changed, 0 moved, 0 removed. "
        "The first of them is tcp 192.0.1.9:80."
    )
    large["destinations"][7]["weight"] = 9
    lines = printed(run("ipvs_table", services=[large, small]))
    assert headers(lines) == ["tcp 192.0.1.9:80"]
    assert len(lines) == 12
    for real in large["destinations"]:
        real["weight"] = 3
    assert headers(printed(run("ipvs_table", services=[large, small]))) == []


@pytest.mark.parametrize(("destinations", "shown"), [(1, SERVICES), (LINES // 20, 19)])
def test_what_is_saved_has_bounds_too(run: Run, store: MemoryStore, destinations: int, shown: int) -> None:
    services = [service(number, destinations) for number in range(SERVICES + 3)]
    run("ipvs_table", services=services)
    store.table = to_text(Saved())
    lines = printed(run("ipvs_table", services=services))
    assert headers(lines) == [f"tcp 192.0.{number}.9:80, restored at boot" for number in range(shown)]
    assert lines[-1] == (
        f"{SERVICES + 3 - shown} more services changed in what is restored at boot. The first of them is tcp 192.0.{shown}.9:80."
    )


def test_zeroed_counters_have_bounds_too(run: Run, kernel: MemoryKernel) -> None:
    services = [service(number, 0) for number in range(SERVICES + 3)]
    run("ipvs_table", services=services)
    kernel.stats = {key: Stats(1) for key in kernel.services}
    lines = printed(run("ipvs_table", services=services, zero_counters=True))
    assert headers(lines) == ["counters"]
    assert len([line for line in lines if line.startswith("+(")]) == SERVICES
    assert lines[-1] == "Counters of 3 more services are zeroed."
