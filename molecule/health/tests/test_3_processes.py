# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checkers and their follower are killed, restarted and misconfigured: the table does not notice."""

from __future__ import annotations

import time

import pytest

from health.director import ADDRESSES, CHECKS, FOLLOWER, RECOVER_AFTER, SLOWEST, VIP, WEB, WELL, Checked, without
from pair.results import Bounds

REFUSED = 6.0
BACK = 13.0
NONE_LOST = Bounds(new_lost=0.0)
CHILD = "/run/lvs.director/checks-checkers.pid"
CONFIGURATION = "/etc/lvs.director/checks.conf"

KILLED = {
    "checker": f"systemctl kill --signal=KILL --kill-who=all {CHECKS}",
    "checker's parent": f"systemctl kill --signal=KILL --kill-who=main {CHECKS}",
    "checker's child": f"kill -9 $(cat {CHILD})",
    "follower": f"systemctl kill --signal=KILL {FOLLOWER}",
}
RESTARTED = {"both": f"systemctl restart {CHECKS} {FOLLOWER}"}


@pytest.mark.parametrize("what", [*KILLED, *RESTARTED])
def test_killed_while_all_are_well(checked: Checked, what: str) -> None:
    with checked.step(f"{what} {'killed' if what in KILLED else 'restarted'}, all well", NONE_LOST):
        checked.director.run({**KILLED, **RESTARTED}[what])
        checked.stays(WELL, SLOWEST)
    with checked.step("  then a process is killed", Bounds(seconds=REFUSED, new_lost=1.0), settled=0) as step:
        checked.kill("rs2")
        step.seconds = checked.until_weight("rs2", 0, 60)


@pytest.mark.parametrize("what", [*KILLED, *RESTARTED])
def test_killed_while_one_is_held(checked: Checked, what: str) -> None:
    checked.kill("rs1")
    checked.until_held("rs1")
    with checked.step(f"{what} {'killed' if what in KILLED else 'restarted'}, one held", NONE_LOST):
        checked.director.run({**KILLED, **RESTARTED}[what])
        # It must not come back for a moment: keepalived begins with all of them up.
        checked.stays(without("rs1"), SLOWEST + RECOVER_AFTER)
    with checked.step("  it comes back", Bounds(seconds=BACK, new_lost=0.0)) as step:
        checked.revive("rs1")
        step.seconds = checked.until_weight("rs1", 5, 60)


@pytest.mark.parametrize("what", [*KILLED, *RESTARTED])
def test_killed_while_one_recovers(checked: Checked, what: str) -> None:
    checked.kill("rs1")
    checked.until_held("rs1")
    bounds = Bounds(seconds=BACK + RECOVER_AFTER, new_lost=0.0)
    with checked.step(f"{what} {'killed' if what in KILLED else 'restarted'}, one recovering", bounds) as step:
        began = time.monotonic()
        checked.revive("rs1")
        checked.stays(without("rs1"), RECOVER_AFTER / 2)
        checked.director.run({**KILLED, **RESTARTED}[what])
        checked.until_weight("rs1", 5, 60)
        step.seconds = time.monotonic() - began


def test_stopped(checked: Checked) -> None:
    """Frozen, never emptied."""
    with checked.step("checkers stopped: the table stays", NONE_LOST):
        checked.director.run(f"systemctl stop {CHECKS}")
        checked.stays(WELL, SLOWEST)


def test_it_recovers_before_the_checker_is_back(checked: Checked) -> None:
    """The shadow still has weight 0, and keepalived would leave it there: trap T4."""
    checked.kill("rs1")
    checked.until_held("rs1")
    with checked.step("at 0, checker killed -9, well before the respawn", Bounds(seconds=BACK, new_lost=0.0)) as step:
        parent = checked.pid(CHECKS)
        checked.director.run(f"kill -STOP {parent}; kill -9 $(cat {CHILD})")
        checked.revive("rs1")
        time.sleep(2)
        assert checked.table == without("rs1")
        checked.director.run(f"kill -CONT {parent}")
        step.seconds = checked.until_table("it is back", lambda table: table == WELL, 60)


