# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The options of ipvsadm(8) 1.31: their spelling, the module option they set, or what replaces them."""

from __future__ import annotations

from typing import NamedTuple, Optional

NONE, VALUE, OPTIONAL = "none", "value", "optional"


class Option(NamedTuple):
    """An option or a command."""

    name: str  # the long form
    letter: str = ""  # the short form, if any
    value: str = NONE
    sets: str = ""  # option of ipvs_service or ipvs_destination
    elsewhere: str = ""  # why it never occurs in rules, and what replaces it in this collection

    @property
    def word(self) -> str:
        """The form that ``ipvsadm -S`` prints: the short one if there is one."""
        return f"-{self.letter}" if self.letter else f"--{self.name}"


_LISTING = "it shapes a listing; all of that is in what lvs.director.ipvs_info returns"
_DAEMON = "the sync daemons are not in the table: use lvs.director.ipvs_sync_daemon"
_TEXT = "it prints or reads text: this filter takes rules as -S prints them, and lvs.director.ipvsadm_rules writes them"
_HELP = "it prints a text"

COMMANDS = (
    Option("add-service", "A"),
    Option("edit-service", "E"),
    Option("delete-service", "D"),
    Option("clear", "C"),
    Option("add-server", "a"),
    Option("edit-server", "e"),
    Option("delete-server", "d"),
    Option("restore", "R", elsewhere=_TEXT),
    Option("save", "S", elsewhere=_TEXT),
    Option("list", "L", elsewhere="it lists: use lvs.director.ipvs_info"),
    Option("list", "l", elsewhere="it lists: use lvs.director.ipvs_info"),
    Option(
        "zero",
        "Z",
        elsewhere="counters are not configuration: use zero_counters of lvs.director.ipvs_service, or of lvs.director.ipvs_table for all",
    ),
    Option("set", elsewhere="timeouts are not in the table: use lvs.director.ipvs_timeouts"),
    Option("start-daemon", value=VALUE, elsewhere=_DAEMON),
    Option("stop-daemon", value=VALUE, elsewhere=_DAEMON),
    Option("help", "h", elsewhere=_HELP),
    Option("version", "v", elsewhere=_HELP),
)

# The options that name a service, and their protocol. A firewall mark has none.
SERVICE_OPTIONS: dict[Optional[str], Option] = {
    "tcp": Option("tcp-service", "t", VALUE),
    "udp": Option("udp-service", "u", VALUE),
    "sctp": Option("sctp-service", "", VALUE),
    None: Option("fwmark-service", "f", VALUE),
}
IPV6 = Option("ipv6", "6")
REAL_SERVER = Option("real-server", "r", VALUE)

METHOD_OPTIONS = {
    "direct": Option("gatewaying", "g"),
    "tunnel": Option("ipip", "i"),
    "masquerade": Option("masquerading", "m"),
}
TUNNEL_FLAG_OPTIONS = {
    "nocsum": Option("tun-nocsum"),
    "csum": Option("tun-csum", sets="tunnel_flags"),
    "remcsum": Option("tun-remcsum"),
}

SCHEDULER = Option("scheduler", "s", VALUE, "scheduler")
PERSISTENT = Option("persistent", "p", OPTIONAL, "persistence_timeout")
NETMASK = Option("netmask", "M", VALUE, "persistence_netmask")
ENGINE = Option("pe", "", VALUE, "persistence_engine")
ONE_PACKET = Option("ops", "o", NONE, "one_packet")
SCHEDULER_FLAGS = Option("sched-flags", "b", VALUE, "scheduler_flags")

WEIGHT = Option("weight", "w", VALUE, "weight")
UPPER_THRESHOLD = Option("u-threshold", "x", VALUE, "upper_threshold")
LOWER_THRESHOLD = Option("l-threshold", "y", VALUE, "lower_threshold")
TUNNEL_TYPE = Option("tun-type", "", VALUE, "tunnel_type")
TUNNEL_PORT = Option("tun-port", "", VALUE, "tunnel_port")

_KEY = {*SERVICE_OPTIONS.values(), IPV6}
_SERVICE = {*_KEY, SCHEDULER, PERSISTENT, NETMASK, ENGINE, ONE_PACKET, SCHEDULER_FLAGS}
_DESTINATION = {
    *_KEY,
    REAL_SERVER,
    *METHOD_OPTIONS.values(),
    WEIGHT,
    UPPER_THRESHOLD,
    LOWER_THRESHOLD,
    TUNNEL_TYPE,
    TUNNEL_PORT,
    *TUNNEL_FLAG_OPTIONS.values(),
}

# The options that each command accepts.
ALLOWED: dict[str, set[Option]] = {
    "add-service": _SERVICE,
    "edit-service": _SERVICE,
    "delete-service": _KEY,
    "clear": set(),
    "add-server": _DESTINATION,
    "edit-server": _DESTINATION,
    "delete-server": {*_KEY, REAL_SERVER},
}

OPTIONS = (
    *COMMANDS,
    *sorted(_SERVICE | _DESTINATION),
    *(Option(name, elsewhere=_LISTING) for name in "daemon nosort persistent-conn rate sort stats thresholds timeout tun-info".split()),
    Option("connection", "c", elsewhere="connections are not in the table: lvs.director.ipvs_connection_info lists them"),
    Option("exact", "X", elsewhere=_LISTING),
    Option("numeric", "n", elsewhere=_LISTING),
    *(
        Option(name, value=VALUE, elsewhere=_DAEMON)
        for name in "mcast-group mcast-interface mcast-port mcast-ttl sync-maxlen syncid".split()
    ),
)
