# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whole tables: the kernel in memory and the real one must behave alike (see test_contract.py)."""

from __future__ import annotations

import errno
from collections.abc import Mapping

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.desired import (
    DesiredDestination,
    DesiredService,
    DesiredTable,
    Given,
)
from ansible_collections.lvs.director.plugins.module_utils._model.errors import (
    IpvsConflictError,
    IpvsInputError,
    IpvsProtocolError,
    IpvsRejectedError,
    IpvsVerificationError,
)
from ansible_collections.lvs.director.plugins.module_utils._model.scope import ScopePart
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    DeleteService,
    EditDestination,
    EditService,
    Step,
    ZeroCounters,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.memory import MemoryKernel
from contract.strategies import entries
from contract.test_contract import KEY, REAL, destination, new_kernel, put, unroutable

EVERYTHING = (
    ScopePart("", b"\0" * 4, b"\xff" * 4),
    ScopePart("", b"\0" * 16, b"\xff" * 16),
    ScopePart("", first_fwmark=1, last_fwmark=2**32 - 1),
)
Table = dict[ServiceKey, Entry]


@st.composite
def two_tables(draw: st.DrawFn) -> tuple[Table, Table]:
    """Two states of a table, which share some services and some of their destinations."""
    first = {one.service.key: one for one in draw(st.lists(entries(), max_size=4))}
    second = {one.service.key: one for one in draw(st.lists(entries(), max_size=3))}
    for key, entry in first.items():
        if draw(st.booleans()):
            changed = draw(entries(key))
            names = {one.key for one in changed.destinations}
            kept = [one for one in draw(st.permutations(entry.destinations)) if one.key not in names]
            second[key] = changed._replace(destinations=tuple(draw(st.permutations([*changed.destinations, *kept]))))
    return first, second


def desired(table: Mapping[ServiceKey, Entry], ordered: bool | None = True) -> DesiredTable:
    """A task that declares each entry completely, and purges the rest."""

    def given_values(value: Service | DesiredDestination | object, leave_out: str) -> dict[str, object]:
        fields: dict[str, object] = value._asdict()  # type: ignore[union-attr]
        return {name: one for name, one in fields.items() if name != "key" and not name.startswith(leave_out)}

    return DesiredTable(
        tuple(
            DesiredService(
                f"services[{index}]",
                key,
                given_values(entry.service, "?" if entry.service.persistence_timeout else "persistence_netmask"),
                destinations=tuple(
                    DesiredDestination(
                        f"services[{index}].destinations",
                        number,
                        one.key,
                        Given(given_values(one, "?" if one.forward_method == "tunnel" else "tunnel")),
                    )
                    for number, one in enumerate(entry.destinations)
                ),
                exclusive=True,
                ordered=ordered,
            )
            for index, (key, entry) in enumerate(table.items())
        ),
        EVERYTHING,
        purge=True,
    )


def read(kernel: IpvsKernel) -> Table:
    return {one.entry.service.key: one.entry for one in kernel.read_table(counters=False)}


def eligible(entry: Entry | None) -> list[DestinationKey]:
    return [one.key for one in entry.destinations if one.weight] if entry else []


def only_one_moves(before: Entry | None, after: Entry) -> bool:
    """Whether the only eligible destination would have to move: nothing can be put behind it."""
    if before is None or len(eligible(before)) != 1 or eligible(before) != eligible(after):
        return False
    names = [one.key for one in after.destinations]
    end = names[names.index(eligible(after)[0]) :]
    return end != [one.key for one in before.destinations if one.key in end]


# Each example is two tables here: half as many as elsewhere.
@settings(max_examples=30 if REAL else 150)
@given(states=two_tables())
def test_the_result_matches_prediction_and_request(states: tuple[Table, Table]) -> None:
    before, after = states
    kernel = new_kernel()
    for entry in before.values():
        put(kernel, entry)
    task = desired(after)
    if any(only_one_moves(before.get(key), entry) for key, entry in after.items()):
        for check_mode in (True, False):
            with pytest.raises(IpvsInputError, match="is the only destination of service"):
                converge(kernel, task, check_mode=check_mode)
            assert read(kernel) == before
        return
    predicted = converge(kernel, task, check_mode=True)
    assert read(kernel) == before
    serving = [key for key in after if eligible(before.get(key)) and eligible(after[key])]
    without: list[ServiceKey] = []
    if isinstance(kernel, MemoryKernel):
        kernel.meanwhile = lambda _step: without.extend(key for key in serving if not eligible(read(kernel).get(key)))
    outcome = converge(kernel, task, check_mode=False)
    assert not without
    assert outcome.plan == predicted.plan
    assert read(kernel) == after
    assert {key: one.entry for key, one in outcome.observed.items()} == after
    assert {key: one.entry for key, one in predicted.observed.items()} == after
    again = converge(kernel, task, check_mode=False)
    assert not again.plan.changed
    # Whatever the requested order, everything else is the same.
    assert not converge(kernel, desired(after, ordered=False), check_mode=False).plan.changed
    kernel.close()


