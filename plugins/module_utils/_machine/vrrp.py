# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""VRRP with the distribution's keepalived: it decides which director of a group has the virtual addresses.

Our configuration is a separate file, conf.d/ipvs_director.conf, which keepalived.conf includes. A foreign keepalived.conf is never
changed: it has to include the file itself. ``keepalived --config-test`` checks our file and the whole configuration before any
change.

keepalived starts after ipvs-director-ready.service, which fails on a director whose table was not restored: that director does not
become master.

The switch to keepalived and back is seamless. A director that has the addresses when keepalived starts, and hears no other master,
starts as their owner, and is an ordinary master a moment later. When VRRP is removed, addresses that stay are added again as soon as
keepalived removes them.
"""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._machine import addresses, files, systemd, vip
from ansible_collections.lvs.director.plugins.module_utils._machine.addresses import Links, Place
from ansible_collections.lvs.director.plugins.module_utils._machine.command import is_installed, run
from ansible_collections.lvs.director.plugins.module_utils._machine.program import COMMAND
from ansible_collections.lvs.director.plugins.module_utils._machine.steps import Step
from ansible_collections.lvs.director.plugins.module_utils._machine.vrrp_advertisements import with_master
from ansible_collections.lvs.director.plugins.module_utils._machine.vrrp_configuration import MARK, OURS, Instance, configuration
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

MAIN = "/etc/keepalived/keepalived.conf"
UNIT = "keepalived.service"
READY_UNIT = "ipvs-director-ready.service"
DROP_IN = f"{UNIT}.d/ipvs_director.conf"

_MAIN_TEXT = f"{MARK}. What is added here stays\ninclude {OURS}\n"
_DROP_IN_TEXT = """\
{mark}
[Unit]
# A director whose table was not restored does not become master.
Requires={ready}
After={ready} ipvs-director.service ipvs-director-network.service
{stop}
[Service]
Restart=on-failure
"""
_STOP = "# Stopping ipvs-director.service clears the table.\nPartOf=ipvs-director.service\n"
# A restart of ipvs-director.service must not stop keepalived, so this unit does not stay active: each start checks again.
_READY_TEXT = """\
{mark}
[Unit]
Description=Whether this director may have the virtual addresses
Documentation=https://example.org/lvs/director
Wants=ipvs-director.service
After=ipvs-director.service ipvs-director-network.service

