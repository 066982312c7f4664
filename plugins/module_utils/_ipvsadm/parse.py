# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Compute the kernel's table after a list of ipvsadm command lines.

Each command acts as in the kernel: an added destination becomes the first, and an edited one keeps its place. Options missing from
a line are reset, because ipvsadm always sends complete entries. Values pass the same checks as the modules' options.
"""

from __future__ import annotations

import re
from typing import Any, Optional, cast

from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.lexer import Line, rule_lines, rule_words, split_command
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.options import OPTIONS
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.rule import Rule
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Entry, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._options.common import SERVICE_KEY_SPEC, service_key
from ansible_collections.lvs.director.plugins.module_utils._options.destination import (
    desired_from_destination_module,
    destination_module_spec,
)
from ansible_collections.lvs.director.plugins.module_utils._options.entries import new_entry, with_defaults
from ansible_collections.lvs.director.plugins.module_utils._plan.service import Merger, plan_entry

_WORDS = {option.sets: option.word for option in OPTIONS if option.sets}
_OPTION = re.compile(rf"\b({'|'.join(_WORDS)})\b")


def parse_rules(text: str, *, strict: bool = True, warnings: Optional[list[str]] = None) -> list[Entry]:
    """Return the services that the rules make, with destinations in scheduling order.

    :param text: output of ``ipvsadm -S``, input of ``ipvsadm -R``, or the ``ipvsadm`` lines of a script.
    :param strict: parse as ``ipvsadm -R`` would. Otherwise, accept what ``-S`` prints of a table that ``-R`` cannot make.
    :param warnings: receives what strict would refuse.
    :raises IpvsInputError: a line is wrong. The message has the line, its number, and the reason.
    """
    table = _Table(strict, warnings)
    for line in rule_lines(text):
        try:
            command, given = split_command(rule_words(line))
            table.follow(line, Rule(command, given))
        except IpvsInputError as exc:
            raise IpvsInputError("", f"{line}: {exc}") from None
    return list(table.entries.values())


def _in_words_of_ipvsadm(exc: IpvsInputError, rule: Rule) -> IpvsInputError:
    """Add ipvsadm's option names to an error of the modules' checks."""
    text = str(exc)
    word = rule.word_of(exc.path)
    if word:
        text = word + text.removeprefix(exc.path)
    return IpvsInputError("", _OPTION.sub(lambda found: f"{_WORDS[found[0]]} ({found[0]})", text))


class _Table:
    """The kernel's table, as far as the rules define it."""

    def __init__(self, strict: bool, warnings: Optional[list[str]]) -> None:
        self.entries: dict[ServiceKey, Entry] = {}
        self._origins: dict[tuple[ServiceKey, Optional[DestinationKey]], Line] = {}
        self._strict = strict
        self._warnings = warnings

    def follow(self, line: Line, rule: Rule) -> None:
        """Apply a line.

        :raises IpvsInputError: the kernel would refuse it.
        """
        if rule.command == "clear":
            self.entries.clear()
            return
        try:
            if rule.about_service:
                self._change_service(line, rule)
            else:
                self._change_destination(line, rule)
        except IpvsInputError as exc:
            raise _in_words_of_ipvsadm(exc, rule) from None

    def _change_service(self, line: Line, rule: Rule) -> None:
        if rule.command == "delete-service":
            del self.entries[self._existing(service_key("", with_defaults(SERVICE_KEY_SPEC, rule.key)))]
            return
        entry = self._new_entry({**rule.key, **rule.values})
        key = entry.service.key
        if rule.command == "edit-service":
            entry = entry._replace(destinations=self.entries[self._existing(key)].destinations)
        elif key in self.entries:
            raise IpvsInputError("", f"service {key} already exists, added by {self._origins[key, None]}; -E edits one")
        else:
            self._origins[key, None] = line
        self.entries[key] = entry

    def _new_entry(self, values: dict[str, Any]) -> Entry:
        if "persistence_netmask" in values and "persistence_timeout" not in values:
            # ipvsadm checks the netmask, but the kernel drops it.
            new_entry({**values, "persistence_timeout": 1}, strict=False)
            values = {option: value for option, value in values.items() if option != "persistence_netmask"}
        return new_entry(values, strict=self._strict, warnings=self._warnings)

    def _change_destination(self, line: Line, rule: Rule) -> None:
        state = "absent" if rule.command == "delete-server" else "present"
        values = {"service": rule.key, **rule.values, "state": state, "strict": self._strict}
        params = with_defaults(destination_module_spec()["argument_spec"], values)
        (desired,) = desired_from_destination_module(params).services
        (listed,) = desired.destinations or ()
        destination = listed.key._replace(port=desired.key.port) if self._strict and rule.has_port_of_service else listed.key
        desired = desired._replace(destinations=(listed._replace(key=destination),))
        entry = self.entries[self._existing(desired.key)]
        exists = entry.destination(destination) is not None
        if rule.command == "add-server":
            if exists:
                origin = self._origins[desired.key, destination]
                raise IpvsInputError("", f"{desired.key} has destination {destination} already, added by {origin}; -e edits one")
            self._origins[desired.key, destination] = line
        elif not exists:
            raise IpvsInputError("", f"{desired.key} has no destination {destination} at this point: -a adds one")
        if rule.command == "edit-server":
            # Options missing from the line are reset.
            fresh = tuple(Destination(destination) if other.key == destination else other for other in entry.destinations)
            entry = entry._replace(destinations=fresh)
        # The rule names a destination.
        self.entries[desired.key] = cast(Entry, plan_entry(entry, desired, Merger(self._warnings)))

    def _existing(self, key: ServiceKey) -> ServiceKey:
        if key not in self.entries:
            raise IpvsInputError("", f"there is no service {key} at this point: -A adds one")
        return key
