# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit on a director in service: what stays, what it repairs, and its log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

testinfra_hosts = ["ansible://director"]

TRAFFIC = Path(__file__).parents[3] / "_shared" / "traffic.py"
SAVED = "/var/lib/lvs.director/table.json"
SERVICE = {"protocol": "tcp", "address": "10.211.55.3", "port": 21}
# Without the columns that count connections.
TABLE = (
    "{ ipvsadm --list --numeric --nosort; ipvsadm --list --numeric --nosort --thresholds; } | awk '{print $1, $2, $3, $4, /->/ ? 0 : $NF}'"
)


def table(host: Any) -> list[str]:
    """Sorted services with their destinations in listed order; the kernel lists services in no particular order."""
    parts: list[str] = []
    for line in host.check_output(TABLE).splitlines():
        if line.startswith("-> "):
            parts[-1] += f"\n{line}"
        else:
            parts.append(line)
    return sorted(parts)


@pytest.fixture(autouse=True)
def as_it_was(host: Any) -> Iterator[list[str]]:
    """Return the table, and check that the test leaves it unchanged."""
    before = table(host)
    assert len([part for part in before if "10.99.1." in part]) == 4
    yield before
    assert table(host) == before


def journal(host: Any, unit: str = "ipvs-director") -> str:
    """The unit's log since its last start."""
    invocation = host.check_output(f"systemctl show --value -p InvocationID {unit}")
    said: str = host.check_output(f"journalctl --no-pager --output=cat _SYSTEMD_INVOCATION_ID={invocation}")
    return said


def test_a_restart_loses_no_connection(host: Any) -> None:
    host.check_output(f"cat >/root/traffic.py <<'END'\n{TRAFFIC.read_text()}\nEND")
    counts = json.loads(host.check_output("python3 /root/traffic.py 10.211.55.3 -- systemctl restart ipvs-director.service"))
    assert counts["said"] > 50
    assert counts["opened"] > 10
    assert not counts["refused"]
    assert not counts["unanswered"]
    assert "Restored 3 of 3 services, of which 3 needed no change." in journal(host)


def test_a_stop_removes_nothing(host: Any, as_it_was: list[str]) -> None:
    host.check_output("systemctl stop ipvs-director.service")
    assert host.check_output("systemctl show --value -p ActiveState ipvs-director ipvs-director-network").split() == ["inactive"] * 2
    assert table(host) == as_it_was
    assert " 10.211.55.3/32 " in host.check_output("ip -oneline address show dev eth1")
    host.check_output("systemctl start ipvs-director.service ipvs-director-network.service")


def test_a_manual_change_is_noticed_and_reverted(host: Any, as_it_was: list[str]) -> None:
    host.check_output("ipvsadm --edit-server -t 10.211.55.3:21 -r 10.99.1.3 --masquerading --weight 9")
    host.check_output("ipvsadm --delete-server -t 10.211.55.3:21 -r 10.99.1.1")
    host.check_output("ipvsadm --add-service -t 10.211.55.9:80 -s rr")
    listed = [{"address": f"10.99.1.{last}"} for last in (3, 2, 4, 1)]
    listed[0].update(weight=1, upper_threshold=4, lower_threshold=1)
    told = host.ansible("lvs.director.ipvs_service", json.dumps({**SERVICE, "destinations": listed}), check=True)
    assert told["changed"]
    assert table(host) != as_it_was
    host.check_output("systemctl restart ipvs-director.service")
    assert "Restored 3 of 3 services, of which 2 needed no change." in journal(host)
    # It is not ours, and stays.
    host.check_output("ipvsadm --delete-service -t 10.211.55.9:80")


def test_a_difference_between_file_and_kernel_is_noticed(host: Any) -> None:
    task = json.dumps({**SERVICE, "scheduler": "test"})
    assert not host.ansible("lvs.director.ipvs_service", task, check=False)["changed"]
    host.check_output(f'sed -i \'s/"weight": 5/"weight": 6/\' {SAVED}')
    assert host.ansible("lvs.director.ipvs_service", task, check=True)["changed"]
    assert host.ansible("lvs.director.ipvs_service", task, check=False)["changed"]
    assert '"weight": 5' in host.check_output(f"cat {SAVED}")


def test_the_program_finds_differences(host: Any) -> None:
    assert host.run("ipvs-director diff").rc == 0
    host.check_output("ipvsadm --edit-server -t 10.211.55.3:21 -r 10.99.1.3 --masquerading --weight 9 -x 4 -y 1")
    try:
        found = host.run("ipvs-director diff")
        assert (found.rc, found.stdout) == (1, "service tcp 10.211.55.3:21: destination 10.99.1.3:21 has weight 9 instead of 1\n")
        assert found.stdout.strip() in host.check_output("ipvs-director show")
    finally:
        host.check_output("ipvs-director restore table && ipvs-director diff")


def test_a_bad_entry_is_named_and_everything_else_is_restored(host: Any, as_it_was: list[str]) -> None:
    host.check_output(f'cp -p {SAVED} /root/saved && sed -i \'s/"weight": 70000/"weight": -1/\' {SAVED}')
    host.check_output("ipvsadm --delete-server -t 10.211.55.3:21 -r 10.99.1.1")
    try:
        assert host.run("systemctl restart ipvs-director.service").rc
        assert host.check_output("systemctl show --value -p ExecMainStatus ipvs-director.service") == "4"
        assert table(host) == as_it_was
        said = journal(host)
        assert "Not restored: services[2] (fwmark 7, family ipv4): destinations[1].weight: -1 is not in the range" in said
        assert "Restored 2 of 3 services, of which 1 needed no change." in said
    finally:
        host.check_output(f"mv /root/saved {SAVED} && systemctl restart ipvs-director.service")


def test_a_missing_scheduler_is_replaced_until_it_can_be_loaded(host: Any) -> None:
    """As after the boot of a kernel for which DKMS could not build it."""
    host.check_output("ipvsadm --delete-service -t 10.211.55.3:21 && rmmod ip_vs_test")
    host.check_output("echo 'install ip_vs_test /bin/false' >/etc/modprobe.d/missing.conf")
    try:
        host.check_output("systemctl restart ipvs-director.service")
        lines = host.check_output("ipvsadm --list --numeric --nosort -t 10.211.55.3:21").splitlines()
        assert " fo" in lines[2]
        assert [line.split()[1:4:2] for line in lines[3:]] == [
            ["10.99.1.3:21", "4"],
            ["10.99.1.2:21", "3"],
            ["10.99.1.4:21", "0"],
            ["10.99.1.1:21", "1"],
        ]
        said = host.check_output("journalctl --no-pager --output=cat --priority=warning -u ipvs-director.service --since=-1min")
        assert 'Service tcp 10.211.55.3:21: its scheduler "test" is missing' in said
    finally:
        host.check_output("rm /etc/modprobe.d/missing.conf && systemctl restart ipvs-director.service")
    assert not host.file("/run/lvs.director/fallback").exists
