# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a VM: keepalived's configurations in the guide *From keepalived*, against the tasks beside them.

keepalived loads the configurations in one network namespace, the tasks run in others, and the kernel's tables have to be
equal, the order of destinations included.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.table import Entry, ServiceKey
from test_ipvsadm import read

from contract.ipvsadm_options import Task
from contract.tasks import run
from contract.test_contract import new_kernel

# keepalived does not speak VRRP on an interface without multicast, and it needs an address to send from.
INTERFACE = """\
link add eth1 type veth peer name eth2
link set eth1 up
link set eth2 up
address add 198.51.100.1/24 dev eth1
"""
SECONDS = 60

Table = dict[ServiceKey, Entry]


class Pair(NamedTuple):
    """As tests/docs/keepalived.py prints it."""

    where: str
    config: str
    tasks: list[tuple[str, dict[str, Any]]]


PAIRS = [Pair(*values) for values in json.loads(Path("keepalived.json").read_text())]
VRRP = [pair for pair in PAIRS if "vrrp_instance" in pair.config]
# VRRP's sync daemon would keep the kernel from taking real servers of another family.
OTHERS = [pair for pair in PAIRS if pair not in VRRP]


@contextmanager
def namespace() -> Iterator[NetlinkKernel]:
    """A network namespace with an empty table and an interface."""
    kernel = new_kernel()
    assert isinstance(kernel, NetlinkKernel)
    subprocess.run(["ip", "-batch", "-"], input=INTERFACE, text=True, check=True)
    yield kernel
    kernel.close()


@contextmanager
def keepalived(folder: Path, config: str, ready: Callable[[str], bool]) -> Iterator[None]:
    """Run keepalived during the block, which starts once `ready` accepts its log."""
    (folder / "keepalived.conf").write_text(config)
    files = [f"--use-file={folder}/keepalived.conf", *(f"--{name}={folder}/{name}" for name in ("pid", "checkers_pid", "vrrp_pid"))]
    with (folder / "log").open("w") as log:
        daemon = subprocess.Popen(
            ["keepalived", "--dont-fork", "--log-console", "--no-syslog", *files],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + SECONDS
        while not ready(said := (folder / "log").read_text()):
            assert daemon.poll() is None, said
            assert time.monotonic() < deadline, f"keepalived was not ready after {SECONDS} s:\n{said}"
            time.sleep(0.1)
        yield
    finally:
        # Asked politely, it would delete its table first.
        os.killpg(daemon.pid, signal.SIGKILL)
        daemon.wait(SECONDS)


@pytest.fixture(scope="module")
def theirs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Table, tuple[int, int, int]]:
    """The table and the timeouts of all configurations except VRRP's."""
    with (
        namespace() as kernel,
        keepalived(tmp_path_factory.mktemp("k"), "".join(pair.config for pair in OTHERS), lambda said: "Startup complete" in said),
    ):
        return read(kernel), kernel.read_timeouts()


def run_all(kernel: IpvsKernel, pair: Pair) -> Table:
    for module, values in pair.tasks:
        run(kernel, Task(module, values))
    return read(kernel)


@pytest.mark.parametrize("pair", OTHERS, ids=lambda pair: pair.where)
def test_the_tasks_make_what_keepalived_makes(pair: Pair, theirs: tuple[Table, tuple[int, int, int]]) -> None:
    table, timeouts = theirs
    with namespace() as kernel:
        before = kernel.read_timeouts()
        ours = run_all(kernel, pair)
        assert {key: table.get(key) for key in ours} == ours
        if kernel.read_timeouts() != before:
            assert kernel.read_timeouts() == timeouts
        else:
            assert ours


def test_keepalived_makes_nothing_else(theirs: tuple[Table, tuple[int, int, int]]) -> None:
    with namespace() as kernel:
        ours = [set(run_all(kernel, pair)) for pair in OTHERS][-1]
    assert set(theirs[0]) == ours


@pytest.mark.parametrize("pair", VRRP, ids=lambda pair: pair.where)
def test_keepaliveds_sync_daemon_is_one_of_the_tasks(pair: Pair, tmp_path: Path) -> None:
    with namespace() as kernel:
        run_all(kernel, pair)
        ours = set(kernel.read_sync_daemons())
    with namespace() as kernel, keepalived(tmp_path, pair.config, lambda said: "Entering MASTER STATE" in said):
        deadline = time.monotonic() + SECONDS
        while [one.state for one in kernel.read_sync_daemons()] != ["master"]:
            assert time.monotonic() < deadline, kernel.read_sync_daemons()
            time.sleep(0.1)
        assert set(kernel.read_sync_daemons()) < ours
