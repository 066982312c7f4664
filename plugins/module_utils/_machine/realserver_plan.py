# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Compute the changes from the state found to the wanted one, and refuse conflicts with others. Pure functions."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ansible_collections.lvs.director.plugins.module_utils._machine import realserver_changes as changes
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_model import ARP, Change, Found, Wanted
from ansible_collections.lvs.director.plugins.module_utils._machine.realserver_record import Record
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsConflictError


def plan(wanted: Wanted, found: Found, record: Record) -> list[Change]:
    """Return the changes in order.

    :raises IpvsConflictError: an interface or an address that this collection did not add is in the way.
    """
    _refuse(wanted, found, record)
    return [
        *_silence(wanted, found),
        *_segments(wanted, found),
        *_additions(wanted, found),
        *_removals(wanted, found, record),
        *_settings_of_before(wanted, found, record),
    ]


def _refuse(wanted: Wanted, found: Found, record: Record) -> None:
    for name, link in wanted.links.items():
        other = found.links.get(name)
        if other is not None and (name not in record.links or (other.kind, other.local) != (link.kind, link.local)):
            raise IpvsConflictError(f"Interface {name} exists, and this collection did not make it. Choose another name, or remove it")
        for rival, other in found.links.items():
            if link.local and rival != name and (other.kind, other.local) == (link.kind, link.local):
                raise IpvsConflictError(f"Cannot add a tunnel {link.kind} at {link.local}: interface {rival} is one. Remove it")
    hosts = {ipaddress.ip_interface(address).ip for _interface, address in wanted.addresses}
    for interface, address in sorted(found.addresses - wanted.addresses - record.addresses):
        if ipaddress.ip_interface(address).ip in hosts:
            raise IpvsConflictError(f"Interface {interface} has {address}, and this collection did not add it. Remove one of the two")


def _silence(wanted: Wanted, found: Found) -> Iterator[Change]:
    """First: the machine must not answer ARP for an address once it has it."""
    for name in ARP:
        if name in wanted.settings and found.settings[name] not in wanted.settings[name]:
            yield changes.set_setting(name, found.settings[name], wanted.settings[name][0])


def _segments(wanted: Wanted, found: Found) -> Iterator[Change]:
    if (wanted.segments or None) != found.segments:
        yield changes.set_segments(found.segments, wanted.segments)


def _additions(wanted: Wanted, found: Found) -> Iterator[Change]:
    for name, link in wanted.links.items():
        other = found.links.get(name)
        if other is None:
            yield changes.add_link(name, link)
        else:
            yield from changes.change_link(name, other, link)
    for name, values in wanted.settings.items():
        if name not in ARP and found.settings.get(name) not in values:
            yield changes.set_setting(name, found.settings.get(name, ""), values[0])
    yield from map(changes.add_port, sorted(wanted.ports - found.ports))
    # Addresses last: when packets arrive, everything else is in place.
    yield from map(changes.add_address, sorted(wanted.addresses - found.addresses))


def _removals(wanted: Wanted, found: Found, record: Record) -> Iterator[Change]:
    """Remove addresses first, and only what this collection added."""
    links = [name for name in sorted(record.links - wanted.links.keys()) if name in found.links]
    for interface, address in sorted((record.addresses - wanted.addresses) & found.addresses):
        if interface not in links:
            yield changes.remove_address((interface, address))
    yield from map(changes.remove_link, links)
    yield from map(changes.remove_port, sorted((record.ports - wanted.ports) & found.ports))


def _settings_of_before(wanted: Wanted, found: Found, record: Record) -> Iterator[Change]:
    """Last, because the addresses need the settings; skip those that something else has changed since."""
    for name, before in sorted(record.before.items()):
        if name in ARP and name not in wanted.settings and found.settings.get(name) == ARP[name][0]:
            yield changes.set_setting(name, found.settings[name], before)
