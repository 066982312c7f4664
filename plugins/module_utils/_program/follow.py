# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""``follow``: hold destinations whose health checks fail, and bring them back.

keepalived's checkers keep a table of their own, the shadow, in another network namespace. There a destination has weight 0 while its
checks fail. A round compares the shadow with the table in service, and changes what differs. It comes every second, and at once when
keepalived rings. The follower keeps nothing that the next one could not find out: it may be killed at any moment.

Most rounds read the shadow only. The table in service is read when the shadow or the declaration has changed, while a destination waits
to come back, and every few seconds.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._apply import preflight, transaction
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge_locked
from ansible_collections.lvs.director.plugins.module_utils._boot.journal import Journal
from ansible_collections.lvs.director.plugins.module_utils._health.configuration import FIFO, NAMESPACE, configuration
from ansible_collections.lvs.director.plugins.module_utils._health.decide import SORRY, Decision, UpTimes, decide, share_after
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._kernel.namespace import inside
from ansible_collections.lvs.director.plugins.module_utils._machine.health import put_configuration
from ansible_collections.lvs.director.plugins.module_utils._machine.health_reasons import Failing, reasons_of
from ansible_collections.lvs.director.plugins.module_utils._machine.health_units import CHECKS_UNIT
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsError
from ansible_collections.lvs.director.plugins.module_utils._model.health import Health, HealthRules
from ansible_collections.lvs.director.plugins.module_utils._model.table import DestinationKey, Entry, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist import quiescent, quiescent_steps
from ansible_collections.lvs.director.plugins.module_utils._persist.health import HEALTH, read_health
from ansible_collections.lvs.director.plugins.module_utils._program import machine

if TYPE_CHECKING:
    from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel

_INTERVAL = 1.0
# Seconds after which the table in service is read in any case.
_TABLE = 5.0
# What the first change needs, which a failure should not wait for.
_LOADED = (preflight, transaction, quiescent_steps)
# keepalived rings before its change, and more servers may fail in the same moment.
_SETTLE = 0.05

Weights = Mapping[ServiceKey, Mapping[DestinationKey, int]]
Up = Mapping[ServiceKey, Mapping[DestinationKey, bool]]
UpFor = Mapping[ServiceKey, Mapping[DestinationKey, float]]  # seconds


class Followed(NamedTuple):
    """A service with checks: what is declared, and the table's entry."""

    rules: HealthRules
    entry: Entry


class Decided(NamedTuple):
    """A service, and what is to be done to its destinations."""

    entry: Entry
    decision: Decision


