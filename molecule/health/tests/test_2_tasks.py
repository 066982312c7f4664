# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tasks that run while a real server is down: nobody fights over the table."""

from __future__ import annotations

from typing import Any

import pytest

from health.director import ADDRESSES, OTHER, SLOWEST, VIP, WEB, Checked
from pair.results import Bounds

BACK = 13.0
NONE_LOST = Bounds(new_lost=0.0)
SERVICE = {"protocol": "tcp", "address": VIP, "port": 80}


def destination(name: str, **options: Any) -> dict[str, Any]:
    return {"service": SERVICE, "address": ADDRESSES[name], "port": 80, **options}


@pytest.fixture
def held(checked: Checked) -> Checked:
    """rs1 is down, and held."""
    checked.kill("rs1")
    checked.until_held("rs1")
    return checked


def test_the_playbook_changes_nothing(held: Checked) -> None:
    with held.step("playbook run while one is down", NONE_LOST) as step:
        before = held.table
        step.note = f"changed={held.play()}"
        assert step.note == "changed=0"
        assert held.table == before


def test_a_weight_is_changed(held: Checked) -> None:
    with held.step("weight changed while down", NONE_LOST):
        found = held.task("ipvs_destination", **destination("rs1", weight=7))
        assert found["changed"]
        assert held.weights()["rs1"] == 0
        assert (held.health()["rs1"]["weight"], held.health()["rs1"]["effective_weight"]) == (7, 0)
        assert not held.task("ipvs_destination", **destination("rs1", weight=7))["changed"]
    try:
        with held.step("  back with it", Bounds(seconds=BACK, new_lost=0.0)) as step:
            held.revive("rs1")
            step.seconds = held.until_table("it is back", lambda table: table[WEB]["rs1"] != 0, 60)
            assert held.weights()["rs1"] == 7
    finally:
        held.task("ipvs_destination", **destination("rs1", weight=5))


def test_the_order_is_changed(held: Checked) -> None:
    def arrange(*names: str) -> None:
        listed = [{"address": ADDRESSES[name], "port": 80} for name in names]
        assert held.task("ipvs_service", **SERVICE, destinations=listed)["changed"]

    try:
        with held.step("order changed while down", NONE_LOST):
            arrange("rs2", "rs1", "rs3", "sorry")
            assert list(held.weights().items()) == [("rs2", 5), ("rs1", 0), ("rs3", 5), ("sorry", 0)]
        with held.step("  back at its new place", Bounds(seconds=BACK, new_lost=0.0)) as step:
            held.revive("rs1")
            step.seconds = held.until_weight("rs1", 5, 60)
            assert list(held.weights()) == ["rs2", "rs1", "rs3", "sorry"]
    finally:
        arrange("rs1", "rs2", "rs3", "sorry")


def test_it_is_drained(held: Checked) -> None:
    with held.step("drained while down: stays drained when it is well", NONE_LOST):
        held.task("ipvs_destination", **destination("rs1", state="drained", drain_timeout=0))
        held.revive("rs1")
        held.until_table("it is well for the other services", lambda table: table[OTHER]["rs1"] == 1, 60)
        held.stays(held.table, SLOWEST)
        found = held.health()["rs1"]
        assert (found["state"], found["drained"], found["held"], found["effective_weight"]) == ("up", True, False, 0)
    with held.step("  undrained: at once", NONE_LOST):
        assert held.task("ipvs_destination", **destination("rs1", state="present"))["changed"]
        assert held.weights()["rs1"] == 5


def test_it_is_undrained_while_down(checked: Checked) -> None:
    with checked.step("drained, then down and undrained: held", NONE_LOST, clients=["web"]):
        checked.task("ipvs_destination", **destination("rs1", state="drained", drain_timeout=0))
        checked.kill("rs1")
        checked.until_held("rs1")
        checked.task("ipvs_destination", **destination("rs1", state="present"))
        checked.stays(checked.table, SLOWEST)
        assert checked.weights()["rs1"] == 0
        assert checked.health()["rs1"]["held"]
    with checked.step("  back", Bounds(seconds=BACK, new_lost=0.0)) as step:
        checked.revive("rs1")
        step.seconds = checked.until_weight("rs1", 5, 60)


def test_everybody_knows(held: Checked) -> None:
    services = held.task("ipvs_info")["services"]
    (web,) = (each for each in services if (each["address"], each["port"]) == (VIP, 80))
    found = {each["address"]: each for each in web["destinations"]}[ADDRESSES["rs1"]]
    assert (found["held"], found["weight"], found["effective_weight"]) == (True, 5, 0)
    assert found["held_reason"] == held.health()["rs1"]["held_reason"]
    assert found["held_since"] == held.health()["rs1"]["held_since"]
    shown = held.director.run("ipvs-director show")
    assert "held" in shown
    assert held.director.says("ipvs-director diff") == "The kernel has what is saved.\n"
    journal = held.director.run("journalctl --output=cat --unit=ipvs-director-health --lines=20 --no-pager")
    assert f"{ADDRESSES['rs1']}:80 of service {WEB} is held, with weight 5 to come back with" in journal
