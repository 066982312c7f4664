# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The combinations to measure: every forwarding method, all pairs of families, each protocol and kind of service."""

from __future__ import annotations

from typing import Any, NamedTuple

PROTOCOLS = ("tcp", "udp", "sctp")
GUE_PORT = 6080

WORKS = "works"
"""The desired outcome; any other names the fault."""

# Virtual address and real server's address.
FAMILIES = ((4, 4), (6, 6), (4, 6), (6, 4))


class Way(NamedTuple):
    """A way of forwarding: a row of the table."""

    forward_method: str
    tunnel_type: str = ""
    virtual: int = 4
    real: int = 4

    @property
    def name(self) -> str:
        """Its name in the first column."""
        return f"{self.forward_method} {self.tunnel_type}".strip()

    def options(self) -> dict[str, Any]:
        """The options of a destination."""
        options: dict[str, Any] = {"forward_method": self.forward_method}
        if self.tunnel_type:
            options["tunnel_type"] = self.tunnel_type
        if self.tunnel_type == "gue":
            options["tunnel_port"] = GUE_PORT
        return options


class Kind(NamedTuple):
    """A kind of service."""

    fwmark: bool = False
    persistent: bool = False

    @property
    def name(self) -> str:
        return f"{'firewall mark' if self.fwmark else 'address'}{', persistent' if self.persistent else ''}"


METHODS = (("masquerade", ""), ("direct", ""), ("tunnel", "ipip"), ("tunnel", "gue"), ("tunnel", "gre"))
WAYS = tuple(Way(*method, *families) for method in METHODS for families in FAMILIES)
KINDS = tuple(Kind(fwmark, persistent) for fwmark in (False, True) for persistent in (False, True))
