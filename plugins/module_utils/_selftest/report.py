# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The result of the experiment: as text for people, on the demo's screen and in the self-test's result, and as data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Row
from ansible_collections.lvs.director.plugins.module_utils._selftest.host_table import Production, changes, counted
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Compared, Connection, Record
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import (
    ADDRESS,
    LOWER_THRESHOLD,
    PORT,
    SERVERS,
    UPPER_THRESHOLD,
    Step,
)


def opening_lines(number: int, step: Step) -> list[str]:
    """Return the heading of a step."""
    first, *others = step.description.splitlines()
    return [f"{number}. {first}", *(f"   {line}" for line in others)]


def connection_line(connection: Connection) -> str:
    """Return the line about an attempt to connect."""
    return f"   connection {connection.number:2}   {connection.greeting or connection.error:50} {connection.ms:5} ms"


def table_lines(record: Record) -> list[str]:
    """Return the director's table, with the open connections that each real server greeted beside it."""
    rows = iter(record.table.rows)
    lines = []
    for line in record.table.text.rstrip().splitlines():
        beside = ""
        if line.startswith("Prot "):
            beside = "greeted"
        elif line.lstrip().startswith("->") and "RemoteAddress" not in line:
            beside = " ".join(map(str, record.open_connections.get(next(rows).address, ())))
        lines.append(f"   {line.rstrip():79} {beside}".rstrip())
    return lines


def verdict_lines(broken: Sequence[str], control: str) -> list[str]:
    """Return the verdict: as expected, or the reasons why not.

    :param control: the name of the control, "" without one.
    """
    if broken:
        return [f"   NOT AS EXPECTED: {reason}" for reason in broken]
    return [f"   as expected; {control} agrees" if control else "   as expected"]


def step_result(number: int, compared: Compared, control: str) -> dict[str, Any]:
    """Return an item of ``steps``, with the text about it under ``text``.

    :param control: the name of the control, "" without one.
    """
    record, other = compared.record, compared.control
    return {
        "number": number,
        "name": record.step.name,
        "description": " ".join(record.step.description.split()),
        "kept": not compared.broken,
        "broken": list(record.broken),
        "connections": _connections(record.connections),
        "promised": _rows(record.expected),
        "observed": _rows(record.table.rows),
        "control": {
            "agreed": record.seen() == other.seen(),
            "broken": list(other.broken),
            "connections": _connections(other.connections),
            "observed": _rows(other.table.rows),
        }
        if other
        else None,
        "text": _text(number, compared, control),
    }


def _text(number: int, compared: Compared, control: str) -> str:
    """Return the step, the table after it, and the verdict."""
    record, other = compared.record, compared.control
    # The control's table is shown if it differs.
    differs = other is not None and record.table.rows != other.table.rows
    return "\n".join(
        [
            *opening_lines(number, record.step),
            *map(connection_line, record.connections),
            "",
            *table_lines(record),
            *(["   and the control:", *table_lines(other)] if other and differs else []),
            *verdict_lines(compared.broken, control),
        ]
    )


def _connections(connections: Iterable[Connection]) -> list[dict[str, Any]]:
    return [
        {
            "number": connection.number,
            "promised": connection.expected,
            "observed": connection.server,
            "error": connection.error or None,
            "milliseconds": connection.ms,
        }
        for connection in connections
    ]


def _rows(rows: Iterable[Row]) -> list[dict[str, Any]]:
    return [
        {
            "address": row.address,
            "upper_threshold": row.upper,
            "lower_threshold": row.lower,
            "active_connections": row.active,
            "inactive_connections": row.inactive,
        }
        for row in rows
    ]


class Machine(NamedTuple):
    """The machine, and the tested schedulers."""

    hostname: str
    kernel: str
    scheduler: str
    scheduler_source: Optional[str]
    control: str  # "" for none

    def __str__(self) -> str:
        return f"{self.hostname} (Linux {self.kernel})"


def production_result(before: Production, after: Production) -> dict[str, Any]:
    """Return ``production``."""
    return {
        "untouched": not after.ours,
        "traces": list(after.ours),
        "services": len(after.services),
        "destinations": after.destinations,
        "changed_meanwhile": changes(before, after),
        "counted_meanwhile": [str(key) for key in counted(before, after)],
    }


