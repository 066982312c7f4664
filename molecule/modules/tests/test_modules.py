# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the tests that need a kernel inside the guests, once for each pyroute2."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor

import pytest
import testinfra

testinfra_hosts = ["ansible://directors"]

DISTRIBUTION = {"debian12": "0.7.2", "debian13": "0.7.7"}
KEEPALIVED = {"debian12": "v2.2.7", "debian13": "v2.3.3"}

# Seconds for one run of pytest, in an emulated machine.
LIMIT = 900
GUEST = "/root/guest"
NEWEST = "/root/guest:/root/guest/newest"
RUNS = [
    ("contract", GUEST),
    ("contract", NEWEST),
    ("test_ipvsadm.py", GUEST),
    ("test_abuse.py", GUEST),
    ("test_ipvsadm_settings.py", GUEST),
    ("test_keepalived.py", GUEST),
    ("test_traffic.py", GUEST),
    ("test_resync.py", GUEST),
]


@pytest.fixture(scope="session")
def runs(request):
    """All runs of pytest in the guests: one after the other in each of them, in all of them at the same time."""
    hosts = testinfra.get_hosts(testinfra_hosts, ansible_inventory=request.config.option.ansible_inventory)
    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        started = {host.backend.get_hostname(): pool.submit(run_all, host) for host in hosts}
        yield lambda host, *run: started[host.backend.get_hostname()].result()[run]


def run_all(host):
    return {
        (tests, pythonpath): host.run(
            f"cd /root/guest && IPVS_KERNEL=netlink PYTHONDONTWRITEBYTECODE=1 PYTHONPATH={pythonpath} "
            # SIGABRT makes a hanging pytest show where it hangs.
            f"timeout --signal=ABRT {LIMIT} python3 -m pytest -q -p no:cacheprovider {tests}"
        )
        for tests, pythonpath in RUNS
    }


def passed(host, done):
    """Return how many tests passed in a run; its output if one did not."""
    counted = re.search(r"^(\d+) passed in ", done.stdout, re.MULTILINE)
    assert done.rc == 0, done.stdout[-4000:] + done.stderr[-1000:]
    assert counted, done.stdout[-4000:]
    print(f"{host.backend.get_hostname()}: {counted[0]}...")
    return int(counted[1])


def pyroute2_version(host, pythonpath):
    return host.check_output(
        f"PYTHONPATH={pythonpath} python3 -c 'import importlib.metadata as m, pyroute2; "
        'print(pyroute2.__file__, m.version("pyroute2") if "dist" in pyroute2.__file__ else "")\''
    )


def test_the_distributions_pyroute2_has_the_expected_version(host):
    name = host.backend.get_hostname()
    assert DISTRIBUTION[name] in pyroute2_version(host, "/root/guest")


def test_the_contract_with_the_distributions_pyroute2(host, runs):
    assert passed(host, runs(host, "contract", GUEST)) >= 20


def test_the_contract_with_the_newest_pyroute2(host, runs):
    assert "/root/guest/newest/" in pyroute2_version(host, NEWEST)
    assert passed(host, runs(host, "contract", NEWEST)) >= 20


def test_the_table_equals_that_of_ipvsadm(host, runs):
    assert passed(host, runs(host, "test_ipvsadm.py", GUEST)) >= 130


def test_nothing_is_left_halfway(host, runs):
    """Concurrent runs, concurrent ipvsadm, kill -9 after each change, lost replies, a table that keeps changing."""
    assert passed(host, runs(host, "test_abuse.py", GUEST)) == 6


def test_settings_and_connections_equal_those_of_ipvsadm(host, runs):
    assert passed(host, runs(host, "test_ipvsadm_settings.py", GUEST)) == 8


def test_keepalived_matches_the_guide(host, runs):
    assert KEEPALIVED[host.backend.get_hostname()] in host.check_output("keepalived --version 2>&1")
    assert passed(host, runs(host, "test_keepalived.py", GUEST)) >= 20


def test_connections_survive(host, runs):
    """A drain, a new order, zeroed counters, edited thresholds and suppressed refusals, under real connections."""
    assert passed(host, runs(host, "test_traffic.py", GUEST)) == 6


def test_all_connections_are_told_to_a_director_that_returns(host, runs):
    """Every kind that the kernel's messages know, the end of what has ended meanwhile, and servers that are full."""
    assert passed(host, runs(host, "test_resync.py", GUEST)) == 2


def test_without_root_the_error_says_so(host):
    script = "from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel; NetlinkKernel().read_table()"
    done = host.run(f"cp -r /root/guest /tmp/guest && cd /tmp/guest && runuser -u nobody -- python3 -c '{script}'")
    assert done.rc != 0
    assert "permission denied. CAP_NET_ADMIN is needed" in done.stderr