def other_key(number: int) -> ServiceKey:
    return KEY._replace(port=1000 + number)


def test_a_table_larger_than_a_batch(kernel: IpvsKernel) -> None:
    table = {
        other_key(number): Entry(Service(other_key(number), "rr"), tuple(destination(one, weight=number % 7 + 1) for one in range(1, 41)))
        for number in range(30)
    }
    converge(kernel, desired(table), check_mode=False)
    assert read(kernel) == table


def test_a_refusal_in_the_last_service_undoes_the_first_ones(kernel: IpvsKernel) -> None:
    before = {
        key: Entry(Service(key, "rr"), (destination(1), destination(2), destination(3, upper_threshold=9)))
        for key in (KEY, other_key(1), other_key(2))
    }
    for entry in before.values():
        put(kernel, entry)
    broken = unroutable(kernel)
    wanted = {
        KEY: Entry(Service(KEY, "wrr"), (destination(3), destination(1, weight=7))),
        other_key(3): Entry(Service(other_key(3), "rr"), (destination(1),)),
        other_key(1): Entry(Service(other_key(1), "rr"), (broken, destination(2))),
    }
    with pytest.raises(IpvsRejectedError, match=r"Cannot add destination 127\.255\.255\.255:80 to service .*:1001: .*undone"):
        converge(kernel, desired(wanted), check_mode=False)
    assert read(kernel) == before


class Intruder:
    """Another writer, active after our first reading or after each of our changes."""

    def __init__(self, kernel: IpvsKernel, *steps: Step) -> None:
        self._kernel = kernel
        self._steps = steps

    def __getattr__(self, name: str) -> object:
        return getattr(self._kernel, name)

    def apply(self, steps: list[Step]) -> object:
        other = NetlinkKernel() if REAL else self._kernel
        done = self._kernel.apply(steps)
        other.apply(self._steps)
        return done


def test_concurrent_changes_are_named(kernel: IpvsKernel) -> None:
    put(kernel, Entry(Service(KEY, "rr"), (destination(1),)))
    task = desired({KEY: Entry(Service(KEY, "rr"), (destination(1), destination(2)))})
    intruder = Intruder(kernel, EditDestination(KEY, destination(2, weight=77)))
    with pytest.raises(IpvsVerificationError, match=r"destination 10\.0\.0\.2:80 has weight 77 instead of 1\. Something else is changing"):
        converge(intruder, task, check_mode=False)  # type: ignore[arg-type]


def test_the_only_eligible_destination_does_not_move(kernel: IpvsKernel) -> None:
    only, idle = destination(1), destination(2, weight=0)
    before = {KEY: Entry(Service(KEY, "rr"), (only,)), other_key(1): Entry(Service(other_key(1), "rr"), (only,))}
    for entry in before.values():
        put(kernel, entry)
    wanted = {KEY: Entry(Service(KEY, "rr"), (only, destination(2))), other_key(1): Entry(Service(other_key(1), "rr"), (only, idle))}
    for check_mode in (True, False):
        with pytest.raises(IpvsInputError, match=r"^services\[1\]\.destinations\[0\]: 10\.0\.0\.1:80 is the only .*:1001 that has"):
            converge(kernel, desired(wanted), check_mode=check_mode)
        assert read(kernel) == before
    # As the message advises: last, until another one has a weight.
    wanted[other_key(1)] = Entry(Service(other_key(1), "rr"), (idle, only))
    converge(kernel, desired(wanted), check_mode=False)
    wanted[other_key(1)] = Entry(Service(other_key(1), "rr"), (only, destination(2)))
    converge(kernel, desired(wanted), check_mode=False)
    assert read(kernel) == wanted


