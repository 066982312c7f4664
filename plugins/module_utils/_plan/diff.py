# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Render a plan as Ansible's diff: the table before and after.

One line per service and per destination. Destinations are in scheduling order, so a move shows up. Defaults that ipvsadm(8)
does not print are omitted.
"""

from __future__ import annotations

from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, Entry, Service, scheduler_flag_words
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import TUNNEL_FLAGS
from ansible_collections.lvs.director.plugins.module_utils._plan.table import PlannedTable


def diff(plan: PlannedTable) -> dict[str, str]:
    """Return Ansible's before and after for the services that change."""
    changed = plan.changed_services
    return {
        "before": "".join(_lines(service.before) for service in changed),
        "after": "".join(_lines(service.after) for service in changed) + "".join(f"({step})\n" for step in plan.zero),
    }


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
    return " ".join(words)
