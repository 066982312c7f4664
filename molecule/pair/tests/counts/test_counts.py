# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the standby knows, and counts."""

from __future__ import annotations

import time

import pytest

from pair.pair import AGENT, TCP, Pair
from pair.results import Bounds

TIMEOUT = 30
SLOW = 5.0
UPPER = 6


@pytest.mark.parametrize(("threshold", "known"), [("0 0", "all"), ("3 50", "none")])
def test_slow_connections_are_known_to_the_standby(pair: Pair, threshold: str, known: str) -> None:
    """Without the agent, which would tell of them: the kernel's own messages."""
    active = pair.active
    for director in pair.directors:
        director.change("agent", f"systemctl stop {AGENT}", f"systemctl start {AGENT}")
        director.change("timeouts", f"ipvsadm --set {TIMEOUT} 0 0", "ipvsadm --set 900 0 0")
        before = director.run("sysctl --values net.ipv4.vs.sync_threshold net.ipv4.vs.sync_refresh_period").splitlines()
        assert before == ["0\t0", "10"]
        refresh = before[1] if known == "all" else "0"
        director.change(
            "threshold",
            f"sysctl --write net.ipv4.vs.sync_threshold='{threshold}' net.ipv4.vs.sync_refresh_period={refresh}",
            "sysctl --write net.ipv4.vs.sync_threshold='0 0' net.ipv4.vs.sync_refresh_period=10",
        )
    bounds = Bounds(control='"3 50", none known') if known == "none" else Bounds()
    with pair.step(f'slow connections, sync_threshold "{threshold}"', bounds, idle=0, talking=0, new=[], settled=0) as step:
        pair.peer.open("slow", TCP, count=2, pause=SLOW)
        time.sleep(TIMEOUT + 13)
        held = pair.peer.held()
        standby = pair.other(active).table
        there = sum(key in standby and standby[key].state == "ESTABLISHED" for key in held)
        step.note = f"{there} of {len(held)} known to the standby"
    assert len(held) == 2 * len(TCP)
    assert there == (len(held) if known == "all" else 0)


def test_full_servers_stay_full_after_a_takeover(pair: Pair) -> None:
    active = pair.active
    opened = pair.peer.open("full", ["full-tcp"], count=2 * UPPER + 1)
    assert opened["servers"] == {"nat1": UPPER, "nat2": UPPER, "nat3": 1}
    time.sleep(3)
    with pair.step(f"{2 * UPPER + 1} on `test` with upper {UPPER}", Bounds(), idle=0, talking=0, new=["full-tcp"]) as step:
        active.cut()
        pair.until_active(pair.other(active))
        time.sleep(5)
    assert step.found["servers"]["full-tcp"].keys() == {"nat3"}, step.found["servers"]
