# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks of every type with every option, and a table that they apply to."""

from __future__ import annotations

from ansible_collections.lvs.director.plugins.module_utils._model.health import Check, Health, HealthRules
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, address_family, parse_address

# Characters that mean something in keepalived.conf: quotes, comments, braces, variables, escapes, blanks.
NASTY = 'it\'s "all" # of ! these { and } or $HOME ${_PWD} \\d+ \\\\ \t ~ @ é (.*)?'
# But those that no command can have.
ODD = "all # of ! these { and } or \u00e9 ~ @ (.*)?;|&<>"

EVERY_CHECK = (
    Check("tcp", (("port", 8080), ("address", "10.9.9.9"))),
    Check("http", (("path", "/health?a=b#c!d{e}"), ("host", "www.example.org"), ("status", ("200", "300-399")), ("digest", "0f" * 16))),
    Check("http", (("body", f"OK {NASTY}"),)),
    Check("https", (("host", "www.example.org"), ("verify", True), ("ca_file", "/etc/ssl/certs/our own.pem"))),
    Check("https", (("verify", True), ("status", ("200",)))),
    Check("smtp", (("helo", "director.example.org"),)),
    Check("smtp"),
    Check("dns", (("name", "example.org"), ("record_type", "AAAA"))),
    Check("dns"),
    Check("udp", (("payload", "00ff12"), ("response", "00xx1x"))),
    Check("udp", (("response", "any"),)),
    Check("udp"),
    Check("ping", (("address", "2001:db8::9"),)),
    Check("command", (("command", ("/usr/bin/openssl", "version", "{address}", "[{address}]:{port}", "", ODD)),)),
)


def service(protocol: str, address: str, port: int) -> ServiceKey:
    packed = parse_address(address)
    return ServiceKey(address_family(packed), protocol, packed, port)


def destination(address: str, port: int) -> DestinationKey:
    return DestinationKey(parse_address(address), port)


WEB = service("tcp", "192.0.2.1", 80)
# One of each kind of name: addresses of both families, each protocol, all ports, firewall marks, and tunnels between the families.
TABLE = {
    WEB: [destination("10.0.0.2", 8080), destination("10.0.0.1", 80)],
    service("udp", "2001:db8::1", 53): [destination("2001:db8:1::1", 53), destination("10.0.0.3", 53)],
    service("sctp", "192.0.2.1", 0): [destination("10.0.0.1", 0)],
    ServiceKey("ipv4", fwmark=7): [destination("10.0.0.1", 0), destination("10.0.0.2", 8080)],
    ServiceKey("ipv6", fwmark=7): [destination("2001:db8:1::1", 0), destination("10.0.0.3", 0)],
}


def every_check() -> Health:
    """Return every check of a web server, and two checks for each other kind of service."""
    two = (Check("tcp", (("port", 81),)), Check("ping"))
    return Health(tuple(HealthRules(key, EVERY_CHECK if key == WEB else two) for key in TABLE))
