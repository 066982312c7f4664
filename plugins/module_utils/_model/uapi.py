# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Constants of the kernel's IPVS interface, named as in <linux/ip_vs.h>.

The only place that maps the words of ipvsadm(8) and this collection to numbers.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

IPVS_GENL_NAME = "IPVS"
IPVS_GENL_VERSION = 1

# Bytes before the attributes of a message: struct nlmsghdr and struct genlmsghdr.
MESSAGE_HEADERS = 16 + 4

# Commands
IPVS_CMD_NEW_SERVICE = 1
IPVS_CMD_SET_SERVICE = 2
IPVS_CMD_DEL_SERVICE = 3
IPVS_CMD_GET_SERVICE = 4
IPVS_CMD_NEW_DEST = 5
IPVS_CMD_SET_DEST = 6
IPVS_CMD_DEL_DEST = 7
IPVS_CMD_GET_DEST = 8
IPVS_CMD_NEW_DAEMON = 9
IPVS_CMD_DEL_DAEMON = 10
IPVS_CMD_GET_DAEMON = 11
IPVS_CMD_SET_CONFIG = 12
IPVS_CMD_GET_CONFIG = 13
IPVS_CMD_GET_INFO = 15
IPVS_CMD_ZERO = 16

# Top-level attributes
IPVS_CMD_ATTR_SERVICE = 1
IPVS_CMD_ATTR_DEST = 2
IPVS_CMD_ATTR_DAEMON = 3
IPVS_CMD_ATTR_TIMEOUT_TCP = 4
IPVS_CMD_ATTR_TIMEOUT_TCP_FIN = 5
IPVS_CMD_ATTR_TIMEOUT_UDP = 6

# Attributes of the reply to IPVS_CMD_GET_INFO, numbered separately
IPVS_INFO_ATTR_VERSION = 1
IPVS_INFO_ATTR_CONN_TAB_SIZE = 2

# Attributes inside IPVS_CMD_ATTR_SERVICE
IPVS_SVC_ATTR_AF = 1
IPVS_SVC_ATTR_PROTOCOL = 2
IPVS_SVC_ATTR_ADDR = 3
IPVS_SVC_ATTR_PORT = 4
IPVS_SVC_ATTR_FWMARK = 5
IPVS_SVC_ATTR_SCHED_NAME = 6
IPVS_SVC_ATTR_FLAGS = 7
IPVS_SVC_ATTR_TIMEOUT = 8
IPVS_SVC_ATTR_NETMASK = 9
IPVS_SVC_ATTR_STATS = 10
IPVS_SVC_ATTR_PE_NAME = 11
IPVS_SVC_ATTR_STATS64 = 12

# Attributes inside IPVS_CMD_ATTR_DEST
IPVS_DEST_ATTR_ADDR = 1
IPVS_DEST_ATTR_PORT = 2
IPVS_DEST_ATTR_FWD_METHOD = 3
IPVS_DEST_ATTR_WEIGHT = 4
IPVS_DEST_ATTR_U_THRESH = 5
IPVS_DEST_ATTR_L_THRESH = 6
IPVS_DEST_ATTR_ACTIVE_CONNS = 7
IPVS_DEST_ATTR_INACT_CONNS = 8
IPVS_DEST_ATTR_PERSIST_CONNS = 9
IPVS_DEST_ATTR_STATS = 10
IPVS_DEST_ATTR_ADDR_FAMILY = 11
IPVS_DEST_ATTR_STATS64 = 12
IPVS_DEST_ATTR_TUN_TYPE = 13
IPVS_DEST_ATTR_TUN_PORT = 14
IPVS_DEST_ATTR_TUN_FLAGS = 15

# Attributes inside IPVS_CMD_ATTR_DAEMON
IPVS_DAEMON_ATTR_STATE = 1
IPVS_DAEMON_ATTR_MCAST_IFN = 2
IPVS_DAEMON_ATTR_SYNC_ID = 3
IPVS_DAEMON_ATTR_SYNC_MAXLEN = 4
IPVS_DAEMON_ATTR_MCAST_GROUP = 5
IPVS_DAEMON_ATTR_MCAST_GROUP6 = 6
IPVS_DAEMON_ATTR_MCAST_PORT = 7
IPVS_DAEMON_ATTR_MCAST_TTL = 8

