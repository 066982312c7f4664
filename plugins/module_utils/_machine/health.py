# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Health checks on this machine: install them, give keepalived their configuration, remove them.

``put_configuration`` is called by the follower whenever the destinations of the table change.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from functools import partial

from ansible_collections.lvs.director.plugins.module_utils._health.configuration import FIRST_LINE, configuration
from ansible_collections.lvs.director.plugins.module_utils._machine import files, health_units, program, systemd
from ansible_collections.lvs.director.plugins.module_utils._machine.command import is_installed, must_run, run
from ansible_collections.lvs.director.plugins.module_utils._machine.health_units import CHECKS_UNIT, HEALTH_UNIT, HEALTH_UNITS
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.health import Check, Health
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, ServiceKey, parse_address
from ansible_collections.lvs.director.plugins.module_utils._persist.files import VOLATILE_DIRECTORY
from ansible_collections.lvs.director.plugins.module_utils._persist.health import HEALTH, to_text

CONFIGURATION = health_units.CONFIGURATION
FIFO = health_units.FIFO
NAMESPACE = health_units.NAMESPACE
# Exists from before the configuration is replaced until keepalived has read it.
PENDING = f"{VOLATILE_DIRECTORY}/checks.pending"

_NAMESPACE_FILE = f"/run/netns/{NAMESPACE}"
# Any destination, to test the checks of a service that has none yet: an address of documentation.
_ANY = {"ipv4": parse_address("192.0.2.1"), "ipv6": parse_address("2001:db8::1")}
# Seconds. Releasing destinations takes one run of the program.
_PATIENCE = 300.0


def test_configuration(text: str) -> None:
    """Let keepalived check a configuration, and that it cannot write the table in service.

    :raises IpvsUnavailableError: it refuses it, in its own words. Nothing was changed.
    """
    if text.split("\n", 1)[0] != FIRST_LINE:
        raise IpvsUnavailableError(f"The first line of the health checks' configuration is not {FIRST_LINE}. Nothing was changed")
    with tempfile.TemporaryDirectory(prefix="ipvs_director-") as folder:
        path = os.path.join(folder, "checks.conf")
        files.write(path, text)
        done = run("keepalived", "--config-test", f"--use-file={path}")
    if done.code:
        lines = filter(None, (line.replace(f"{path}: ", "").strip() for line in (done.output + done.errors).splitlines()))
        reason = "; ".join(dict.fromkeys(lines)) or f"exit status {done.code}"
        raise IpvsUnavailableError(f"keepalived refuses the health checks, and nothing was changed: {reason}")


def put_configuration(text: str) -> bool:
    """Have keepalived run the checks of a configuration. Return whether that was new.

    Killed at any point, the next call completes it.

    :raises IpvsUnavailableError: keepalived refuses it, and keeps the former one; or it could not be told to read it.
    """
    if files.content(CONFIGURATION) == text and not os.path.exists(PENDING):
        return False
    test_configuration(text)
    files.write(PENDING, "", files.PRIVATE)
    files.write(CONFIGURATION, text)
    if systemd.states([CHECKS_UNIT])[CHECKS_UNIT].active:
        systemd.systemctl("reload", CHECKS_UNIT)
    os.unlink(PENDING)
    return True


def plan(health: Health, sources: Mapping[str, bytes], *, check_mode: bool) -> list[Step]:
    """Return the steps that run these checks.

    :raises IpvsUnavailableError: keepalived, openssl or a command is missing, or keepalived refuses a check.
    """
    _check(health, check_mode)
    steps = program.plan(sources)
    other = program.plan_restarts([program.RESYNC_UNIT]) if steps else []
    steps += files.plan({HEALTH: to_text(health)}, files.PRIVATE)
    if files.content(CONFIGURATION) is None:
        # Without destinations: the follower knows them.
        steps += files.plan({CONFIGURATION: configuration(health, {})})
    texts = health_units.unit_files()
    changed = {unit for unit, text in texts.items() if files.content(os.path.join(systemd.DIRECTORY, unit)) != text}
    if steps:
        changed.add(HEALTH_UNIT)
    known = systemd.states(HEALTH_UNITS)
    steps += systemd.plan_units(texts, HEALTH_UNITS)
    # Neither loses anything by it.
    steps += [Step(f"restart {unit}", partial(systemd.restart, unit)) for unit in HEALTH_UNITS if known[unit].active and unit in changed]
    return [*steps, *other, *program.plan_clean_up(sources)]


def plan_absent() -> list[Step]:
    """Return the steps that give all held destinations their weight back, and then remove the checks.

    :raises IpvsUnavailableError: the program that gives the weights back is missing.
    """
    units = [unit for unit in HEALTH_UNITS if os.path.lexists(os.path.join(systemd.DIRECTORY, unit))]
    steps: list[Step] = []
    if units or os.path.exists(HEALTH):
        if not os.path.exists(program.COMMAND):
            raise IpvsUnavailableError(
                f"{program.COMMAND} is missing, which gives held destinations their weight back. Nothing was changed. "
                "Run the module with state present first, which installs it"
            )
        if HEALTH_UNIT in units:
            steps.append(Step(f"stop {HEALTH_UNIT}", _stop_follower))
        steps.append(Step(f"run {program.COMMAND} release", _release))
        steps += systemd.plan_no_units(HEALTH_UNITS)
    if os.path.exists(_NAMESPACE_FILE):
        steps.append(Step(f"remove the network namespace {NAMESPACE}", _remove_namespace))
    steps += files.plan_removal([CONFIGURATION, FIFO, PENDING, HEALTH])
    return steps + (program.plan_removal(HEALTH_UNITS) if steps else [])


def _check(health: Health, check_mode: bool) -> None:
    """Refuse what keepalived refuses, and what it would only log."""
    text = configuration(health, _example(health))
    missing = [name for name in ("keepalived", *_programs(health)) if not is_installed(name)]
    if missing and not check_mode:
        package = "keepalived" if "keepalived" in missing else missing[0]
        raise IpvsUnavailableError(
            f"{missing[0]} is not on this machine, and nothing was changed. "
            + (f"Install the package {package}" if package in ("keepalived", "openssl") else "A check of type command runs it")
        )
    if "keepalived" not in missing:
        test_configuration(text)


def _example(health: Health) -> dict[ServiceKey, list[DestinationKey]]:
    """Return a table on which every check runs: the destinations that are declared, and one more."""
    return {
        rules.key: [*rules.destinations, *([DestinationKey(_ANY[rules.key.family], rules.key.port)] if rules.checks else [])]
        for rules in health.rules
    }


def _programs(health: Health) -> Iterator[str]:
    for check in _every_check(health):
        if check.type == "command":
            yield check.option("command")[0]
        elif check.option("verify"):
            yield "openssl"


def _every_check(health: Health) -> Iterator[Check]:
    for rules in health.rules:
        for checks in (rules.checks, *rules.destinations.values()):
            yield from checks


def _release() -> None:
    done = run(program.COMMAND, "release", timeout=_PATIENCE)
    if done.code:
        reason = "\n".join(filter(None, (done.output.strip(), done.errors.strip()))) or f"exit status {done.code}"
        raise IpvsUnavailableError(f"{program.COMMAND} release failed, and nothing after it was done: {reason}")


def _remove_namespace() -> None:
    must_run("ip", "netns", "delete", NAMESPACE)


def _stop_follower() -> None:
    systemd.systemctl("stop", HEALTH_UNIT)