def test_a_service_deleted_by_another_program_at_the_end_is_named(kernel: IpvsKernel) -> None:
    put(kernel, Entry(Service(KEY, "rr"), (destination(1),)))
    task = desired({KEY: Entry(Service(KEY, "rr"), (destination(1), destination(2)))})
    with pytest.raises(IpvsVerificationError, match=r"accepted every change to service .*: the service is not there\. Something"):
        converge(Intruder(kernel, DeleteService(KEY)), task, check_mode=False)  # type: ignore[arg-type]


def test_a_failed_undo_is_named(kernel: IpvsKernel) -> None:
    before = {key: Entry(Service(key, "rr"), (destination(1),)) for key in (KEY, other_key(1))}
    for entry in before.values():
        put(kernel, entry)
    broken = unroutable(kernel)
    wanted = {
        KEY: Entry(Service(KEY, "wrr"), (destination(1),)),
        other_key(1): Entry(Service(other_key(1), "rr"), (broken, destination(1))),
    }
    intruder = Intruder(kernel, EditDestination(KEY, destination(1, weight=77)))
    with pytest.raises(IpvsRejectedError, match=r"not be undone: service .*:80: destination 10\.0\.0\.1:80 has weight 77 instead of 1$"):
        converge(intruder, desired(wanted), check_mode=False)  # type: ignore[arg-type]


class Deaf:
    """A client that applies the change but loses the kernel's first reply."""

    def __init__(self, kernel: IpvsKernel, done: int) -> None:
        self._kernel = kernel
        self._done: int | None = done

    def __getattr__(self, name: str) -> object:
        return getattr(self._kernel, name)

    def apply(self, steps: list[Step]) -> object:
        done, self._done = self._done, None
        if done is None:
            return self._kernel.apply(steps)
        self._kernel.apply(steps[:done])
        raise IpvsProtocolError("The kernel did not answer")


def test_changes_before_a_lost_answer_are_undone(kernel: IpvsKernel) -> None:
    before = {KEY: Entry(Service(KEY, "rr"), (destination(1), destination(2)))}
    for entry in before.values():
        put(kernel, entry)
    after = Entry(Service(KEY, "wrr"), (destination(2, weight=9), destination(3)))
    task = desired({KEY: after, other_key(1): Entry(Service(other_key(1)))})
    with pytest.raises(IpvsProtocolError, match=r"^The kernel did not answer\. Nothing was changed$"):
        converge(Deaf(kernel, 0), task, check_mode=False)  # type: ignore[arg-type]
    for done in (1, 3, 6):
        with pytest.raises(IpvsProtocolError, match=r"^The kernel did not answer\. The earlier changes were undone$"):
            converge(Deaf(kernel, done), task, check_mode=False)  # type: ignore[arg-type]
        assert read(kernel) == before


def test_a_service_deleted_by_another_program_is_not_added_again(kernel: IpvsKernel) -> None:
    before = {key: Entry(Service(key, "rr"), (destination(1),)) for key in (KEY, other_key(1))}
    for entry in before.values():
        put(kernel, entry)
    wanted = {
        KEY: Entry(Service(KEY, "wrr"), (destination(1, weight=0),)),
        other_key(1): Entry(Service(other_key(1), "wrr"), (destination(1),)),
    }
    intruder = Intruder(kernel, DeleteService(KEY))
    with pytest.raises(IpvsConflictError, match=r"the service no longer exists.* was deleted by something else"):
        converge(intruder, desired(wanted), check_mode=False)  # type: ignore[arg-type]
    assert read(kernel) == {other_key(1): before[other_key(1)]}


def test_counters_that_are_zero_are_left_alone(kernel: IpvsKernel) -> None:
    entry = Entry(Service(KEY, "rr"), (destination(1),))
    put(kernel, entry)
    assert kernel.apply([ZeroCounters(KEY), ZeroCounters(None)]) is None
    assert kernel.apply([ZeroCounters(other_key(1))]) == (ZeroCounters(other_key(1)), errno.ESRCH)
    assert read(kernel) == {KEY: entry}
    assert not converge(kernel, DesiredTable((), zero_all_counters=True), check_mode=False).plan.changed


def test_an_edit_of_the_service_keeps_its_destinations(kernel: IpvsKernel) -> None:
    entry = Entry(Service(KEY, "rr"), (destination(2), destination(1)))
    put(kernel, entry)
    assert kernel.apply([EditService(Service(KEY, "mh", scheduler_flags=0x10))]) is None
    assert read(kernel) == {KEY: Entry(Service(KEY, "mh", scheduler_flags=0x10), entry.destinations)}
