# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``health`` and ``release``: what the checks find, and bringing back all that they hold."""

from __future__ import annotations

import json
import time
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._health.decide import decide
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._model.health import Health, HealthRules
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, Entry
from ansible_collections.lvs.director.plugins.module_utils._persist import quiescent
from ansible_collections.lvs.director.plugins.module_utils._persist.health import read_health
from ansible_collections.lvs.director.plugins.module_utils._persist.quiescent import Held, Marks
from ansible_collections.lvs.director.plugins.module_utils._program import follow, machine
from ansible_collections.lvs.director.plugins.module_utils._program.output import FAILED, say


def health(*, as_json: bool) -> int:
    """Print each destination of the services with checks, and what its checks find."""
    declared = read_health() or Health(())
    weights, problem = _shadow_weights()
    marks = quiescent.read()
    with machine.kernel(load=False) as kernel:
        table = {each.entry.service.key: each.entry for each in kernel.read_table(counters=False, only=[r.key for r in declared.rules])}
    services = [_service(rules, table.get(rules.key), weights, marks) for rules in declared.rules]
    if as_json:
        say(json.dumps({"services": services, "problem": problem or None}, indent=2))
    else:
        for service in services:
            say(f"{service['service']} min_available {service['min_available']}")
            for each in service["destinations"]:
                say(_line(each))
        if not services:
            say("Nothing is checked.")
        if problem:
            say(problem)
    return FAILED if problem else 0


def release() -> int:
    """Bring everything back that a failed check holds."""
    journal = machine.journal()
    with machine.kernel(load=False) as kernel, kernel.lock(exclusive=True):
        follow.release(kernel, journal)
    return FAILED if journal.problems else 0


def _shadow_weights() -> tuple[follow.Weights, str]:
    try:
        with follow.open_shadow() as shadow:
            return follow.weights_of(shadow), ""
    except IpvsError as exc:
        return {}, f"The checks do not run: {exc}. See 'systemctl status ipvs-director-checks ipvs-director-health'"


def _service(rules: HealthRules, entry: Optional[Entry], weights: follow.Weights, marks: Marks) -> dict[str, Any]:
    destinations = entry.destinations if entry else ()
    up = {key: weight > 0 for key, weight in weights.get(rules.key, {}).items()}
    decision = decide(rules, destinations, up, {})
    return {
        "service": str(rules.key),
        "min_available": decision.least,
        "destinations": [_destination(rules, each, up.get(each.key), _held(marks, rules, each)) for each in destinations],
    }


def _held(marks: Marks, rules: HealthRules, destination: Destination) -> Optional[Held]:
    mark = marks.mark(rules.key, destination.key) if destination.held else None
    return mark.held if mark else None


def _destination(rules: HealthRules, destination: Destination, up: Optional[bool], held: Optional[Held]) -> dict[str, Any]:
    checks = [check.type for check in rules.checks_of(destination.key)]
    return {
        "destination": str(destination.key),
        "checks": checks,
        "state": {None: "unknown", True: "up", False: "down"}[up] if checks else "not checked",
        "held": held is not None,
        "held_since": held.since if held else None,
        "held_reason": held.reason if held else None,
        "sorry": destination.key in rules.sorry,
        "drained": destination.drained,
        "weight": destination.weight,
        "effective_weight": destination.effective_weight,
    }


def _line(each: dict[str, Any]) -> str:
    words = [f"  {each['destination']}", each["state"]]
    words += [f"({', '.join(each['checks'])})"] if each["checks"] else []
    words += [word for word in ("sorry", "drained") if each[word]]
    words.append(f"weight {each['weight']}")
    if each["held"]:
        words.append(f"held for {max(0, round(time.time() - each['held_since']))} seconds: {each['held_reason']}")
    elif each["state"] == "down" and each["effective_weight"]:
        words.append("in service all the same: too few others are up")
    return " ".join(words)
