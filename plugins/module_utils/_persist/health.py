# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The file of declared health checks: a task writes it, the follower reads it.

JSON; a service and a destination are named as in the options of the modules:

    {"version": 1, "interval": 3.0, "timeout": 2.0, "retries": 1, "retry_pause": 1.0,
     "services": [
      {"protocol": "tcp", "address": "192.0.2.1", "port": 80,
       "checks": [{"type": "http", "path": "/health"}], "min_available": "50%", "recover_after": 8.0,
       "destinations": [{"address": "10.0.0.9", "port": 80, "checks": null, "sorry": true}]}]}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.errors import NOT_ROOT, IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.health import TYPES, Check, Health, HealthRules
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    DestinationKey,
    ServiceKey,
    address_family,
    format_address,
    parse_address,
)
from ansible_collections.lvs.director.plugins.module_utils._persist.files import DIRECTORY

HEALTH = f"{DIRECTORY}/health.json"
VERSION = 1


def to_text(health: Health) -> str:
    """Return the text of the file."""
    times = {name: getattr(health, name) for name in ("interval", "timeout", "retries", "retry_pause")}
    head = json.dumps({"version": VERSION, **times})[:-1]
    services = ",\n".join(json.dumps(_values(rules)) for rules in health.rules)
    return f'{head}, "services": [\n{services}]}}\n' if services else f'{head}, "services": []}}\n'


def from_text(text: str) -> Health:
    """Return what a text declares.

    :raises IpvsUnavailableError: the text is damaged, or of another version.
    """
    try:
        values = json.loads(text)
        if values["version"] != VERSION:
            raise ValueError(f"version {values['version']} is not known")
        return Health(
            tuple(map(_rules, values["services"])),
            float(values["interval"]),
            float(values["timeout"]),
            int(values["retries"]),
            float(values["retry_pause"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise IpvsUnavailableError(
            f"Cannot read the health checks in {HEALTH}: {exc!r}. Run the task that declares them again, which replaces the file"
        ) from exc


def read_health() -> Optional[Health]:
    """Return what is declared, None if nothing ever was.

    :raises IpvsUnavailableError: the file exists but cannot be read.
    """
    try:
        with open(HEALTH, encoding="utf-8") as file:
            return from_text(file.read())
    except FileNotFoundError:
        return None
    except PermissionError as exc:
        raise IpvsUnavailableError(f"Cannot read {HEALTH}: {exc.strerror}. {NOT_ROOT}") from exc
    except (OSError, UnicodeDecodeError) as exc:
        raise IpvsUnavailableError(f"Cannot read {HEALTH}: {exc}") from exc


def _values(rules: HealthRules) -> dict[str, Any]:
    key = rules.key
    name: dict[str, Any] = {"protocol": key.protocol, "address": format_address(key.address), "port": key.port} if not key.fwmark else {}
    if key.fwmark:
        name = {"fwmark": key.fwmark, "family": key.family}
    listed = sorted({*rules.destinations, *rules.sorry})
    return {
        **name,
        "checks": list(map(_check_values, rules.checks)),
        "min_available": f"{rules.min_available}%" if rules.min_available_percent else rules.min_available,
        "recover_after": rules.recover_after,
        "slow_start": rules.slow_start,
        "destinations": [_destination_values(rules, each) for each in listed],
    }


def _destination_values(rules: HealthRules, key: DestinationKey) -> dict[str, Any]:
    own = rules.destinations.get(key)
    return {
        "address": format_address(key.address),
        "port": key.port,
        "checks": None if own is None else list(map(_check_values, own)),
        "sorry": key in rules.sorry,
    }


def _check_values(check: Check) -> dict[str, Any]:
    return {"type": check.type, **dict(check.options)}


def _rules(values: Mapping[str, Any]) -> HealthRules:
    if "fwmark" in values:
        key = ServiceKey(values["family"], fwmark=int(values["fwmark"]))
    else:
        address = parse_address(values["address"])
        key = ServiceKey(address_family(address), values["protocol"], address, int(values["port"]))
    listed = {DestinationKey(parse_address(each["address"]), int(each["port"])): each for each in values["destinations"]}
    least = str(values["min_available"])
    return HealthRules(
        key,
        tuple(map(_check, values["checks"])),
        {each: tuple(map(_check, found["checks"])) for each, found in listed.items() if found["checks"] is not None},
        frozenset(each for each, found in listed.items() if found["sorry"]),
        int(least.rstrip("%")),
        least.endswith("%"),
        float(values["recover_after"]),
        float(values.get("slow_start", 0.0)),
    )


def _check(values: Mapping[str, Any]) -> Check:
    if values["type"] not in TYPES:
        raise ValueError(f"there is no check of type {values['type']}")
    options = ((name, tuple(value) if isinstance(value, list) else value) for name, value in values.items() if name != "type")
    return Check(values["type"], tuple(options))
