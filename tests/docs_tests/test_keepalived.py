# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tasks beside keepalived's configurations in the guide run, and no two of them make the same service.

That keepalived itself makes the same is tested in the scenario ``modules``.
"""

from __future__ import annotations

import re

import pytest

from contract.ipvsadm_options import Task
from contract.memory import MemoryKernel
from contract.tasks import run
from docs.blocks import blocks
from docs.keepalived import PAGE, Pair, pairs
from tools.checkout import ROOT

PAIRS = pairs()


def loaded(*several: Pair) -> MemoryKernel:
    kernel = MemoryKernel()
    kernel.interfaces["eth1"] = kernel.interfaces["lo"]
    for module, values in (task for pair in several for task in pair.tasks):
        run(kernel, Task(module, values))
    return kernel


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.where)
def test_the_tasks_beside_a_configuration_run(pair: Pair) -> None:
    kernel = loaded(pair)
    services = len(re.findall(r"^virtual_server (?!group )", pair.config, re.MULTILINE))
    assert bool(list(kernel.read_table())) == bool(services or "virtual_server group" in pair.config)
    assert len(list(kernel.read_table())) >= services


def test_no_service_is_made_twice() -> None:
    """keepalived loads all of them at once."""
    with_services = [pair for pair in PAIRS if pair.tasks[0][0] == "ipvs_table"]
    assert len(list(loaded(*with_services).read_table())) == sum(len(list(loaded(pair).read_table())) for pair in with_services)


def test_every_configuration_has_its_counterpart() -> None:
    found = blocks(PAGE)
    assert len(PAIRS) == sum(block.kind == "keepalived" for block in found) >= 20
    assert sum(block.kind == "services" for block in found) + sum(block.name == "keepalived" for block in found) == len(PAIRS)


def test_every_keyword_of_a_table_has_a_row() -> None:
    """keepalived.conf(5)'s keywords for the kernel's table."""
    table = (ROOT / PAGE).read_text(encoding="utf-8").partition("Word for word")[2]
    words = (
        "virtual_server virtual_server_group ip_family lvs_sched lb_algo lvs_method lb_kind flag-1 sh-port sh-fallback mh-port mh-fallback "
        "ops persistence_engine persistence_timeout persistence_granularity protocol sorry_server real_server weight uthreshold lthreshold "
        "inhibit_on_failure fwmark lvs_timeouts lvs_sync_daemon"
    )
    assert [word for word in words.split() if not re.search(rf"(?<![\w-]){word}(?![\w-])", table)] == []