def report(machine: Machine, steps: list[dict[str, Any]], production: dict[str, Any], seconds: float) -> dict[str, Any]:
    """Return the result of the task.

    :param steps: from ``step_result``; their texts are joined.
    """
    kept = all(step["kept"] for step in steps) and production["untouched"]
    verdict = _kept(machine, steps) if kept else _broken(machine, steps, production)
    texts = [_heading(machine), *(step["text"] for step in steps), "\n".join(_production_lines(production))]
    texts.append(f"{'PASSED' if kept else 'NOT AS EXPECTED'}: {verdict} ({seconds:.0f} s)")
    result = {
        "changed": False,
        "kept": kept,
        "msg": verdict,
        **machine._asdict(),
        "control": machine.control or None,
        "steps": [{key: value for key, value in step.items() if key != "text"} for step in steps],
        "production": production,
        "seconds": round(seconds, 1),
        "text": "\n\n".join(texts) + "\n",
    }
    return result if kept else {**result, "failed": True}


def _heading(machine: Machine) -> str:
    source = f" (source {machine.scheduler_source})" if machine.scheduler_source else ""
    beside = f", and beside it the same with the kernel's own scheduler {machine.control}" if machine.control else ""
    return (
        f"Self-test of the scheduler {machine.scheduler}{source} on {machine}.\n"
        f"A client and {len(SERVERS)} servers in a network namespace of their own, behind {ADDRESS}:{PORT}{beside}.\n"
        f"Each server is full with {UPPER_THRESHOLD} connections, and stays so until it has fewer than {LOWER_THRESHOLD}."
    )


def _production_lines(production: dict[str, Any]) -> list[str]:
    size = f"Production table: {_many(production['services'], 'service')}, {_many(production['destinations'], 'destination')}"
    if not production["untouched"]:
        return [f"{size}.", *(f"   THE SELF-TEST'S ADDRESSES ARE IN IT: {trace}" for trace in production["traces"])]
    lines = [f"{size}, nothing of the self-test in it or among its connections."]
    if production["changed_meanwhile"]:
        lines.append("   Something else changed it meanwhile:")
        lines += [f"   {text}" for text in production["changed_meanwhile"]]
    else:
        lines.append("   Configuration: the same before and after.")
    busy = production["counted_meanwhile"]
    if busy:
        lines.append(f"   Counters: {_many(len(busy), 'service')} had traffic meanwhile: {', '.join(busy)}.")
    else:
        lines.append("   Counters and connections: the same before and after.")
    return lines


def _many(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _kept(machine: Machine, steps: list[dict[str, Any]]) -> str:
    beside = f", with {machine.control} as well" if machine.control else ""
    return f"{machine.scheduler} on {machine} fails over as expected: all {len(steps)} steps{beside}"


def _broken(machine: Machine, steps: list[dict[str, Any]], production: dict[str, Any]) -> str:
    """Return the failed steps, the first reason, and advice."""
    if not production["untouched"]:
        return (
            f"The self-test has left traces in the production table of {machine}, which must never happen: "
            f"{'; '.join(production['traces'])}. Delete what has addresses like {ADDRESS} there, and report this"
        )
    broken = [step for step in steps if not step["kept"]]
    first = broken[0]
    names = ", ".join(f"{step['number']} ({step['name']})" for step in broken)
    by_scheduler = any(step["broken"] for step in steps)
    by_control = any(step["control"] and step["control"]["broken"] for step in steps)
    # One of the two has an entry: two steps that both went as expected cannot differ.
    reason = (first["broken"] or first["control"]["broken"])[0]
    failing = machine.scheduler if by_scheduler else f"the control {machine.control}"
    advice = _advice(machine, by_scheduler, by_control)
    return f"{failing} on {machine} does not fail over as expected: step {names}. First: {reason}. {advice}"


def _advice(machine: Machine, by_scheduler: bool, by_control: bool) -> str:
    scheduler, control = machine.scheduler, machine.control
    if by_scheduler and by_control:
        return (
            f"{control} did not behave as expected either. If it is one that looks at weights and thresholds, as fo does, this kernel "
            "counts connections unlike any known one: do not rely on thresholds here"
        )
    if by_scheduler and control:
        return (
            f"{control} behaved as expected, so IPVS itself does what it should. Until {scheduler} does too, give services that must fail "
            f"over scheduler {control}, with weights that fall in the order of the servers"
        )
    if by_scheduler:
        return f"Take the steps with a control beside it (control: fo), which shows whether that is due to {scheduler} or to the kernel"
    return f"{scheduler} behaved as expected. Is {control} a scheduler that looks at weights and thresholds, as fo does?"
