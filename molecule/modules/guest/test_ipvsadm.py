# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a VM: the collection against ipvsadm, as a second opinion on the kernel's table.

Each table is made in a network namespace by the collection and in another one by ipvsadm; ipvsadm's listings of the two,
and the collection's reading of them, have to be the same.
"""

from __future__ import annotations

import itertools
import re
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import pytest
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.parse import parse_rules
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.render import (
    destination_key_rule,
    destination_rule,
    render_rules,
    service_key_rule,
    service_rule,
)
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Entry, Service, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import INT_MAX, IP_VS_SVC_F_SCHED3
from ansible_collections.lvs.director.plugins.module_utils._plan.order import transition
from hypothesis import given, settings

from contract.ipvsadm_lines import ACCEPTED, MISLEADING, REFUSED
from contract.ipvsadm_options import ROWS, Case, is_setting
from contract.strategies import tables, two_entries
from contract.tasks import run
from contract.test_contract import new_kernel, put

LISTINGS = (
    ["-S", "-n"],
    ["-L", "-n", "--nosort", "--thresholds"],
    ["-L", "-n", "--nosort", "--tun-info"],
    ["-L", "--timeout"],
    ["-L", "--daemon"],
)


@contextmanager
def fresh_kernel() -> Iterator[IpvsKernel]:
    """A network namespace of its own, with an empty table."""
    kernel = new_kernel()
    assert isinstance(kernel, NetlinkKernel)
    yield kernel
    kernel.close()


def call(*words: str, text: str | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ipvsadm", *words], input=text, capture_output=True, text=True, check=False)


def ipvsadm(*words: str, text: str | None = None) -> str:
    done = call(*words, text=text)
    assert done.returncode == 0, (words, done.stderr, text)
    assert not done.stderr, (words, done.stderr, text)
    return done.stdout


def restore(*lines: str) -> None:
    """Give lines to ipvsadm: rules to -R, which reads words and spaces and knows no quotes, others one by one."""
    for apart, several in itertools.groupby(lines, is_setting):
        if apart:
            for line in several:
                ipvsadm(*shlex.split(line))
        else:
            ipvsadm("-R", text="".join(f"{' '.join(shlex.split(line))}\n" for line in several))


def listings() -> list[list[str]]:
    """Return ipvsadm's listings, each service with its destinations in order.

    The services are in no order: the kernel's is another one in each network namespace.
    """
    return [sorted(re.split(r"\n(?!  ->|-a)", ipvsadm(*words))) for words in LISTINGS]


def read(kernel: IpvsKernel) -> dict[ServiceKey, Entry]:
    return by_key(one.entry for one in kernel.read_table())


def by_key(table: Iterable[Entry]) -> dict[ServiceKey, Entry]:
    return {entry.service.key: entry for entry in table}


def rules_for(before: Entry | None, after: Entry | None) -> list[str]:
    """Return the rules of an equivalent ipvsadm script, which removes and re-adds everything."""
    rules = []
    if before:
        rules += render_rules([before]).splitlines()
    if before and not after:
        rules.append(service_key_rule("-D", before.service.key))
    if after:
        key = after.service.key
        rules.append(service_rule("-E" if before else "-A", after.service))
        if before:
            rules += [destination_key_rule("-d", key, one.key) for one in before.destinations]
        rules += [destination_rule("-a", key, one) for one in reversed(after.destinations)]
    return rules


@settings(max_examples=40, deadline=None)
@given(states=two_entries())
def test_the_table_equals_that_of_ipvsadm(states: tuple[Entry | None, Entry | None]) -> None:
    before, after = states
    with fresh_kernel() as kernel:
        if before:
            put(kernel, before)
        key = before.service.key if before else after.service.key if after else None
        if key is not None:
            for phase in transition(key, before, after).phases:
                assert kernel.apply(phase) is None
        ours, read_of_ours = listings(), read(kernel)
    with fresh_kernel() as kernel:
        restore(*rules_for(before, after))
        theirs, read_of_theirs = listings(), read(kernel)
    assert ours == theirs
    assert read_of_ours == read_of_theirs == by_key([after] if after else [])


# -- the filters ------------------------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(table=tables())
def test_the_rules_recreate_the_table(table: list[Entry]) -> None:
    with fresh_kernel() as kernel:
        for entry in table:
            put(kernel, entry)
        ours, read_of_ours = listings(), read(kernel)
    with fresh_kernel() as kernel:
        ipvsadm("-R", text=render_rules(table))
        theirs, read_of_theirs = listings(), read(kernel)
    assert ours == theirs
    assert read_of_ours == read_of_theirs == by_key(table)


def saved(service: Service) -> Service:
    """Return a service as ipvsadm -S saves it: without the third flag if the scheduler has words for the others."""
    named = service.scheduler in ("sh", "mh")
    return service._replace(scheduler_flags=service.scheduler_flags & ~IP_VS_SVC_F_SCHED3) if named else service


def without_thresholds(entry: Entry) -> tuple[Service, dict[DestinationKey, Destination]]:
    return saved(entry.service), {one.key: one._replace(upper_threshold=0, lower_threshold=0) for one in entry.destinations}


def is_misprinted(service: Service) -> bool:
    """Whether ipvsadm -S writes a rule that ipvsadm -R refuses: a negative mark, or flags without a word."""
    flags_without_words = service.scheduler_flags and not saved(service).scheduler_flags
    return service.key.fwmark > INT_MAX or bool(flags_without_words)


@settings(max_examples=15, deadline=None)
@given(table=tables())
def test_saved_rules_of_ipvsadm_are_read_except_thresholds_and_order(table: list[Entry]) -> None:
    with fresh_kernel() as kernel:
        for entry in table:
            put(kernel, entry)
        text, present = ipvsadm("-S", "-n"), read(kernel)
    if any(is_misprinted(entry.service) for entry in table):
        with pytest.raises(IpvsInputError, match=r"is how ipvsadm -S prints the mark|-b needs a value; ipvsadm -S has no word"):
            parse_rules(text)
    else:
        found = by_key(parse_rules(text))
        assert {key: without_thresholds(one) for key, one in found.items()} == {
            key: without_thresholds(one) for key, one in present.items()
        }
        assert not any(one.upper_threshold for entry in found.values() for one in entry.destinations)
        # Our rules are ipvsadm's, line by line.
        ours = render_rules(entry._replace(service=saved(entry.service)) for entry in table)
        assert sorted(re.sub(r" -x \d+ -y \d+", "", ours).splitlines()) == sorted(text.splitlines())


# -- single lines -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("text", "entry"), ACCEPTED)
def test_ipvsadm_interprets_lines_like_the_filter(text: str, entry: Entry) -> None:
    with fresh_kernel() as kernel:
        restore(*text.splitlines())
        assert by_key(parse_rules(text)) == by_key([entry]) == read(kernel)


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_ipvsadm_refuses_what_the_filter_refuses(text: str, message: str) -> None:
    *before, last = text.splitlines()
    with fresh_kernel() as kernel:
        restore(*before)
        present = read(kernel)
        assert call(*shlex.split(last)).returncode != 0, message
        assert read(kernel) == present


@pytest.mark.parametrize(("text", "message"), MISLEADING)
def test_lines_that_ipvsadm_interprets_differently(text: str, message: str) -> None:
    with fresh_kernel() as kernel:
        restore(*text.splitlines())
        (entry,) = read(kernel).values()
        assert entry.service.persistence_netmask in ("", "0.0.0.24", "128"), message


# -- the table of options ---------------------------------------------------------------------------------------------


def test_the_table_has_every_option() -> None:
    told = set(re.findall(r"--[a-z][a-z0-9-]+", ipvsadm("--help")))
    assert len(told) > 40
    # The help omits the option for the version.
    assert {form for row in ROWS for form in row.options if form.startswith("--")} == told | {"--version"}


# Counters cannot be compared here: the kernel brings them up to date every two seconds, and nothing is counted.
CASES = [case for row in ROWS for case in row.cases if not any(line.startswith("-Z") for line in case.lines)]


@pytest.mark.parametrize("case", CASES, ids=lambda case: "; ".join(case.lines))
def test_command_lines_and_tasks_are_equal(case: Case) -> None:
    with fresh_kernel() as kernel:
        restore(*case.before)
        untouched = listings()
        for task in case.tasks:
            run(kernel, task)
        ours, read_of_ours = listings(), read(kernel)
    with fresh_kernel() as kernel:
        restore(*case.before, *case.lines)
        theirs, read_of_theirs = listings(), read(kernel)
    assert ours == theirs != untouched
    assert read_of_ours == read_of_theirs