[Service]
Type=oneshot
ExecStart={command} ready{options}
"""
# Seconds to wait for keepalived. It takes some milliseconds, more on a busy machine.
_PATIENCE = 10.0
_PAUSE = 0.01


class Units(NamedTuple):
    """How the units behave."""

    allow_fallback: bool  # a director may become master with the fallback scheduler
    stop_with_table: bool  # keepalived stops when ipvs-director.service does

    def files(self) -> dict[str, str]:
        """Return the texts of the unit and the drop-in."""
        options = "" if self.allow_fallback else " --refuse-fallback"
        return {
            READY_UNIT: _READY_TEXT.format(mark=MARK, command=COMMAND, options=options),
            DROP_IN: _DROP_IN_TEXT.format(mark=MARK, ready=READY_UNIT, stop=_STOP if self.stop_with_table else ""),
        }


def plan(instances: Sequence[Instance], units: Units, *, check_mode: bool) -> list[Step]:
    """Return the steps that make keepalived run these instances.

    :raises IpvsUnavailableError: keepalived is missing, refuses the configuration, or has a foreign one that does not include ours.
    """
    text = configuration(instances)
    steps = _plan_main()
    installed = is_installed("keepalived")
    # In a real run, an earlier task installs it.
    if not installed and not check_mode:
        raise IpvsUnavailableError("keepalived is not on this machine. Install the package keepalived")
    active = systemd.states([UNIT])[UNIT].active
    changed = files.content(OURS) != text
    if changed and installed:
        _test(text)
    claimed = _claimed(instances) if changed or not active else []
    steps += files.plan({OURS: text})
    steps += systemd.plan_units(units.files(), [])
    start = systemd.plan_units({}, [UNIT])
    if claimed:
        verb = "reload" if active else "start"
        words = f"{verb} {UNIT}, which keeps the addresses of {', '.join(each.name for each in claimed)}"
        # Instead of an ordinary start, which is the last step.
        steps += [*(start if active else start[:-1]), Step(words, partial(_claim, instances, claimed, verb))]
    else:
        steps += [Step(f"reload {UNIT}", partial(_systemctl, "reload"))] if changed and active else []
        steps += start
    return steps or _plan_leftovers(instances)


def plan_absent() -> list[Step]:
    """Return the steps that remove our instances from keepalived. Addresses that are saved for the next boot stay."""
    ours = [OURS, *(os.path.join(systemd.DIRECTORY, name) for name in (DROP_IN, READY_UNIT))]
    if not any(map(os.path.lexists, ours)):
        return []
    keep = [place for place in map(_place, vip.saved()) if place in addresses.read().places]
    active = systemd.states([UNIT])[UNIT].active
    if _is_ours_alone():
        steps = [Step(f"stop and disable {UNIT}", partial(_let_go, "stop", keep))] if active else []
        steps += files.plan_removal([MAIN, OURS])
    else:
        steps = files.plan_removal([OURS])
        steps += [Step(f"reload {UNIT}", partial(_let_go, "reload", keep))] if active else []
    # Last: while they exist, the next run completes one that was killed. Not stopped: that would stop keepalived.
    return [*steps, *files.plan_removal(ours[1:]), Step("have systemd forget them", lambda: _systemctl("daemon-reload", unit=""))]


def includes_ours(text: str) -> bool:
    """Return whether a keepalived.conf includes our file."""
    patterns = re.findall(r"^\s*include[a-z]*\s+(\S+)", text, re.MULTILINE)
    return any(fnmatch.fnmatch(OURS, os.path.join(os.path.dirname(MAIN), pattern.strip("\"'"))) for pattern in patterns)


def _plan_main() -> list[Step]:
    text = files.content(MAIN)
    if text is None:
        return files.plan({MAIN: _MAIN_TEXT})
    if not includes_ours(text):
        raise IpvsUnavailableError(
            f"{MAIN} is not this collection's, and does not include {OURS}. Nothing was changed. Add the line 'include {OURS}' to it, or "
            "remove it if nobody needs it"
        )
    return []


def _is_ours_alone() -> bool:
    others = [path for path in glob.glob(os.path.join(os.path.dirname(OURS), "*")) if path != OURS]
    return not others and files.content(MAIN) in (None, _MAIN_TEXT)


def _test(text: str) -> None:
    """Let keepalived check our file, alone and with the rest, before it is installed."""
    with tempfile.TemporaryDirectory(prefix="ipvs_director-") as folder:
        alone = os.path.join(folder, "alone.conf")
        files.write(alone, text)
        _test_file(alone, "keepalived refuses the VRRP instances")
        source, copy = os.path.dirname(MAIN), os.path.join(folder, "keepalived")
        if files.content(MAIN) is None:
            return
        shutil.copytree(source, copy, ignore_dangling_symlinks=True)
        files.write(copy + OURS[len(source) :], text)
        for path in glob.glob(os.path.join(copy, "**", "*.conf"), recursive=True):
            found = files.content(path) or ""
            if f"{source}/" in found:
                files.write(path, found.replace(f"{source}/", f"{copy}/"))
        _test_file(os.path.join(copy, "keepalived.conf"), f"keepalived refuses the VRRP instances together with the rest of {source}")


def _test_file(path: str, refusal: str) -> None:
    done = run("keepalived", "--config-test", f"--use-file={path}")
    if done.code:
        reason = "; ".join(dict.fromkeys(filter(None, (line.strip() for line in (done.output + done.errors).splitlines()))))
        raise IpvsUnavailableError(f"{refusal}, and nothing was changed: {reason or f'exit status {done.code}'}")


def _claimed(instances: Sequence[Instance]) -> list[Instance]:
    """Return the instances whose addresses this director has, and that neither keepalived here nor another director manages."""
    links = addresses.read()
    candidates = [each for each in instances if each.marker not in links.places and not links.places.keys().isdisjoint(each.vips)]
    if not candidates:
        return []
    others = with_master(candidates)
    return [each for each in candidates if each not in others]


def _claim(instances: Sequence[Instance], claimed: Sequence[Instance], verb: str) -> None:
    """Start keepalived as master of these instances, then give it the permanent configuration."""
    files.write(OURS, configuration(instances, claimed))
    try:
        _systemctl(verb)
        _wait(lambda links: all(each.marker in links.places for each in claimed))
    finally:
        files.write(OURS, configuration(instances))
    _systemctl("reload")


def _plan_leftovers(instances: Sequence[Instance]) -> list[Step]:
    """Return the steps that remove addresses which keepalived did not add, on a director that is not their master."""

    def leftovers(links: Links) -> list[Place]:
        return [place for each in instances if each.marker not in links.places for place in each.vips if place in links.places]

    links = addresses.read()
    if leftovers(links):
        # keepalived may be about to remove them, or to become master.
        links = _wait(lambda links: not leftovers(links), 1.0)
    return [
        Step(f"remove {place.address} from {place.interface}, where keepalived is not master", partial(addresses.change, [place], []))
        for place in leftovers(links)
    ]


def _let_go(verb: str, keep: Sequence[Place]) -> None:
    """Stop or reload keepalived, and add these addresses again whenever it removes them."""
    if verb == "stop":
        _systemctl("disable", "--quiet")
    _systemctl(verb, "--no-block")

    def is_done(links: Links) -> bool:
        missing = [place for place in keep if place not in links.places]
        if missing:
            addresses.add_again(missing)
        return verb == "stop" and not missing and not systemd.states([UNIT])[UNIT].active

    _wait(is_done, _PATIENCE if verb == "stop" else 2.0)
    if verb == "stop":
        _systemctl("stop")


def _wait(is_done: Callable[[Links], bool], seconds: float = _PATIENCE) -> Links:
    """Read the addresses until they are as wanted, or a timeout, and return them."""
    deadline = time.monotonic() + seconds
    while True:
        links = addresses.read()
        if is_done(links) or time.monotonic() > deadline:
            return links
        time.sleep(_PAUSE)


def _place(values: dict[str, str]) -> Place:
    return Place(addresses.parse(values["address"]), values["interface"])


def _systemctl(verb: str, *options: str, unit: str = UNIT) -> None:
    if verb == "start":
        systemd.start(unit)
    else:
        systemd.systemctl(verb, *options, *filter(None, [unit]))
