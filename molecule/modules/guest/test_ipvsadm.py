# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs in a VM: the collection against ipvsadm, as a second opinion on what stands in the kernel's table.

Each table is made in a network namespace by the collection and in another one by ipvsadm; ipvsadm's listings of the two,
and the collection's reading of them, have to be the same.
"""

from __future__ import annotations

import subprocess

from ansible_collections.lvs.director.plugins.module_utils._kernel import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._model import (
    Destination,
    DestinationKey,
    Entry,
    ServiceKey,
    format_address,
    scheduler_flag_words,
)
from ansible_collections.lvs.director.plugins.module_utils._plan import transition
from ansible_collections.lvs.director.plugins.module_utils._uapi import TUNNEL_FLAGS
from hypothesis import given, settings

from contract.strategies import two_entries
from contract.test_contract import new_kernel, put

SERVICE_OPTIONS = {"tcp": "-t", "udp": "-u", "sctp": "--sctp-service"}
METHOD_OPTIONS = {"masquerade": "-m", "direct": "-g", "tunnel": "-i"}
LISTINGS = (["-S", "-n"], ["-L", "-n", "--nosort", "--thresholds"], ["-L", "-n", "--nosort", "--tun-info"])


def address_and_port(address: bytes, port: int) -> str:
    text = format_address(address)
    return f"[{text}]:{port}" if ":" in text else f"{text}:{port}"


def service_words(key: ServiceKey) -> list[str]:
    if key.fwmark:
        return ["-f", str(key.fwmark), *(["-6"] if key.family == "ipv6" else [])]
    return [SERVICE_OPTIONS[key.protocol or ""], address_and_port(key.address, key.port)]


def service_rule(command: str, entry: Entry) -> str:
    service = entry.service
    words = [command, *service_words(service.key), "-s", service.scheduler]
    flags = scheduler_flag_words(service.scheduler, service.scheduler_flags)
    if flags:
        words += ["-b", ",".join(flags)]
    if service.persistence_timeout:
        words += ["-p", str(service.persistence_timeout), "-M", service.persistence_netmask]
    if service.persistence_engine:
        words += ["--pe", service.persistence_engine]
    if service.one_packet:
        words.append("-o")
    return " ".join(words)


def destination_rule(command: str, service: ServiceKey, one: Destination) -> str:
    words = [command, *service_words(service), "-r", address_and_port(*one.key), METHOD_OPTIONS[one.forward_method]]
    words += ["-w", str(one.weight), "-x", str(one.upper_threshold), "-y", str(one.lower_threshold)]
    if one.forward_method == "tunnel" and one.tunnel_type != "ipip":
        words += ["--tun-type", one.tunnel_type]
        if one.tunnel_port:
            words += ["--tun-port", str(one.tunnel_port)]
        words += [f"--tun-{word}" for word, bit in TUNNEL_FLAGS.items() if bit & one.tunnel_flags]
    return " ".join(words)


def deletion_rule(service: ServiceKey, key: DestinationKey) -> str:
    return " ".join(["-d", *service_words(service), "-r", address_and_port(*key)])


def rules_for(before: Entry | None, after: Entry | None) -> list[str]:
    """Return what a script of ipvsadm commands would do: everything by hand, and everything anew."""
    rules = []
    if before:
        rules.append(service_rule("-A", before))
        rules += [destination_rule("-a", before.service.key, one) for one in reversed(before.destinations)]
    if before and not after:
        rules.append(" ".join(["-D", *service_words(before.service.key)]))
    if after:
        rules.append(service_rule("-E" if before else "-A", after))
        if before:
            rules += [deletion_rule(before.service.key, one.key) for one in before.destinations]
        rules += [destination_rule("-a", after.service.key, one) for one in reversed(after.destinations)]
    return rules


def ipvsadm(*words: str, rules: list[str] | None = None) -> str:
    text = None if rules is None else "".join(f"{rule}\n" for rule in rules)
    done = subprocess.run(["ipvsadm", *words], input=text, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stderr, rules)
    assert not done.stderr, (done.stderr, rules)
    return done.stdout


def listings() -> list[str]:
    return [ipvsadm(*words) for words in LISTINGS]


@settings(max_examples=40, deadline=None)
@given(states=two_entries())
def test_the_table_is_what_ipvsadm_makes(states: tuple[Entry | None, Entry | None]) -> None:
    before, after = states
    kernel = new_kernel()
    if before:
        put(kernel, before)
    key = before.service.key if before else after.service.key if after else None
    if key is not None:
        for phase in transition(key, before, after).phases:
            assert kernel.apply(phase) is None
    ours = listings()
    read_of_ours = [one.entry for one in kernel.read_table()]
    kernel.close()

    other = new_kernel()
    assert isinstance(other, NetlinkKernel)
    ipvsadm("-R", rules=rules_for(before, after))
    theirs = listings()
    read_of_theirs = [one.entry for one in other.read_table()]
    other.close()

    assert ours == theirs
    assert read_of_ours == read_of_theirs == ([after] if after else [])
