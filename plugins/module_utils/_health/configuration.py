# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The configuration of keepalived's checkers (keepalived.conf(5)): which checks run, and against which real servers.

keepalived keeps its own table in another network namespace, the shadow. The follower compares: weight 0 in the shadow means that a
check fails, and a destination that is not in the shadow is one of which nothing is known. Hence:

- ``net_namespace_ipvs`` is the first line, at the top level. Inside of ``global_defs`` keepalived ignores it, and would write the
  machine's own table.
- ``inhibit_on_failure``: a real server that fails stays, with weight 0.
- ``lvs_flush``: a checker that was killed leaves entries, and its successor would never give them their weight back.
- Weights are always 1: a reload does not change those of existing real servers.
- No ``alpha``: a real server that was not checked yet would look like one that fails.

Services and destinations have the same keys in both tables. The forwarding method is masquerading, the only one with which
keepalived leaves ports alone; a destination of the other family needs a tunnel.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Optional

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.health import Check, Health, HealthRules
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    DestinationKey,
    ServiceKey,
    address_family,
    format_address,
)

# The network namespace of the shadow table.
NAMESPACE = "lvs_checks"
# keepalived writes a line to it whenever a real server goes down or comes up. It only wakes the follower.
FIFO = "/run/lvs.director/checks.fifo"
FIRST_LINE = f"net_namespace_ipvs {NAMESPACE}"

_HEAD = f"""\
{FIRST_LINE}
# By lvs.director. Changes are lost. The line above must be the first one: without it, the checks would write the table in service.
global_defs {{
    script_user root
    enable_script_security
    lvs_flush
    lvs_notify_fifo {FIFO}
}}
"""
# keepalived cuts a longer line in two.
_LONGEST_LINE = 1000
# Words that need no quotes. Versions differ in how often they unescape a command, so there is nothing to unescape in one.
_PLAIN_WORD = re.compile(r"[A-Za-z0-9/._:=,+@%-]+")
_IP_FAMILIES = {"ipv4": "inet", "ipv6": "inet6"}
# Only persistent services have port 0. The number does not matter: there are no clients.
_PERSISTENCE = 60


def configuration(health: Health, table: Mapping[ServiceKey, Sequence[DestinationKey]]) -> str:
    """Return the configuration for the destinations that a table has. Their order does not matter.

    A destination without checks is left out, and so is one that keepalived cannot express: port 0 in a service with a port,
    or a port of its own in a tunnel of the other family.

    :raises IpvsInputError: a check does not fit into a line.
    """
    text = _HEAD + "".join(
        f"{line}\n" for rules in health.rules if rules.key in table for line in _virtual_server(health, rules, table[rules.key])
    )
    longest = max(text.splitlines(), key=len)
    if len(longest) > _LONGEST_LINE:
        raise IpvsInputError("", f"a line of keepalived's configuration has at most {_LONGEST_LINE} characters: shorten {longest.split()}")
    return text


def _virtual_server(health: Health, rules: HealthRules, destinations: Sequence[DestinationKey]) -> Iterator[str]:
    key = rules.key
    servers = [
        line
        for destination in sorted(destinations)
        if rules.checks_of(destination) and _expressible(key, destination)
        for line in _real_server(health, rules, destination)
    ]
    if not servers:
        return  # keepalived refuses one without real servers
    yield f"virtual_server {f'fwmark {key.fwmark}' if key.fwmark else _place(key.address, key.port)} {{"
    yield f"    ip_family {_IP_FAMILIES[key.family]}"
    if key.protocol:
        yield f"    protocol {key.protocol.upper()}"
    if not key.fwmark and not key.port:
        yield f"    persistence_timeout {_PERSISTENCE}"
    yield "    lvs_sched rr"
    yield "    lvs_method NAT"
    yield "    inhibit_on_failure"
    yield "    warmup 0"
    yield f"    delay_loop {health.interval:g}"
    yield f"    connect_timeout {health.timeout:g}"
    if health.retries:
        yield f"    retry {health.retries}"
        yield f"    delay_before_retry {health.retry_pause:g}"
    yield from servers
    yield "}"


def _expressible(key: ServiceKey, destination: DestinationKey) -> bool:
    if address_family(destination.address) != key.family:
        return destination.port == key.port
    return bool(destination.port or not key.port)


