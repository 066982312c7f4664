# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Render entries as rules that ``ipvsadm -R`` reads.

Rules look like the output of ``ipvsadm -S -n``, plus the thresholds, which ``-S`` omits. The kernel adds destinations at the head
of the list, so the last one comes first.
"""

from __future__ import annotations

from collections.abc import Iterable

from ansible_collections.lvs.director.plugins.module_utils._ipvsadm import options
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
    full_netmask,
    scheduler_flag_words,
)
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import TUNNEL_FLAGS


def render_rules(entries: Iterable[Entry]) -> str:
    """Return the rules that create these services in an empty table, one per line."""
    rules = []
    for service, destinations in entries:
        rules.append(service_rule("-A", service))
        rules += [destination_rule("-a", service.key, destination) for destination in reversed(destinations)]
    return "".join(f"{rule}\n" for rule in rules)


def service_rule(command: str, service: Service) -> str:
    """Return a rule that adds (``-A``) or edits (``-E``) a service."""
    words = [command, *_key_words(service.key), options.SCHEDULER.word, service.scheduler]
    if service.persistence_timeout:
        words += [options.PERSISTENT.word, str(service.persistence_timeout)]
        if service.persistence_netmask != full_netmask(service.key.family):
            words += [options.NETMASK.word, service.persistence_netmask]
    if service.persistence_engine:
        words += [options.ENGINE.word, service.persistence_engine]
    if service.one_packet:
        words.append(options.ONE_PACKET.word)
    flags = scheduler_flag_words(service.scheduler, service.scheduler_flags)
    if flags:
        words += [options.SCHEDULER_FLAGS.word, ",".join(flags)]
    return " ".join(words)


def destination_rule(command: str, service: ServiceKey, destination: Destination) -> str:
    """Return a rule that adds (``-a``) or edits (``-e``) a destination."""
    words = [
        destination_key_rule(command, service, destination.key),
        # ipvsadm -S prints localnode as -g too: the kernel delivers both alike to a local address.
        options.METHOD_OPTIONS.get(destination.forward_method, options.METHOD_OPTIONS["direct"]).word,
        options.WEIGHT.word,
        str(destination.weight),
    ]
    if destination.upper_threshold or destination.lower_threshold:
        words += [options.UPPER_THRESHOLD.word, str(destination.upper_threshold)]
        words += [options.LOWER_THRESHOLD.word, str(destination.lower_threshold)]
    if destination.forward_method == "tunnel":
        words += _tunnel_words(destination)
    return " ".join(words)


def destination_key_rule(command: str, service: ServiceKey, key: DestinationKey) -> str:
    """Return a rule that deletes (``-d``) a destination, or the start of a rule that adds or edits it."""
    return " ".join([command, *_key_words(service), options.REAL_SERVER.word, str(key)])


def service_key_rule(command: str, key: ServiceKey) -> str:
    """Return a rule that deletes (``-D``) a service."""
    return " ".join([command, *_key_words(key)])


def _key_words(key: ServiceKey) -> list[str]:
    word = options.SERVICE_OPTIONS[key.protocol].word
    if key.fwmark:
        return [word, str(key.fwmark), *([options.IPV6.word] if key.family == "ipv6" else [])]
    return [word, str(DestinationKey(key.address, key.port))]


def _tunnel_words(destination: Destination) -> list[str]:
    words = [options.TUNNEL_TYPE.word, destination.tunnel_type]
    if destination.tunnel_type == "gue":
        words += [options.TUNNEL_PORT.word, str(destination.tunnel_port)]
    if destination.tunnel_type != "ipip":
        words += [options.TUNNEL_FLAG_OPTIONS[word].word for word, bits in TUNNEL_FLAGS.items() if bits == destination.tunnel_flags]
    return words