class Follower:
    """Compares the checks with the table."""

    def __init__(
        self,
        kernel: IpvsKernel,
        journal: Journal,
        *,
        configure: Callable[[Health, Mapping[ServiceKey, list[DestinationKey]]], None],
        reasons: Callable[[list[Failing]], Mapping[Failing, str]],
    ) -> None:
        """:param configure: has the destinations checked that a table has.
        :param reasons: returns why checks fail, as far as it is known.
        """
        self._kernel = kernel
        self._journal = journal
        self._configure = configure
        self._reasons = reasons
        self._up = UpTimes()
        self._kept: dict[ServiceKey, tuple[DestinationKey, ...]] = {}
        self._last: Optional[tuple[Health, Weights]] = None
        self._read_at = float("-inf")
        self._waiting = False
        self._problem = ""

    def round(self, health: Health, shadow: Weights, now: float) -> None:
        """Compare once.

        :param shadow: the weights in keepalived's table.
        :param now: seconds of a monotonic clock.
        """
        unchanged = self._last is not None and self._last[0] is health and self._last[1] == shadow
        self._last = health, shadow
        up = {rules.key: {key: weight > 0 for key, weight in shadow.get(rules.key, {}).items()} for rules in health.rules}
        up_for = {key: self._up.see(key, found, now) for key, found in up.items()}
        if unchanged and not self._waiting and now - self._read_at < _TABLE:
            return
        self._read_at = now
        followed = self._followed(health)
        self._configured(health, followed)
        if not any(self._decided(each, up, up_for) for each in followed) and not _others_held(health) and not _rising(followed):
            self._note_kept(followed, up, up_for)
            return
        with self._kernel.lock(exclusive=True):
            followed = self._followed(health)
            decided = [
                Decided(each.entry, decide(each.rules, each.entry.destinations, up[each.rules.key], up_for[each.rules.key]))
                for each in followed
            ]
            slow = {each.rules.key: each.rules.slow_start for each in followed}
            self._explain(self._carry_out([each for each in decided if each.decision.hold or each.decision.release], slow))
            self._raise_shares(followed)
            self._release_others(health)
        self._note_kept(self._followed(health), up, up_for)

    def _followed(self, health: Health) -> list[Followed]:
        table = {each.entry.service.key: each.entry for each in self._kernel.read_table(counters=False, only=[r.key for r in health.rules])}
        return [Followed(rules, table[rules.key]) for rules in health.rules if rules.key in table]

    def _configured(self, health: Health, followed: Iterable[Followed]) -> None:
        try:
            self._configure(health, {each.rules.key: [one.key for one in each.entry.destinations] for each in followed})
            self._problem = ""
        except IpvsError as exc:
            if str(exc) != self._problem:
                self._problem = str(exc)
                self._journal.problem(f"The checks go on with their former destinations: {exc}")

    @staticmethod
    def _decided(each: Followed, up: Up, up_for: UpFor) -> bool:
        key = each.rules.key
        decision = decide(each.rules, each.entry.destinations, up[key], up_for[key])
        return bool(decision.hold or decision.release)

    def _carry_out(self, decided: list[Decided], slow: Mapping[ServiceKey, float]) -> list[Decided]:
        """Change all at once, and return what was done: a host that dies may be in each of a thousand services."""
        if not decided:
            return []
        try:
            _change(self._kernel, {entry.service.key: _changes(decision, slow[entry.service.key]) for entry, decision in decided})
        except IpvsError as exc:
            if len(decided) > 1:
                # Perhaps because of one of them.
                return [each for one in decided for each in self._carry_out([one], slow)]
            self._journal.problem(f"{exc}. Service {decided[0].entry.service.key} stays as it is for now")
            return []
        return decided

    def _explain(self, done: list[Decided]) -> None:
        """Say what was done and why. keepalived's journal is read only now, when nothing waits for it."""
        failing = [Failing(entry.service.key, name) for entry, decision in done for name, text in decision.hold.items() if text != SORRY]
        known = self._reasons(failing) if failing else {}
        reasons = {
            Failing(entry.service.key, name): known.get(Failing(entry.service.key, name)) or text
            for entry, decision in done
            for name, text in decision.hold.items()
        }
        _keep(reasons)
        for entry, decision in done:
            key = entry.service.key
            weights = {each.key: each.weight for each in entry.destinations}
            for name in decision.hold:
                reason = reasons[Failing(key, name)]
                self._journal.warning(f"{name} of service {key} is held, with weight {weights[name]} to come back with: {reason}")
            for name in decision.release:
                why = ", although its health check fails: too few others are left" if name in decision.kept else ""
                self._journal.warning(f"{name} of service {key} is back with weight {weights[name]}{why}")

    def _raise_shares(self, followed: Iterable[Followed]) -> None:
        """Give destinations that come back in steps their next share."""
        for key, shares in _rising(followed).items():
            try:
                _change(self._kernel, {key: {name: {"share": share} for name, share in shares.items()}})
            except IpvsError as exc:
                self._journal.problem(f"{exc}. Service {key} stays as it is for now")

    def _release_others(self, health: Health) -> None:
        release(self._kernel, self._journal, keep=[rules.key for rules in health.rules])

    def _note_kept(
        self,
        followed: Iterable[Followed],
        up: Mapping[ServiceKey, Mapping[DestinationKey, bool]],
        up_for: Mapping[ServiceKey, Mapping[DestinationKey, float]],
    ) -> None:
        self._waiting = False
        for rules, entry in followed:
            decision = decide(rules, entry.destinations, up[rules.key], up_for[rules.key])
            self._waiting |= any(each.held and up[rules.key].get(each.key) for each in entry.destinations)
            self._waiting |= bool(rules.slow_start) and any(each.share != 100 for each in entry.destinations)
            if decision.kept != self._kept.get(rules.key, ()):
                self._kept[rules.key] = decision.kept
                for name in decision.kept:
                    self._journal.problem(
                        f"{name} of service {rules.key} fails its health check, and stays in service: {decision.least} must be left "
                        "(min_available), and no others are up"
                    )


def _others_held(health: Health) -> bool:
    """Return whether a destination is held whose service has no checks any more."""
    names = {str(rules.key) for rules in health.rules}
    return any(mark.held for service, marks in quiescent.read().destinations.items() if service not in names for mark in marks.values())


def release(kernel: IpvsKernel, journal: Journal, keep: Iterable[ServiceKey] = ()) -> None:
    """Bring all held destinations back, except those of some services; forget those that do not exist any more.

    The caller holds the lock.
    """
    kept = {str(key) for key in keep}
    marks = quiescent.read()
    names = {service for service, found in marks.destinations.items() if service not in kept and any(mark.held for mark in found.values())}
    if not names:
        return
    for observed in kernel.read_table(counters=False):
        entry = observed.entry
        if str(entry.service.key) in names:
            held = [each.key for each in entry.destinations if each.held]
            if held:
                _change(kernel, {entry.service.key: {name: {"held": False} for name in held}})
                for name in held:
                    journal.note(f"{name} of service {entry.service.key} is back: it is not checked any more")
    # Destinations that another program has deleted, or given a weight.
    left = quiescent.read()
    forgotten = {
        service: {name: mark._replace(held=None) for name, mark in found.items() if mark.drained or mark.share != 100}
        if service in names
        else found
        for service, found in left.destinations.items()
    }
    quiescent.write(left._replace(destinations={service: found for service, found in forgotten.items() if found}))