def _real_server(health: Health, rules: HealthRules, destination: DestinationKey) -> Iterator[str]:
    yield f"    real_server {_place(destination.address, destination.port)} {{"
    yield "        weight 1"
    if address_family(destination.address) != rules.key.family:
        yield "        lvs_method TUN"
    for check in rules.checks_of(destination):
        port = check.option("port") or destination.port or rules.key.port
        for name, lines in _CHECKERS[check.type](check, _Server(destination.address, port, health)):
            yield f"        {name} {{"
            if not health.retries:
                # The least that is allowed outside of a checker is 1.
                yield "            retry 0"
            if name not in ("PING_CHECK", "MISC_CHECK"):
                yield f"            connect_port {port}"
            if name != "MISC_CHECK" and check.option("address"):
                yield f"            connect_ip {check.option('address')}"
            for line in lines:
                yield f"            {line}"
            yield "        }"
    yield "    }"


class _Server:
    """Where a check connects to, for commands."""

    def __init__(self, address: bytes, port: int, health: Health) -> None:
        self.address = format_address(address)
        self.port = str(port)
        # Of commands, keepalived takes whole seconds only.
        self.timeout = math.ceil(health.timeout)


_Checkers = Iterator[tuple[str, list[str]]]


def _tcp(_check: Check, _server: _Server) -> _Checkers:
    yield "TCP_CHECK", []


def _http(check: Check, _server: _Server) -> _Checkers:
    yield "HTTP_GET", _request(check)


def _https(check: Check, server: _Server) -> _Checkers:
    host: Optional[str] = check.option("host")
    yield "SSL_GET", [*(["enable_sni"] if host else []), *_request(check)]
    if check.option("verify"):
        yield _command(server, _handshake(check, host, server))


def _handshake(check: Check, host: Optional[str], server: _Server) -> list[str]:
    """Return the command that verifies a certificate, which keepalived itself never does."""
    address: str = check.option("address") or server.address
    place = f"[{address}]:{server.port}" if ":" in address else f"{address}:{server.port}"
    names = ["-servername", host, "-verify_hostname", host] if host else ["-noservername", "-verify_ip", address]
    trusted = ["-CAfile", check.option("ca_file")] if check.option("ca_file") else []
    return ["/usr/bin/openssl", "s_client", "-connect", place, *names, *trusted, "-verify_return_error", "-brief"]


def _request(check: Check) -> list[str]:
    status, digest, body = (check.option(name) for name in ("status", "digest", "body"))
    return [
        *([f'virtualhost "{check.option("host")}"'] if check.option("host") else []),
        "url {",
        f'    path "{check.option("path", "/")}"',
        *([f"    status_code {' '.join(status)}"] if status else []),
        *([f"    digest {digest}"] if digest else []),
        *([f'    regex "{_pattern(body)}"'] if body else []),
        "}",
    ]


def _smtp(check: Check, _server: _Server) -> _Checkers:
    yield "SMTP_CHECK", [f'helo_name "{check.option("helo")}"'] if check.option("helo") else []


def _dns(check: Check, _server: _Server) -> _Checkers:
    yield "DNS_CHECK", [f"type {check.option('record_type', 'SOA')}", f'name "{check.option("name", ".")}"']


def _udp(check: Check, _server: _Server) -> _Checkers:
    payload, response = check.option("payload"), check.option("response")
    lines = [f"payload {payload}"] if payload else []
    if response:
        lines += ["require_reply" if response == "any" else f"require_reply {response}", "min_reply_length 0", "max_reply_length 65535"]
    yield "UDP_CHECK", lines


def _ping(_check: Check, _server: _Server) -> _Checkers:
    yield "PING_CHECK", []


def _run(check: Check, server: _Server) -> _Checkers:
    yield _command(server, check.option("command"))


def _command(server: _Server, words: Sequence[str]) -> tuple[str, list[str]]:
    filled = (word.replace("{address}", server.address).replace("{port}", server.port) for word in words)
    command = " ".join(word if _PLAIN_WORD.fullmatch(word) else f"'{word}'" for word in filled)
    return "MISC_CHECK", [f'misc_path "{command}"', f"misc_timeout {server.timeout}"]


_CHECKERS = {"tcp": _tcp, "http": _http, "https": _https, "smtp": _smtp, "dns": _dns, "udp": _udp, "ping": _ping, "command": _run}


def _place(address: bytes, port: int) -> str:
    return f"{format_address(address)} {port}" if port else format_address(address)


def _pattern(text: str) -> str:
    """Return the regular expression that matches a text, in octal where keepalived might see quotes, comments, braces or variables."""
    found = ""
    for number in text.encode():
        character = chr(number)
        if number < 128 and (character.isalnum() or character in " _-:;,<>=/"):
            found += character
        else:
            found += f"\\134\\{number:03o}" if number < 128 else f"\\{number:03o}"
    return found
