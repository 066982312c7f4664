# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Hints for wrong values: what was probably meant, in the words of other tools too. Only for tasks that fail."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Optional

# Other names of values, as in ipvsadm(8), keepalived.conf(5) and the kernel's documentation.
_VALUES = {
    "forward_method": {
        **dict.fromkeys(("nat", "masq", "masquerading", "snat", "dnat", "m", "-m", "--masquerading"), "masquerade"),
        **dict.fromkeys(("dr", "dsr", "route", "gateway", "gatewaying", "direct_routing", "g", "-g", "--gatewaying"), "direct"),
        **dict.fromkeys(("tun", "tunneling", "ipip", "gue", "gre", "i", "-i", "--ipip"), "tunnel"),
        "local": "localnode",
    },
    "protocol": {"6": "tcp", "17": "udp", "132": "sctp", "http": "tcp", "https": "tcp", "dns": "udp"},
    "family": {"4": "ipv4", "inet": "ipv4", "v4": "ipv4", "6": "ipv6", "inet6": "ipv6", "v6": "ipv6"},
    "state": {"started": "present", "enabled": "present", "stopped": "absent", "removed": "absent", "drain": "drained"},
}
# Other names of options.
_OPTIONS = {
    **dict.fromkeys(("real_servers", "realservers", "real_server", "servers", "backends", "members", "dests"), "destinations"),
    **dict.fromkeys(("vip", "ip", "host", "hostname", "name", "server", "virtual_address", "real_ip"), "address"),
    **dict.fromkeys(("method", "forwarding", "forward", "lb_kind", "mode", "packet_forwarding_method"), "forward_method"),
    **dict.fromkeys(("lb_algo", "lvs_sched", "sched", "algorithm"), "scheduler"),
    **dict.fromkeys(("u_threshold", "uthreshold", "max_connections", "maxconn", "upper"), "upper_threshold"),
    **dict.fromkeys(("l_threshold", "lthreshold", "min_connections", "lower"), "lower_threshold"),
    **dict.fromkeys(("persistent", "persistence", "timeout"), "persistence_timeout"),
    **dict.fromkeys(("netmask", "persistence_granularity"), "persistence_netmask"),
    **dict.fromkeys(("mark", "firewall_mark", "fwm"), "fwmark"),
    **dict.fromkeys(("ops", "one_packet_scheduling"), "one_packet"),
    **dict.fromkeys(("pe", "pe_name"), "persistence_engine"),
    **dict.fromkeys(("proto", "lvs_proto"), "protocol"),
    **dict.fromkeys(("exclusive",), "exclusive_destinations"),
}
_PORTS = re.compile(r"[0-9]+(?:[-:][0-9]+|(?:, *[0-9]+)+)")
_WITH_PORT = re.compile(r"(?:\[(?P<ipv6>[^]]+)\]|(?P<ipv4>[^:]+)):(?P<port>[0-9]+)")
_HOST_NAME = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.?")


def hint_for_value(option: str, value: Any, rule: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    """Return a sentence for the end of an error about a value, empty if there is none.

    :param option: the option that is wrong, or that has a wrong item.
    :param rule: its spec.
    :param options: the options that its value may have, if that is a dictionary or a list of them.
    """
    return _sentence(_value_reason(option, value, rule, options))


def hint_for_options(values: Any, known: Collection[str]) -> str:
    """Return a sentence for the end of an error about an unknown option."""
    return _sentence(_options_reason(values, known))


def _sentence(reason: str) -> str:
    return f". {reason}" if reason else ""


def _value_reason(option: str, value: Any, rule: Mapping[str, Any], options: Mapping[str, Any]) -> str:
    if options:
        return _dictionary_reason(value, options)
    if "choices" in rule:
        return _choice_reason(option, value, rule["choices"])
    if option == "port" and isinstance(value, str) and _PORTS.fullmatch(value.strip()):
        return "A service of several ports has a firewall mark: give fwmark, and set the mark with ipvs_fwmark"
    if option == "address" and isinstance(value, str):
        return _address_reason(value)
    return ""


def _options_reason(values: Any, known: Collection[str]) -> str:
    unknown = [str(name) for name in values if name not in known] if isinstance(values, dict) else []
    meant = [_meant(name, known, _OPTIONS) for name in unknown]
    if meant and all(meant):
        return f"Did you mean {', '.join(map(str, meant))}?"
    return f"There are {', '.join(known)}"


def _dictionary_reason(value: Any, options: Mapping[str, Any]) -> str:
    """Return the dictionary that a text stands for, where that is an address."""
    if not isinstance(value, str) or "address" not in options:
        return ""
    address, port = _split(value)
    if not _is_address(address):
        return ""
    # In quotes where YAML wants them.
    return f"Did you mean {{address: {_quoted(address)}{f', port: {port}' if port else ''}}}?"


def _choice_reason(option: str, value: Any, choices: Iterable[str]) -> str:
    known = list(choices)
    for word in value if isinstance(value, list) else [value]:
        if word not in known:
            meant = _meant(str(word), known, _VALUES.get(option, {}))
            return f"Did you mean {meant}?" if meant else ""
    return ""


def _address_reason(text: str) -> str:
    address, slash, length = text.strip().partition("/")
    if _is_address(text):
        return ""
    if slash and _is_address(address):
        if length == str(ipaddress.ip_address(address).max_prefixlen):
            return f"Give it without the prefix length: {address}"
        return "A network is not an address: give one address, or give fwmark, and set the mark with ipvs_fwmark"
    first, _dash, last = text.partition("-")
    if _is_address(first.strip()) and _is_address(last.strip()):
        return "A range is not an address: give one address, or give fwmark, and set the mark with ipvs_fwmark"
    host, port = _split(text.strip())
    if _is_address(host) and port:
        return f"Give the port as an option: address: {_quoted(host)}, port: {port}"
    if _is_address(host.strip("[]")):
        return f"Give it as {_quoted(host.strip('[]'))}"
    if _HOST_NAME.fullmatch(host):
        return "Names are not resolved, because the table would change with DNS: give an address"
    return ""


def _meant(word: str, known: Iterable[str], others: Mapping[str, str]) -> Optional[str]:
    """Return our word for that of another tool, or for a similar one."""
    words = list(known)
    plain = word.strip().lower().replace("-", "_") if not word.startswith("-") else word
    if plain in words:
        return plain
    if others.get(plain) in words:
        return others[plain]
    return next(iter(difflib.get_close_matches(plain, words, n=1)), None)


def _split(text: str) -> tuple[str, str]:
    """Return address and port of ``10.0.0.1:80`` or ``[2001:db8::1]:80``."""
    found = _WITH_PORT.fullmatch(text)
    return (found["ipv6"] or found["ipv4"], found["port"]) if found else (text, "")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _quoted(address: str) -> str:
    return f'"{address}"' if ":" in address else address