def _changes(decision: Decision, slow_start: float) -> dict[DestinationKey, dict[str, Any]]:
    back = {"held": False, "share": share_after(slow_start, 0.0)}
    return {**{name: {"held": True, "share": 100} for name in decision.hold}, **dict.fromkeys(decision.release, back)}


def _rising(followed: Iterable[Followed]) -> dict[ServiceKey, dict[DestinationKey, int]]:
    """Return the destinations that came back with a share of their weight, and are due for a greater one."""
    found: dict[ServiceKey, dict[DestinationKey, int]] = {}
    marks: Optional[quiescent.Marks] = None
    for rules, entry in followed:
        for each in entry.destinations if rules.slow_start else ():
            if each.share == 100 or each.held or each.drained:
                continue
            marks = marks or quiescent.read()
            mark = marks.mark(rules.key, each.key)
            share = share_after(rules.slow_start, time.time() - ((mark.since if mark else None) or 0.0))
            if share > each.share:
                found.setdefault(rules.key, {})[each.key] = share
    return found


def _change(kernel: IpvsKernel, changes: Mapping[ServiceKey, Mapping[DestinationKey, Mapping[str, Any]]]) -> None:
    """Change destinations on the way of any task. The caller holds the lock."""
    services = []
    for key, fields in changes.items():
        destinations = tuple(DesiredDestination("", 0, name, Given(given)) for name, given in fields.items())
        services.append(DesiredService("", key, Given(), must_exist=True, destinations=destinations, ordered=False, strict=False))
    converge_locked(kernel, DesiredTable(tuple(services)), check_mode=False)


def _keep(reasons: Mapping[Failing, str]) -> None:
    """Keep why destinations are held."""
    if not reasons:
        return
    marks = quiescent.read()
    for (key, name), reason in reasons.items():
        mark = marks.mark(key, name)
        if mark and mark.held:
            marks = marks.with_mark(key, name, mark._replace(held=mark.held._replace(reason=reason)))
    quiescent.write(marks)


def follow() -> int:
    """Follow the checks until stopped."""
    journal = machine.journal()
    problem = ""
    with machine.kernel(load=False) as kernel, _bell() as bell:
        follower = Follower(kernel, journal, configure=_Configured(), reasons=lambda failing: reasons_of(CHECKS_UNIT, failing))
        declared = _Declared()
        while True:
            try:
                with open_shadow() as shadow:
                    problem = ""
                    while True:
                        health = declared.read()
                        follower.round(health, weights_of(shadow), time.monotonic())
                        _wait(bell)
            except IpvsError as exc:
                # The table stays as it is.
                if str(exc) != problem:
                    problem = str(exc)
                    journal.problem(f"{problem}. Nothing is held or brought back until this works again")
                time.sleep(_INTERVAL)


class _Configured:
    """Has keepalived check the destinations that a table has."""

    def __init__(self) -> None:
        self._last: object = None

    def __call__(self, health: Health, table: Mapping[ServiceKey, list[DestinationKey]]) -> None:
        if (health, table) != self._last:
            put_configuration(configuration(health, table))
            self._last = health, table


class _Declared:
    """The declaration; read again when the file has changed."""

    def __init__(self) -> None:
        self._seen: Optional[tuple[int, int]] = None
        self._health = Health(())

    def read(self) -> Health:
        with contextlib.suppress(FileNotFoundError):
            found = os.stat(HEALTH)
            seen = found.st_mtime_ns, found.st_ino
            if seen != self._seen:
                self._health = read_health() or Health(())
                self._seen = seen
            return self._health
        self._seen, self._health = None, Health(()) if self._health.rules else self._health
        return self._health


@contextlib.contextmanager
def open_shadow() -> Iterator[IpvsKernel]:
    """Open keepalived's table during the block."""
    with inside(NAMESPACE):
        kernel = NetlinkKernel()
    with closing(kernel):
        yield kernel


def weights_of(shadow: IpvsKernel) -> Weights:
    return {
        observed.entry.service.key: {each.key: each.weight for each in observed.entry.destinations}
        for observed in shadow.read_table(counters=False)
    }


@contextlib.contextmanager
def _bell() -> Iterator[int]:
    """Open the FIFO on which keepalived rings, and make it first: keepalived removes one that it has made itself."""
    os.makedirs(os.path.dirname(FIFO), mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.mkfifo(FIFO, 0o600)
    bell = os.open(FIFO, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        yield bell
    finally:
        os.close(bell)


def _wait(bell: int) -> None:
    """Wait for the next round."""
    if select.select([bell], [], [], _INTERVAL)[0]:
        time.sleep(_SETTLE)
        with contextlib.suppress(BlockingIOError):
            while os.read(bell, 65536):
                pass
