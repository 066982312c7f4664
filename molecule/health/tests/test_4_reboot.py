# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The director reboots with a dead real server, and another one dies meanwhile."""

from __future__ import annotations

from health.director import CLIENTS, FOLLOWER, SLOWEST, WEB, Checked, without
from pair.results import Bounds


def test_a_reboot_with_one_down(checked: Checked) -> None:
    checked.kill("rs1")
    checked.until_held("rs1")
    with checked.step("reboot with one down: it gets no connection, others at once", Bounds(new_lost=1.0), settled=SLOWEST) as step:
        checked.peer.ask("pause")
        checked.director.vm.reboot()
        table = checked.table
        checked.peer.ask("begin", services=list(CLIENTS), every=0.25)
        checked.director.until_booted()
        checked.stays(table, SLOWEST)
        assert table == without("rs1")
        step.note = f"connections of rs1 since the boot: {checked.connections('rs1')}"
        assert checked.connections("rs1") == 0
        assert checked.connections("rs2") > 0


def test_one_that_dies_while_the_director_boots(checked: Checked) -> None:
    with checked.step("dead since the boot -> weight 0", Bounds(seconds=SLOWEST, new_lost=1.0), settled=0) as step:
        # Its death is not noticed before the boot.
        checked.director.run(f"systemctl stop {FOLLOWER}")
        checked.kill("rs1")
        checked.director.vm.reboot()
        checked.director.until_booted()
        checked.until_table("rs1 is held", lambda table: table[WEB]["rs1"] == 0, 60)
        step.seconds = checked.held_after_start()
        assert step.seconds >= 0
    with checked.step("  back", Bounds(seconds=13.0, new_lost=0.0)) as step:
        checked.until_held("rs1")
        checked.revive("rs1")
        step.seconds = checked.until_weight("rs1", 5, 60)
