# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Directors that are rebooted, lose their power, or come back with less than they had."""

from __future__ import annotations

from pair.pair import Director, Pair
from pair.results import Bounds

SAVED = "/var/lib/lvs.director/table.json"
MISSING = "/etc/modprobe.d/missing.conf"


def test_one_is_rebooted_and_then_the_other(pair: Pair) -> None:
    first = pair.active
    second = pair.other(first)
    with pair.step("active rebooted and back, then the other one", Bounds(new_refused=0)) as step:
        first.reboot()
        assert pair.active is second
        # The kernel has forgotten all. What it has in common with the other one is what it was told.
        took = pair.until_told(second, 60)
        second.reboot()
        assert pair.active is first
        step.note = f"all known {took:.1f} s after the boot"


def test_the_active_loses_its_power(pair: Pair) -> None:
    lost = pair.active
    other = pair.other(lost)
    with pair.step("active powered off", Bounds()):
        lost.power_off()
        pair.until_active(other)
        # Those of the step are closed behind its back.
    pair.peer.open("idle", count=2)
    lost.mend("power")
    lost.until_booted()
    took = pair.until_equal(other, 60)
    assert not lost.serves
    with pair.step("... and back: equal tables, handover to it", Bounds(), idle=0) as step:
        step.note = f"equal {took:.1f} s after its boot"
        pair.hand_over()
        pair.until_active(lost)


def has_no_vrrp(director: Director) -> None:
    assert not director.is_active("keepalived")
    assert not director.serves


def restore(director: Director) -> None:
    """What was missing at its boot is there again."""
    director.run("systemctl restart ipvs-director.service ipvs-director-network.service && systemctl start keepalived.service")


def test_a_standby_without_its_table_does_not_become_master(pair: Pair) -> None:
    active = pair.active
    standby = pair.other(active)
    standby.change("table", f"cp -p {SAVED} /root/saved && sed -i 's/.$/x/' {SAVED}", f"mv /root/saved {SAVED}")
    with pair.step("standby boots with a damaged table", Bounds(new_lost=0.0)) as step:
        standby.reboot()
        has_no_vrrp(standby)
        step.note = "it stays out of VRRP"
    standby.mend("table")
    restore(standby)
    pair.peer.open("idle", count=2)
    pair.until_equal(active, 90)


def test_a_standby_without_its_scheduler_does_not_become_master(pair: Pair) -> None:
    """As when DKMS could not build it for a new kernel."""
    active = pair.active
    standby = pair.other(active)
    standby.change("scheduler", f"echo 'install ip_vs_test /bin/false' >{MISSING}", f"rm {MISSING}")
    with pair.step("scheduler missing on the standby at boot", Bounds(new_lost=0.0)) as step:
        standby.reboot()
        has_no_vrrp(standby)
        assert "not ready for its virtual addresses" in standby.run("journalctl --boot --unit=ipvs-director-ready.service")
        step.note = "it stays out of VRRP, and says why"
    standby.mend("scheduler")
    restore(standby)
    pair.peer.open("idle", count=2)
    pair.until_equal(active, 90)