def test_a_reload_that_adds_a_dead_one_and_removes_one_that_is_well(checked: Checked) -> None:
    """keepalived says of a real server that is removed that it is down."""
    service = {"service": {"protocol": "tcp", "address": VIP, "port": 80}}
    dead = {"address": ADDRESSES["nobody"], "port": 80}
    leaving = {"address": ADDRESSES["rs3"], "port": 80}
    checked.kill("rs2")
    checked.until_held("rs2")
    others = {name: weights for name, weights in without("rs2").items() if name != WEB}

    def others_stay() -> None:
        found = checked.table
        assert {name: weights for name, weights in found.items() if name != WEB} == others
        assert (found[WEB]["rs1"], found[WEB]["rs2"]) == (5, 0)

    try:
        with checked.step("reload that adds a dead one", Bounds(seconds=11.0, new_lost=0.0)) as step:
            checked.task("ipvs_destination", **service, **dead, weight=5, forward_method="masquerade")
            added = time.monotonic()
            while checked.weights()["nobody"]:
                others_stay()
                assert time.monotonic() < added + 60, checked.explain()
            step.seconds = time.monotonic() - added
        with checked.step("reload that removes one that is well", NONE_LOST):
            checked.task("ipvs_destination", **service, **leaving, state="absent")
            for _second in range(int(SLOWEST)):
                others_stay()
                assert checked.weights()["nobody"] == 0
                time.sleep(1)
    finally:
        checked.task("ipvs_destination", **service, **dead, state="absent")
        checked.play()


def test_a_broken_configuration_is_refused(checked: Checked) -> None:
    before = checked.director.run(f"cat {CONFIGURATION}; stat --format=%i {CONFIGURATION}")
    running = checked.pid(CHECKS)
    services = [
        {
            "protocol": "tcp",
            "address": VIP,
            "port": 80,
            "checks": [{"type": "command", "command": ["/usr/bin/nothing-of-that-name"]}],
        }
    ]
    with checked.step("broken configuration: refused, nothing changed", NONE_LOST) as step:
        step.note = checked.refused("ipvs_health", services=services)
        assert "nothing was changed" in step.note.lower()
        assert checked.director.run(f"cat {CONFIGURATION}; stat --format=%i {CONFIGURATION}") == before
        assert checked.pid(CHECKS) == running
        checked.stays(WELL, 3)


def test_keepalived_cannot_write_the_table(checked: Checked) -> None:
    """The tests in guest/, with keepalived and the units of the director."""
    command = "cd /root/guest && PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/root/guest timeout 900 python3 -m pytest -q -p no:cacheprovider"
    with checked.step("wrong configurations by hand: the table stays", NONE_LOST) as step:
        done = checked.director.vm.run(f"{command} test_configuration.py", timeout=1000)
        assert not done.returncode, done.stdout[-4000:] + done.stderr[-1000:]
        step.note = done.stdout.splitlines()[-1]


def test_the_users_own_keepalived(checked: Checked) -> None:
    checked.director.change(
        "keepalived",
        "cat >/etc/keepalived/keepalived.conf <<'END'\n"
        "vrrp_instance own {\n    interface eth1\n    virtual_router_id 77\n    priority 100\n    advert_int 1\n"
        "    virtual_ipaddress {\n        10.211.55.150/32 dev eth1\n    }\n}\nEND\n"
        "systemctl restart keepalived",
        "systemctl stop keepalived; rm /etc/keepalived/keepalived.conf",
    )

    def has_address() -> bool:
        return " 10.211.55.150/" in checked.director.run("ip -oneline address show dev eth1")

    with checked.step("the user's own keepalived, restarted", NONE_LOST):
        checked.until("keepalived has its address", has_address, 30)
        ours, theirs = checked.pid(CHECKS), checked.pid("keepalived")
        checked.director.run("systemctl restart keepalived")
        checked.stays(WELL, SLOWEST)
        assert checked.pid(CHECKS) == ours
        assert checked.pid("keepalived") != theirs
        checked.until("keepalived has its address", has_address, 30)
    with checked.step("ours restarted beside it", NONE_LOST):
        theirs = checked.pid("keepalived")
        checked.director.run(f"systemctl restart {CHECKS} {FOLLOWER}")
        checked.stays(WELL, SLOWEST)
        assert checked.pid("keepalived") == theirs
        assert has_address()
    with checked.step("  with it, a process is killed", Bounds(seconds=REFUSED, new_lost=1.0), settled=0) as step:
        checked.kill("rs1")
        step.seconds = checked.until_weight("rs1", 0, 60)
