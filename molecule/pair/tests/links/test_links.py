# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What happens to connections when links, paths and clocks fail."""

from __future__ import annotations

import time

from pair.pair import AGENT, ALL, TCP, Pair
from pair.results import Bounds


def test_the_link_of_the_active_is_cut(pair: Pair) -> None:
    lost = pair.active
    with pair.step("link of the active cut", Bounds(new_lost=0.005, gap=6)):
        lost.cut()
        pair.until_active(pair.other(lost))


def test_the_lost_one_returns_and_is_handed_over_to(pair: Pair) -> None:
    lost = pair.active
    pair.peer.open("ending", count=2)
    time.sleep(3)
    lost.cut()
    pair.until_active(pair.other(lost))
    # Both happen behind its back: these would be missing, and those stale.
    pair.peer.open("idle", count=2)
    pair.peer.ask("close", group="ending")
    time.sleep(3)
    lost.mend("link")
    lost.run("ipvs-director resync")
    took = pair.until_equal(pair.other(lost), 20)
    with pair.step("the lost one returns, resync, handover to it", Bounds(new_lost=0.005, gap=3), idle=0) as step:
        step.note = f"equal {took:.1f} s after its return; {pair.hand_over().strip()}"
        pair.until_active(lost)


def test_without_resync_idle_ones_are_lost(pair: Pair) -> None:
    """The control."""
    active = pair.active
    lost = pair.other(active)
    for director in pair.directors:
        director.change("agent", f"systemctl stop {AGENT}", f"systemctl start {AGENT}")
    lost.cut()
    time.sleep(2)
    pair.peer.open("idle", TCP, count=2)
    time.sleep(5)
    lost.mend("link")
    time.sleep(5)
    bounds = Bounds(lost=2 * len(TCP), control="all idle ones lost")
    with pair.step("the same without resync", bounds, idle=0) as step:
        pair.give_up(active)
    assert len(step.found["lost"]) == bounds.lost, step.found["lost"]
    assert all("idle" in line for line in step.found["lost"])


def test_the_active_freezes_and_goes_on(pair: Pair) -> None:
    """Both takeovers happen between two new connections: the kernel may tell of one as late as two seconds after it began."""
    frozen = pair.active
    with pair.step("active frozen 8 s, goes on", Bounds(new_lost=0.0)) as step:
        pair.peer.ask("pause")
        frozen.freeze()
        pair.peer.ask("resume")
        time.sleep(8)
        assert pair.other(frozen).serves
        pair.peer.ask("pause")
        frozen.mend("frozen")
        step.note = f"{pair.active} serves then"
        pair.peer.ask("resume")


def test_the_vrrp_path_is_cut(pair: Pair) -> None:
    active = pair.active
    with pair.step("VRRP path cut 10 s, sync intact", Bounds()) as step:
        active.block("vrrp")
        time.sleep(10)
        assert [director.serves for director in pair.directors] == [True, True]
        active.mend("blocked")
        step.note = f"both serve; {pair.active} serves then"


def test_the_sync_path_is_cut(pair: Pair) -> None:
    active = pair.active
    other = pair.other(active)
    with pair.step("sync path cut 10 s, VRRP intact", Bounds(new_lost=0.0, new_refused=0)) as step:
        other.block("sync")
        pair.peer.open("idle", count=2)
        time.sleep(10)
        assert (active.serves, other.serves) == (True, False)
        # Before the kernel's own messages could have told of them: idle ones are told of once.
        missing = pair.difference(active).missing
        assert len(missing) >= 2 * len(ALL)
        refused = active.vm.run("ipvs-director handover --timeout 3")
        assert refused.returncode
        assert "Nothing was handed over" in refused.stderr
        assert (active.serves, other.serves) == (True, False)
        other.mend("blocked")
        step.note = f"{len(missing)} missing on {other}, handover refused"
    pair.peer.open("idle", count=2)
    # The agents see to it by themselves.
    pair.until_equal(active, 90)
