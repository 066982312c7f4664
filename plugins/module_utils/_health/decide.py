# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Decide what the health checks of a service do to its destinations. Pure: no I/O, no clock.

A decision depends on the present only: what the checks find now, what the table is to have, and for how long each destination has been
up. So a follower that was killed, or comes late, decides the same.

- A destination whose check fails is held, unless too few would be left.
- One that is up again comes back after ``recover_after`` seconds without interruption; at once if too few are left.
- If too few are up, failing ones stay in: first those that are in, in the order of the table.
- A sorry server is held while any other destination is up.
- One that the checks say nothing of stays as it is: keepalived is starting, reloading or dead.
- One that is not checked (any more) is not held.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._model.health import HealthRules
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey

FAILS = "its health check fails"
SORRY = "it is a sorry server, and other destinations are up"


class Decision(NamedTuple):
    """The destinations to hold, each with the reason, and those to bring back; and those that fail, but stay in."""

    hold: Mapping[DestinationKey, str]
    release: tuple[DestinationKey, ...]
    kept: tuple[DestinationKey, ...]
    least: int  # of destinations that must be in service


def decide(
    rules: HealthRules, destinations: Sequence[Destination], up: Mapping[DestinationKey, bool], up_for: Mapping[DestinationKey, float]
) -> Decision:
    """Decide for one service.

    :param destinations: as the table is to have them, with those marked that are drained or held.
    :param up: what the checks say, of those of which they say something.
    :param up_for: for how many seconds destinations have been up without interruption.
    """
    ordinary = [each for each in destinations if each.key not in rules.sorry]
    checked = {each.key for each in destinations if rules.checks_of(each.key)}
    down = {key for key in checked if up.get(key) is False}
    # In service, if everything is well.
    capable = [each for each in ordinary if each.weight and not each.drained]
    sorry = [each for each in destinations if each.key in rules.sorry and each.weight and not each.drained and each.key not in down]
    least = _least(rules, len(capable))

    held = {each.key for each in ordinary if each.held}
    held -= {key for key in held if key not in checked or (up.get(key) and up_for.get(key, 0.0) >= rules.recover_after)}
    held |= down & {each.key for each in ordinary}
    left = [each for each in capable if each.key not in held]
    # Those that are up first, then failing ones that are in, then failing ones. Stable, so in the order of the table.
    spare = sorted((each for each in capable if each.key in held), key=lambda each: (each.key in down, each.held))
    lacking = least - len(left)
    if not left and sorry and (lacking <= len(sorry) or all(each.key in down for each in spare)):
        # Otherwise, one that is up comes back, and the sorry servers go.
        lacking -= len(sorry)
    held -= {each.key for each in spare[: max(0, lacking)]}
    well = [each for each in capable if each.key not in held and each.key not in down]
    held |= {each.key for each in destinations if each.key in rules.sorry and (well or each.key in down)}
    return Decision(
        {each.key: FAILS if each.key in down else SORRY for each in destinations if each.key in held and not each.held},
        tuple(each.key for each in destinations if each.held and each.key not in held),
        tuple(each.key for each in capable if each.key in down and each.key not in held),
        least,
    )


def _least(rules: HealthRules, capable: int) -> int:
    if rules.min_available_percent:
        return -(-rules.min_available * capable // 100)
    return min(rules.min_available, capable)


def share_after(slow_start: float, seconds: float) -> int:
    """Return the share of its weight, in percent, that a destination has some seconds after it came back: a tenth more each time."""
    return 100 if seconds >= slow_start else 10 + int(9 * max(seconds, 0.0) / slow_start) * 10


class UpTimes:
    """For how long destinations have been up without interruption."""

    def __init__(self) -> None:
        self._since: dict[tuple[object, DestinationKey], float] = {}

    def see(self, service: object, up: Mapping[DestinationKey, bool], now: float) -> dict[DestinationKey, float]:
        """Take note of what the checks say of a service, and return the seconds for each that is up."""
        known = {key: self._since.get((service, key), now) for key, well in up.items() if well}
        self._forget(service, known)
        self._since.update({(service, key): since for key, since in known.items()})
        return {key: now - since for key, since in known.items()}

    def _forget(self, service: object, known: Iterable[DestinationKey]) -> None:
        kept = set(known)
        for name in [name for name in self._since if name[0] == service and name[1] not in kept]:
            del self._since[name]
