# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Word an error about a task's options: name the service and the destination that it is about, and add a hint.

An error has the option's path, ``services[73].destinations[3].weight``. Everything else comes from the options as they were given,
when the task has failed: a task without an error neither imports this nor pays for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._model.desired import at
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._options.common import Params, Spec
from ansible_collections.lvs.director.plugins.module_utils._options.hints import hint_for_options, hint_for_value
from ansible_collections.lvs.director.plugins.module_utils._options.table import TABLE_SERVICE_SPEC, checked, dictionary, unpacked

_PART = re.compile(r"([a-z_]+)(?:\[([0-9]+)\])?")
# A warning begins with a path, too.
_PATH = re.compile(r"(?:services|destinations)\[[0-9]+\][^:]*")
_LONGEST = 60  # characters of a name
# Lists whose items have names: those of ``scope`` are ranges.
_NAMED = ("services", "destinations")


class _Part(NamedTuple):
    text: str
    name: str
    listed: bool
    value: Any
    rule: Mapping[str, Any]


class Words:
    """Words for the errors of one task."""

    def __init__(self, given: Params, spec: Spec) -> None:
        """Keep a task's options as they were given, and their spec."""
        self._given = given
        self._spec = spec
        self._services: Optional[list[Any]] = None

    def error(self, exc: IpvsInputError) -> str:
        """Return the message of an error."""
        parts = list(self._parts(exc.path))
        text = self._named(str(exc), exc.path, parts)
        if exc.options:
            return text + hint_for_options(parts[-1].value if parts else self._given, list(exc.options))
        if parts:
            last = parts[-1]
            text += hint_for_value(last.name, last.value, last.rule, self._options(last.name, last.rule))
        return text

    def warning(self, text: str) -> str:
        """Return a warning. Not every one begins with a path."""
        found = _PATH.match(text)
        return self._named(text, found[0], list(self._parts(found[0]))) if found else text

    @staticmethod
    def _named(text: str, path: str, parts: list[_Part]) -> str:
        names = [
            f"{part.text} ({name})" if part.listed and part.name in _NAMED and (name := _name(part.value)) else part.text for part in parts
        ]
        return ".".join(names) + text[len(path) :]

    def _parts(self, path: str) -> Iterator[_Part]:
        values: Any = self._given
        options = self._spec
        for found in _PART.finditer(path):
            name, index = found.groups()
            rule = options.get(name, {})
            value = values.get(name) if isinstance(values, dict) else None
            if index is not None:
                items = self._unpacked(value) if name == "services" else value
                value = items[int(index)] if isinstance(items, list) and int(index) < len(items) else None
            yield _Part(found[0], name, index is not None, value, rule)
            values, options = value, self._options(name, rule)

    def _unpacked(self, services: Any) -> list[Any]:
        if self._services is None:
            try:
                self._services = list(unpacked(services or ()))
            except IpvsInputError:
                self._services = []
        return self._services

    @staticmethod
    def _options(name: str, rule: Mapping[str, Any]) -> Spec:
        # AnsibleModule does not know them: see ``table``.
        options: Spec = rule.get("options") or (TABLE_SERVICE_SPEC if name == "services" else {})
        return options


def _name(values: Any) -> str:
    """Return a name for an entry as it was given, whatever that is; empty if it has none."""
    if not isinstance(values, dict):
        return ""
    fwmark, family, protocol, address, port = (values.get(option) for option in ("fwmark", "family", "protocol", "address", "port"))
    if fwmark is not None:
        words = ["fwmark", fwmark, family]
    else:
        end = f"[{address}]" if port is not None and ":" in str(address) else address
        words = [protocol, end if port is None else f"{'port ' if address is None else f'{end}:'}{port}"]
    text = " ".join(str(word) for word in words if word is not None)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."


def fault(given: Params, spec: Spec, path: str = "") -> Optional[IpvsInputError]:
    """Return what is wrong with options that AnsibleModule refuses, in the words of ``ipvs_table``; None if only AnsibleModule knows.

    :param spec: the options, not the other arguments of AnsibleModule.
    :param path: where they are in the task.
    """
    try:
        _judge(path, given, spec)
    except IpvsInputError as exc:
        return exc
    except KeyError:  # a type of option that only other modules have
        pass
    return None


def _judge(path: str, given: Any, spec: Spec) -> None:
    values = checked(path, given, spec, strict=True)
    for option, rule in spec.items():
        inner, value = rule.get("options"), values[option]
        if rule.get("elements") == "dict" and value is not None:
            for index, item in enumerate(value):
                place = f"{at(path, option)}[{index}]"
                if inner:
                    _judge(place, item, inner)
                else:
                    dictionary(place, item)
        elif inner and value is not None:
            _judge(at(path, option), value, inner)
