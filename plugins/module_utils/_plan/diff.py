# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Render changes as Ansible's diff: a list with an entry for each changed service, whose headers name it.

One line per service and per destination. Destinations are in scheduling order, so a move shows up. Defaults that ipvsadm(8)
does not print are omitted. A diff has bounds: beyond them, services are counted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Optional, TypeVar

from ansible_collections.lvs.director.plugins.module_utils._model.desired import PlannedService
from ansible_collections.lvs.director.plugins.module_utils._model.steps import AddDestination
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, Entry, Service, scheduler_flag_words
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import TUNNEL_FLAGS
from ansible_collections.lvs.director.plugins.module_utils._plan.table import PlannedTable

# What a diff shows in full: as many services, and as many lines that Ansible would print. guide_operating.rst has both numbers.
SERVICES = 100
LINES = 2_000

Diff = list[dict[str, Any]]
_Item = TypeVar("_Item")


def table_diff(plan: PlannedTable) -> Diff:
    """Return the diff of the services that change, and of the counters that are zeroed."""
    shown, rest = _within_bounds(plan.changed_services, _number_of_lines)
    found = [entry(str(service.key), _lines(service.before), _lines(service.after)) for service in shown]
    if rest:
        found.append(_counted(_summary(rest)))
    if plan.zero:
        steps, others = plan.zero[:SERVICES], len(plan.zero) - SERVICES
        found.append(entry("counters", "", "".join(f"({step})\n" for step in steps)))
        if others > 0:
            found.append(_counted(f"Counters of {_more(others)} are zeroed."))
    return found


def saved_diff(before: Mapping[str, str], after: Mapping[str, str]) -> Diff:
    """Return the diff of what is restored at boot: texts by the names of what they describe."""
    names = dict.fromkeys((*before, *after))
    shown, rest = _within_bounds(names, lambda name: before.get(name, "").count("\n") + after.get(name, "").count("\n") + 2)
    found = [entry(f"{name}, restored at boot", *(_ended(side.get(name, "")) for side in (before, after))) for name in shown]
    if rest:
        found.append(_counted(f"{_more(len(rest))} changed in what is restored at boot. The first of them is {rest[0]}."))
    return found


def entry(name: str, before: object, after: object) -> dict[str, Any]:
    """Return Ansible's before and after of one thing."""
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def _counted(text: str) -> dict[str, Any]:
    return {"prepared": f"{text}\n"}


def _within_bounds(items: Iterable[_Item], size: Callable[[_Item], int]) -> tuple[list[_Item], list[_Item]]:
    """Return the items that a diff shows, and the others."""
    shown: list[_Item] = []
    rest: list[_Item] = []
    lines = 0
    for item in items:
        if len(shown) < SERVICES and lines + size(item) <= LINES:
            shown.append(item)
            lines += size(item)
        else:
            rest.append(item)
    return shown, rest


def _number_of_lines(service: PlannedService) -> int:
    """Return how many changed lines a service has, about: a new one each of its lines, any other two for each step."""
    entry = service.before or service.after
    if entry is not None and (service.before is None or service.after is None):
        return 1 + len(entry.destinations)
    return 2 * sum(map(len, service.phases))


def _summary(services: list[PlannedService]) -> str:
    added = removed = changed = moved = new = gone = 0
    for service in services:
        before, after = _destinations(service.before), _destinations(service.after)
        added += service.before is None
        gone += service.after is None
        new_keys = after.keys() - before.keys()
        new += len(new_keys)
        removed += len(before.keys() - after.keys())
        changed += sum(1 for key, destination in after.items() if key in before and before[key] != destination)
        moved += sum(1 for phase in service.phases for step in phase if isinstance(step, AddDestination)) - len(new_keys)
    number = len(services)
    return (
        f"{_more(number)}: {added} added, {number - added - gone} changed, {gone} removed. "
        f"Their destinations: {new} added, {changed} changed, {moved} moved, {removed} removed. "
        f"The first of them is {services[0].key}."
    )


def _more(number: int) -> str:
    return f"{number} more {'service' if number == 1 else 'services'}"


def _destinations(entry: Optional[Entry]) -> dict[Any, Destination]:
    return {destination.key: destination for destination in entry.destinations} if entry else {}


def _ended(text: str) -> str:
    return f"{text}\n" if text else ""


def _lines(entry: Optional[Entry]) -> str:
    if entry is None:
        return ""
    return "".join(f"{line}\n" for line in (service_line(entry.service), *map(destination_line, entry.destinations)))


def service_line(service: Service) -> str:
    """Return the line for a service."""
    words = [str(service.key), f"scheduler {service.scheduler}"]
    flags = scheduler_flag_words(service.scheduler, service.scheduler_flags)
    if flags:
        words.append(f"scheduler_flags {','.join(flags)}")
    if service.persistence_timeout:
        words.append(f"persistence_timeout {service.persistence_timeout} persistence_netmask {service.persistence_netmask}")
    if service.persistence_engine:
        words.append(f"persistence_engine {service.persistence_engine}")
    if service.one_packet:
        words.append("one_packet")
    return " ".join(words)


def destination_line(destination: Destination) -> str:
    """Return the line for a destination."""
    words = [f"  -> {destination.key}", destination.forward_method]
    if destination.forward_method == "tunnel":
        words.append(destination.tunnel_type)
        if destination.tunnel_port:
            words.append(f"tunnel_port {destination.tunnel_port}")
        words += [word for word, bit in TUNNEL_FLAGS.items() if bit & destination.tunnel_flags]
    words.append(f"weight {destination.weight}")
    if destination.upper_threshold:
        words.append(f"upper_threshold {destination.upper_threshold} lower_threshold {destination.lower_threshold}")
    words += [word for word in ("drained", "held") if getattr(destination, word)]
    if destination.share != 100:
        words.append(f"share {destination.share} %")
    return " ".join(words)
