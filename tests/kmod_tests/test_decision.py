# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scheduler's decision: its real source, compiled against a few stub headers and run in user space."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from kmod.archive import Kernel
from kmod.checks import SOURCE
from kmod.roots import Root

HERE = Path(__file__).parent
OVERLOADED = 2
OTHER_FLAG = 1
DESTINATIONS = list(itertools.product((0, 1, 65535), (0, OTHER_FLAG, OVERLOADED, OVERLOADED | OTHER_FLAG)))
SERVICES = [service for length in range(4) for service in itertools.product(DESTINATIONS, repeat=length)]


@pytest.fixture(scope="module")
def printed(room: tuple[Kernel, Root], tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The harness's output for all services of up to three destinations."""
    directory = tmp_path_factory.mktemp("harness")
    shutil.copytree(HERE / "userspace", directory, dirs_exist_ok=True)
    shutil.copy(SOURCE / "ip_vs_test.c", directory)
    (directory / "services").write_text("".join(
        " ".join(f"{weight} {flags}" for weight, flags in service) + "\n" for service in SERVICES), encoding="utf-8")
    _kernel, root = room
    run = root.run(directory, "sh", "-euc",
                   "gcc -Wall -Werror -g -O1 -I. harness.c -o harness; ./harness < services")
    assert run.returncode == 0, run.stdout
    return run.stdout.splitlines()


def expected(services: list[tuple[tuple[int, int], ...]]) -> Iterator[str]:
    """The promise, in Python."""
    for service in services:
        usable = [position for position, (weight, flags) in enumerate(service) if weight and not flags & OVERLOADED]
        if usable:
            yield str(usable[0])
        else:
            yield from ("error no destination available", "none")


def test_first_in_the_list_that_has_a_weight_and_is_not_overloaded(printed: list[str]) -> None:
    decisions = [line for line in printed if line.isdigit() or line == "none" or line.startswith("error")]
    assert decisions == list(expected(SERVICES))


def test_hooks_only_log_at_debug_level(printed: list[str]) -> None:
    assert printed[:3] == [
        "register test",
        "debug IPVS: ip_vs_test_init_svc(): port 21 fwmark 0",
        "debug IPVS: ip_vs_test_upd_dest(): port 21 fwmark 0: destination port 2121 weight 7",
    ]
    assert printed[-3] == "debug IPVS: ip_vs_test_done_svc(): port 21 fwmark 0"


def test_unloading_waits_for_packets_that_are_being_scheduled(printed: list[str]) -> None:
    assert printed[-2:] == ["unregister test", "synchronize_rcu"]
