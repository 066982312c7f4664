# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Convert options of ``ipvs_timeouts`` and ``ipvs_sync_daemon``."""

from __future__ import annotations

import re
from typing import Any

from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.table import is_multicast
from ansible_collections.lvs.director.plugins.module_utils._model.uapi import IP_VS_IFNAME_MAXLEN, MAX_TIMEOUT, SYNC_DAEMON_NUMBERS
from ansible_collections.lvs.director.plugins.module_utils._options.common import Params, Spec, number, parsed_address
from ansible_collections.lvs.director.plugins.module_utils._options.service import STATE_SPEC

# Printable ASCII without the two characters that the kernel forbids.
_INTERFACE = re.compile(r"[!-.0-9;-~]+")


def timeouts_module_spec() -> Spec:
    """Return the arguments of AnsibleModule for ``ipvs_timeouts``."""
    return {
        "argument_spec": {name: {"type": "int"} for name in Timeouts._fields},
        "required_one_of": [Timeouts._fields],
        "supports_check_mode": True,
    }


def sync_daemon_module_spec() -> Spec:
    """Return the arguments of AnsibleModule for ``ipvs_sync_daemon``."""
    return {
        "argument_spec": {
            **STATE_SPEC,
            "daemon": {"type": "str", "choices": list(SYNC_DAEMON_NUMBERS), "required": True},
            "interface": {"type": "str"},
            "sync_id": {"type": "int"},
            "maximum_length": {"type": "int"},
            "group": {"type": "str"},
            "port": {"type": "int"},
            "ttl": {"type": "int"},
        },
        "required_if": [("state", "present", ("interface",))],
        "supports_check_mode": True,
    }


def desired_from_timeouts_module(params: Params) -> dict[str, int]:
    """Return the timeouts of a task of ``ipvs_timeouts``, in seconds, by name.

    :raises IpvsInputError: a value is invalid.
    """
    return {name: number(params, "", name, 1, MAX_TIMEOUT, " seconds") for name in Timeouts._fields if params[name] is not None}


def desired_from_sync_daemon_module(params: Params) -> DesiredSyncDaemon:
    """Return the desired state of a task of ``ipvs_sync_daemon``.

    :raises IpvsInputError: a value is invalid.
    """
    given: dict[str, Any] = {}
    name = params["interface"]
    if name is not None:
        most = IP_VS_IFNAME_MAXLEN - 1
        if not _INTERFACE.fullmatch(name) or len(name) > most:
            raise IpvsInputError("interface", f"{name!r} is not the name of an interface: 1 to {most} characters without blanks, / and :")
        given["interface"] = name
    if params["group"] is not None:
        given["group"] = parsed_address("group", params["group"])
        if not is_multicast(given["group"]):
            raise IpvsInputError("group", f"{params['group']} is not a multicast address: those are in 224.0.0.0/4 and ff00::/8")
    for option, least, most in (("sync_id", 0, 255), ("maximum_length", 1, 65507), ("port", 1, 65535), ("ttl", 1, 255)):
        if params[option] is not None:
            given[option] = number(params, "", option, least, most)
    return DesiredSyncDaemon(params["daemon"], given, present=params["state"] == "present")