# Service flags
IP_VS_SVC_F_PERSISTENT = 0x0001
IP_VS_SVC_F_HASHED = 0x0002  # internal to the kernel
IP_VS_SVC_F_ONEPACKET = 0x0004
IP_VS_SVC_F_SCHED1 = 0x0008
IP_VS_SVC_F_SCHED2 = 0x0010
IP_VS_SVC_F_SCHED3 = 0x0020
IP_VS_SVC_F_SCHED_ANY = IP_VS_SVC_F_SCHED1 | IP_VS_SVC_F_SCHED2 | IP_VS_SVC_F_SCHED3

# Forwarding methods: the bits of a connection's flags that come from the destination
IP_VS_CONN_F_FWD_MASK = 0x0007

# Lengths, including the terminating NUL
IP_VS_SCHEDNAME_MAXLEN = 16
IP_VS_PENAME_MAXLEN = 16
IP_VS_IFNAME_MAXLEN = 16

INT_MAX = 2**31 - 1
UINT_MAX = 2**32 - 1
# ipvsadm's MAX_TIMEOUT, 31 days: larger values overflow jiffies on some kernel configurations.
MAX_TIMEOUT = 31 * 24 * 60 * 60

PROTOCOLS = {"tcp": socket.IPPROTO_TCP, "udp": socket.IPPROTO_UDP, "sctp": 132}
PROTOCOL_WORDS = {number: word for word, number in PROTOCOLS.items()}

FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
FAMILY_WORDS = {int(number): word for word, number in FAMILIES.items()}

# Methods that a task can request; the kernel may list others. A protocol or method without a word is written in digits ("51"): see
# ``number_of`` and ``word_of``.
FORWARD_METHODS = {"masquerade": 0, "localnode": 1, "tunnel": 2, "direct": 3}
FORWARD_METHOD_WORDS = {0: "masquerade", 1: "localnode", 2: "tunnel", 3: "direct", 4: "bypass"}

TUNNEL_TYPES = {"ipip": 0, "gue": 1, "gre": 2}
TUNNEL_TYPE_WORDS = {number: word for word, number in TUNNEL_TYPES.items()}

# ``nocsum`` means none of the others.
TUNNEL_FLAGS = {"nocsum": 0, "csum": 1, "remcsum": 2}

# The meaning of the three bits depends on the scheduler; its own words take precedence.
SCHEDULER_FLAGS = {
    "flag-1": IP_VS_SVC_F_SCHED1,
    "flag-2": IP_VS_SVC_F_SCHED2,
    "flag-3": IP_VS_SVC_F_SCHED3,
    "sh-fallback": IP_VS_SVC_F_SCHED1,
    "sh-port": IP_VS_SVC_F_SCHED2,
    "mh-fallback": IP_VS_SVC_F_SCHED1,
    "mh-port": IP_VS_SVC_F_SCHED2,
}

SYNC_DAEMON_STATES = {1: "master", 2: "backup"}
SYNC_DAEMON_NUMBERS = {word: number for number, word in SYNC_DAEMON_STATES.items()}

# Defaults of a sync daemon (net/netfilter/ipvs/ip_vs_sync.c)
IP_VS_SYNC_GROUP = bytes((224, 0, 0, 81))
IP_VS_SYNC_PORT = 8848
IP_VS_SYNC_TTL = 1

# The kernel's state names, as shown by ipvsadm -Lc (ip_vs_proto_tcp.c, _udp.c, _sctp.c, and ip_vs_proto.c for templates)
TEMPLATE_STATES = ("NONE", "ASSURED")
CONNECTION_STATES = (
    *TEMPLATE_STATES,
    *"ESTABLISHED SYN_SENT SYN_RECV FIN_WAIT TIME_WAIT CLOSE CLOSE_WAIT LAST_ACK LISTEN SYNACK".split(),
    "UDP",
    *"INIT1 INIT C-SENT C-REPLIED C-WAIT COOKIE C-ECHOED S-SENT S-RECEIVED S-ACK-SENT REJECTED CLOSED".split(),
)


def number_of(numbers: Mapping[str, int], word: str) -> int:
    """Return the kernel's number for a word, or for the digits that ``word_of`` wrote."""
    number = numbers.get(word)
    return int(word) if number is None else number


def word_of(words: Mapping[int, str], number: int) -> str:
    """Return the word for one of the kernel's numbers, or its digits if there is none. Never fails on another program's entry."""
    return words.get(number) or str(number)
