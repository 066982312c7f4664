# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set up a service, send traffic through it, and check the result."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._kernel.connections import CONNECTIONS, listing, read_connections
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.connections import WantedConnections
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
    canonical_service,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._options.entries import with_defaults
from ansible_collections.lvs.director.plugins.module_utils._options.table import desired_from_table_module, table_module_spec
from ansible_collections.lvs.director.plugins.module_utils._plan.order import transition

from .client import Answer, NoAnswer, ask
from .combinations import WORKS, Kind, Way
from .network import CLIENT, REAL_SERVERS, VIPS, inside
from .wire import Sniffer, expected

PORT = 8000
MARKED_PORTS = (8001, 8002)
FWMARKS = {4: 1, 6: 2}

EVERYTHING = [{"addresses": "0.0.0.0/0"}, {"addresses": "::/0"}, {"fwmarks": "1-2"}]

# Bytes. The long ones make packets that fill the network's MTU: with a tunnel's header they do not fit any more.
SHORT = 200
LONG = {("tcp", 4): 20000, ("tcp", 6): 20000, ("sctp", 4): 20000, ("sctp", 6): 20000, ("udp", 4): 1472, ("udp", 6): 1452}


def service(way: Way, protocol: str, kind: Kind, **options: Any) -> dict[str, Any]:
    """The options of a service; those of its destinations may be given."""
    key: dict[str, Any]
    if kind.fwmark:
        key = {"fwmark": FWMARKS[way.virtual], "family": f"ipv{way.virtual}"}
    else:
        key = {"protocol": protocol, "address": VIPS[way.virtual], "port": PORT}
    # With a firewall mark, packets keep the port that they come with.
    destinations = [{"address": addresses[way.real], **way.options(), **options} for addresses in REAL_SERVERS.values()]
    return {**key, "scheduler": "rr", "persistence_timeout": 300 if kind.persistent else 0, "destinations": destinations}


class Measure:
    """Measures in a network that is there, with servers that answer."""

    def __init__(self, kernel: IpvsKernel) -> None:
        self._kernel = kernel
        self._sniffers = {name: Sniffer(name) for name in REAL_SERVERS}

    def configure(self, services: list[dict[str, Any]]) -> None:
        """Make the director's table these services, and no others."""
        params = {"services": services, "purge": True, "scope": EVERYTHING}
        desired = desired_from_table_module(with_defaults(table_module_spec()["argument_spec"], params))
        converge(self._kernel, desired, check_mode=False)

    def outcome(self, way: Way, protocol: str, kind: Kind, **options: Any) -> str:
        """WORKS, or the fault. Options of the destinations may be given."""
        try:
            try:
                self.configure([service(way, protocol, kind, **options)])
            except IpvsInputError:
                return self._kernels_word(way, protocol, kind)
            return next(self._problems(way, protocol, kind), WORKS)
        except NoAnswer as reason:
            return str(reason)
        finally:
            self.configure([])

    def _kernels_word(self, way: Way, protocol: str, kind: Kind) -> str:
        """The kernel's own error for a service that the collection refuses."""
        family = f"ipv{way.virtual}"
        port = 0 if kind.fwmark else PORT
        virtual = parse_address(VIPS[way.virtual])
        key = ServiceKey(family, fwmark=FWMARKS[way.virtual]) if kind.fwmark else ServiceKey(family, protocol, virtual, port)
        keys = [DestinationKey(parse_address(addresses[way.real]), port) for addresses in REAL_SERVERS.values()]
        entry = Entry(canonical_service(Service(key, "rr")), tuple(Destination(one, way.forward_method) for one in keys))
        for phase in transition(key, None, entry).phases:
            refusal = self._kernel.apply(phase)
            if refusal is not None:
                return f"the kernel refuses it ({errno.errorcode[refusal.number]})"
        return "the kernel takes it, and the collection does not"

    def _problems(self, way: Way, protocol: str, kind: Kind) -> Iterator[str]:
        self._forget()
        short = self._ask(way, protocol, kind, SHORT)
        long = self._ask(way, protocol, kind, LONG[protocol, way.virtual], "long packets: ")
        answers = [*short, *long]
        servers = {one.server for one in answers}
        if kind.persistent and len(servers) != 1:
            yield "one client, several servers"
        if not kind.persistent and len(servers) != len(REAL_SERVERS):
            yield "not all servers got connections"
        for one in answers:
            if not one.intact:
                yield "the bytes received differ from those sent"
            if one.peer[0] != CLIENT[way.virtual] or one.peer[1] != one.port:
                yield f"the server sees {one.peer[0]} as the client"
            reached = REAL_SERVERS[one.server][way.real] if way.forward_method == "masquerade" else VIPS[way.virtual]
            if one.local != reached:
                yield f"the server was reached at {one.local}"
        yield from self._table_problems(way, protocol, answers)
        for name in servers:
            seen = self._sniffers[name].forms()
            if seen != {expected(way, protocol, REAL_SERVERS[name][way.real])}:
                yield f"sent to the server as {', '.join(map(str, seen)) or 'nothing'}"

    def _ask(self, way: Way, protocol: str, kind: Kind, size: int, what: str = "") -> list[Answer]:
        ports = MARKED_PORTS if kind.fwmark else (PORT, PORT)
        try:
            return [ask(protocol, VIPS[way.virtual], port, size) for port in ports]
        except NoAnswer as reason:
            raise NoAnswer(f"{what}{reason}") from None

    def _table_problems(self, way: Way, protocol: str, answers: list[Answer]) -> Iterator[str]:
        """Whether each connection is in the director's table, with the server that answered."""
        client = (parse_address(CLIENT[way.virtual]), 8 * len(parse_address(CLIENT[way.virtual])))
        wanted = WantedConnections(protocol=protocol, client=client, template=False, limit=1 << 20)
        with inside("director"):
            connections = read_connections(listing(CONNECTIONS), wanted).connections
        table = {one.client_port: one.destination_address for one in connections}
        for one in answers:
            if table.get(one.port) != parse_address(REAL_SERVERS[one.server][way.real]):
                yield "the director's table names another server"

    def _forget(self) -> None:
        """The client's path MTU, and the captured packets."""
        with inside("client"):
            for family in ("ipv4", "ipv6"):
                Path(f"/proc/sys/net/{family}/route/flush").write_text("1", encoding="ascii")
        for sniffer in self._sniffers.values():
            sniffer.forms()
