# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers that fail and come back."""

from __future__ import annotations

import pytest

from health.director import COMMANDED, ECHO, NAMED, OTHER, RECOVER_AFTER, SECURE, SLOWEST, WEB, WELL, Checked
from pair.results import Bounds

# What is noticed after the interval, a pause and a retry; and a second for the follower.
REFUSED = 6.0
# The same with both timeouts.
SILENT = 11.0
BACK = 13.0
NONE_LOST = Bounds(new_lost=0.0)


def test_a_killed_process(checked: Checked) -> None:
    thresholds = checked.thresholds()
    with checked.step("process killed -> weight 0", Bounds(seconds=REFUSED, new_lost=1.0), settled=0) as step:
        checked.kill("rs1")
        step.seconds = checked.until_weight("rs1", 0, 60)
        checked.until_held("rs1")
    with checked.step("  while it is held", NONE_LOST, settled=3):
        found = checked.health()["rs1"]
        assert (found["state"], found["held"], found["weight"], found["effective_weight"]) == ("down", True, 5, 0)
        assert found["held_reason"]
    with checked.step("  it answers again -> own weight, place and thresholds", Bounds(seconds=BACK, new_lost=0.0)) as step:
        checked.revive("rs1")
        step.seconds = checked.until_weight("rs1", 5, 60)
        assert list(checked.weights()) == ["rs1", "rs2", "rs3", "sorry"]
        assert checked.thresholds() == thresholds


def test_a_host_that_is_gone(checked: Checked) -> None:
    with checked.step("host gone (blackhole) -> weight 0", Bounds(seconds=SILENT, new_lost=1.0), settled=0) as step:
        checked.vanish("rs1")
        step.seconds = checked.until_weight("rs1", 0, 60)
        checked.until_held("rs1", silent=True)
    with checked.step("  while it is held", NONE_LOST, settled=3):
        assert checked.health()["rs1"]["held_reason"]
    with checked.step("  it answers again", Bounds(seconds=BACK, new_lost=0.0)) as step:
        checked.reappear("rs1")
        step.seconds = checked.until_weight("rs1", 5, 60)


def test_all_killed(checked: Checked) -> None:
    with checked.step("all killed: the sorry server serves, or one stays in", Bounds(seconds=REFUSED, new_lost=1.0), settled=0) as step:
        checked.kill("rs1", "rs2", "rs3")
        step.seconds = checked.until_table(
            "the sorry server alone serves", lambda table: table[WEB] == {"rs1": 0, "rs2": 0, "rs3": 0, "sorry": 1}, 60
        )
        checked.until_table("one is held", lambda table: sorted(table[OTHER].values()) == [0, 1], 60)
        checked.stays(checked.table, SLOWEST)
        (kept,) = (name for name, weight in checked.weights(OTHER).items() if weight)
        found = checked.health(OTHER)[kept]
        assert (found["state"], found["held"]) == ("down", False)
        step.note = f"{kept} stays in"
    with checked.step("  the sorry server alone", NONE_LOST, clients=["web"], settled=3):
        pass
    with checked.step(
        "  first one back: the dead one is held", Bounds(seconds=REFUSED, new_lost=1.0), clients=["other"], settled=0
    ) as step:
        checked.revive("rs2")
        step.seconds = checked.until_table("rs2 alone serves", lambda table: table[OTHER] == {"rs1": 0, "rs2": 1}, 60)
    bounds = Bounds(seconds=BACK, new_lost=0.0)
    with checked.step("  then the sorry server goes", bounds, settled=3) as step:
        alone = {"rs1": 0, "rs2": 5, "rs3": 0, "sorry": 0}
        step.seconds = checked.until_table("rs2 serves", lambda table: table[WEB] == alone, 60)
    with checked.step("  the others back", bounds) as step:
        checked.revive("rs1", "rs3")
        step.seconds = checked.until_table("all are back", lambda table: table == WELL, 60)


@pytest.mark.parametrize(
    ("fault", "service", "reason"),
    [
        ({"status": 500}, WEB, "HTTP_CHECK"),
        ({"rcode": 3}, NAMED, "rcode = 3"),
        ({"closed": True}, ECHO, "UDP_CHECK"),
        (None, COMMANDED, "exited with status 1"),
    ],
    ids=["HTTP 500", "DNS NXDOMAIN", "UDP port closed", "command exit 1"],
)
def test_a_wrong_answer(
    checked: Checked, request: pytest.FixtureRequest, fault: dict[str, object] | None, service: str, reason: str
) -> None:
    with checked.step(f"{request.node.callspec.id} -> weight 0", Bounds(seconds=SILENT, new_lost=0.0)) as step:
        if fault is None:
            checked.maintain("rs2")
        else:
            checked.fail("rs2", **fault)
        step.seconds = checked.until_weight("rs2", 0, 60, [service])
        step.note = checked.health(service)["rs2"]["held_reason"]
        assert reason in step.note
        # Nothing else is wrong with it.
        assert {name for name, weights in checked.table.items() if not weights["rs2"]} == {service}


def test_an_expired_certificate(checked: Checked) -> None:
    checked.check_certificates()
    checked.until("the certificate is valid", lambda: checked.health(SECURE)["rs2"]["state"] == "up", 60)
    with checked.step("TLS expired -> weight 0", Bounds(seconds=SILENT, new_lost=0.0)) as step:
        checked.fail("rs2", certificate="expired")
        step.seconds = checked.until_weight("rs2", 0, 60, [SECURE])
        step.note = checked.health(SECURE)["rs2"]["held_reason"]
        # keepalived does not keep what a program says.
        assert "openssl" in step.note


def test_it_is_back_only_when_it_has_been_well_for_a_while(checked: Checked) -> None:
    """A flapping one stays out."""
    checked.kill("rs2")
    checked.until_held("rs2")
    with checked.step("up for four seconds, twice: stays at weight 0", NONE_LOST, settled=0):
        for _flap in range(2):
            checked.revive("rs2")
            checked.stays(checked.table, RECOVER_AFTER / 2)
            checked.kill("rs2")
            checked.stays(checked.table, SLOWEST / 2)
