# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Translate one ipvsadm command line to options of ipvs_service or ipvs_destination.

ipvsadm reads its options in order, and some mean something else before the service is named. This follows or refuses those.
Values are checked with the modules' options, not here.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterable
from typing import Any, Optional

from ansible_collections.lvs.director.plugins.module_utils._ipvsadm import options
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.lexer import Given
from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import parse_address

# ipvsadm's IPVS_SVC_PERSISTENT_TIMEOUT in seconds, for -p without a value. (The manual says 300.)
_PERSISTENCE_TIMEOUT = 360

_PROTOCOLS = {option: protocol for protocol, option in options.SERVICE_OPTIONS.items()}
_METHODS = {option: method for method, option in options.METHOD_OPTIONS.items()}
_TUNNEL_FLAGS = {option: flag for flag, option in options.TUNNEL_FLAG_OPTIONS.items()}
_NUMBERS = {options.WEIGHT, options.UPPER_THRESHOLD, options.LOWER_THRESHOLD, options.TUNNEL_PORT}

# The options in each group are mutually exclusive.
_ALTERNATIVES: tuple[set[options.Option], ...] = (set(_PROTOCOLS), set(_METHODS), set(_TUNNEL_FLAGS))


class Rule:
    """A parsed command line.

    :ivar key: options that name a service.
    :ivar values: the other options, of the service or destination that the command is about.
    """

    def __init__(self, command: Given, given: Iterable[Given]) -> None:
        """Read the options.

        :raises IpvsInputError: an option conflicts with the command or with another option, or a value is malformed.
        """
        self.command = command.option.name
        self.key: dict[str, Any] = {}
        self.values: dict[str, Any] = {}
        self._command = command
        self._service: Optional[Given] = None
        self._netmask_family: Optional[str] = None
        self._given: list[Given] = []
        for option in given:
            self._check(option)
            self._given.append(option)
            self._read(option)
        self._complete()

    @property
    def about_service(self) -> bool:
        """Whether the command is about a service rather than a destination."""
        return options.REAL_SERVER not in options.ALLOWED[self.command]

    @property
    def has_port_of_service(self) -> bool:
        """Whether ipvsadm overrides the destination's port with the service's, as it does for methods that do not rewrite ports."""
        adds = self.command in ("add-server", "edit-server")
        return adds and self.values.get("forward_method") != "masquerade" and "fwmark" not in self.key

    def word_of(self, path: str) -> str:
        """Return the ipvsadm option from which a key option was read, "" for others."""
        name = path.removeprefix("service.")
        if name not in ("protocol", "address", "port", "fwmark", "family"):
            return ""
        if self._service and (self.about_service or name != path):
            return self._service.word
        return options.REAL_SERVER.word

    def _check(self, given: Given) -> None:
        if given.option in options.COMMANDS:
            raise IpvsInputError("", f"{given.word} is a second command, after {self._command.word}: give each its line")
        if given.option not in options.ALLOWED[self.command]:
            reason = f": {given.option.elsewhere}" if given.option.elsewhere else ""
            raise IpvsInputError("", f"{given.word} does not go with {self._command.word}{reason}")
        alternatives = next((several for several in _ALTERNATIVES if given.option in several), {given.option})
        for other in self._given:
            if other.option in alternatives:
                raise IpvsInputError("", f"{given.word} after {other.word}: only one of them can be given, once")

    def _read(self, given: Given) -> None:
        option, value = given.option, given.value
        if option in _PROTOCOLS:
            self._read_service(given)
        elif option == options.IPV6:
            if "fwmark" not in self.key:
                raise IpvsInputError("", f"{given.word} is for a firewall mark and must follow its -f; addresses need none")
            self.key["family"] = "ipv6"
        elif option == options.REAL_SERVER:
            address, port = _address_and_port(given, self.key.get("protocol", "tcp") if self.key else None)
            # As in ipvsadm, the port defaults to the service's, if that is known by now.
            self.values.update(address=address, port=port if port is not None or self.key else 0)
        elif option in _METHODS:
            self.values["forward_method"] = _METHODS[option]
        elif option in _NUMBERS:
            self.values[option.sets] = _number(given)
        elif option in _TUNNEL_FLAGS:
            self.values["tunnel_flags"] = [_TUNNEL_FLAGS[option]]
        elif option == options.TUNNEL_TYPE:
            self.values[option.sets] = _choice(given, value, uapi.TUNNEL_TYPES)
        elif option == options.PERSISTENT:
            self.values[option.sets] = _number(given) if value else _PERSISTENCE_TIMEOUT
            if not self.values[option.sets]:
                raise IpvsInputError("", f"{given.word} 0: a service that is not persistent has no {given.word}")
        elif option == options.NETMASK:
            self._read_netmask(given)
        elif option == options.SCHEDULER_FLAGS:
            self.values[option.sets] = [_choice(given, word, uapi.SCHEDULER_FLAGS) for word in value.split(",") if word]
        elif option == options.ONE_PACKET:
            self.values[option.sets] = True
        else:  # scheduler or persistence engine
            self.values[option.sets] = value

    def _read_service(self, given: Given) -> None:
        self._service = given
        protocol = _PROTOCOLS[given.option]
        if protocol is None:
            self.key = {"fwmark": _fwmark(given)}
            return
        address, port = _address_and_port(given, protocol)
        self.key = {"protocol": protocol, "address": address, "port": port or 0}

    @property
    def _family(self) -> str:
        return "ipv6" if ":" in self.key.get("address", "") else self.key.get("family", "ipv4")

    def _read_netmask(self, given: Given) -> None:
        self._netmask_family = self._family
        self.values[given.option.sets] = given.value
        if self._family == "ipv6":
            if not re.fullmatch("[0-9]+", given.value):
                raise IpvsInputError("", f"{given.word}: {given.value!r} is not a prefix length from 1 to 128, which IPv6 needs here")
        elif not re.fullmatch(r"[0-9]+(\.[0-9]+){3}", given.value):
            # ipvsadm would take 24 for 0.0.0.24.
            raise IpvsInputError("", f"{given.word}: {given.value!r} is not a netmask like 255.255.255.0, which ipvsadm needs for IPv4")

    def _complete(self) -> None:
        if self.command == "clear":
            return
        if self._service is None:
            words = ", ".join(option.word for option in _PROTOCOLS)
            raise IpvsInputError("", f"{self._command.word} needs the service: give one of {words}")
        if self._netmask_family not in (None, self._family):
            word = options.NETMASK.word
            raise IpvsInputError(
                "", f"{word} precedes the option that makes the service {self._family}, and is lost in ipvsadm: put it last"
            )
        if self.about_service:
            return
        if "address" not in self.values:
            raise IpvsInputError("", f"{self._command.word} needs the real server: give {options.REAL_SERVER.word}")


def _number(given: Given) -> int:
    if not re.fullmatch(r"[+-]?[0-9]+", given.value):
        raise IpvsInputError("", f"{given.word}: {given.value!r} is not a number")
    return int(given.value)


def _fwmark(given: Given) -> int:
    mark = _number(given)
    if -(2**31) <= mark < 0:
        raise IpvsInputError("", f"{given.word}: {mark} is how ipvsadm -S prints the mark {mark + 2**32}, and -R refuses it: write that")
    return mark


def _choice(given: Given, word: str, choices: Iterable[str]) -> str:
    if word not in choices:
        raise IpvsInputError("", f"{given.word}: {word!r} is none of {', '.join(choices)}")
    return word


def _address_and_port(given: Given, protocol: Optional[str]) -> tuple[str, Optional[int]]:
    """Return an address and its port, None if there is none.

    :param protocol: used to look up a port name; None if not known at this point of the line.
    """
    text = given.value
    port: Optional[str] = None
    if text.startswith("["):
        address, bracket, rest = text[1:].partition("]")
        if not bracket or not rest.startswith(":") or ":" not in address:
            raise IpvsInputError("", f"{given.word}: {text!r} is not of the form [IPv6 address]:port")
        port = rest[1:]
    elif text.count(":") == 1:
        address, _colon, port = text.partition(":")
    else:
        address = text
    try:
        parse_address(address)
    except ValueError as exc:
        raise IpvsInputError("", f"{given.word}: {exc}. Names are not looked up: write the address, as ipvsadm -S -n does") from exc
    return address, None if port is None else _port(given, port, protocol)


def _port(given: Given, text: str, protocol: Optional[str]) -> int:
    if re.fullmatch(r"[+-]?[0-9]+", text):
        return int(text)
    if protocol is None:
        raise IpvsInputError(
            "", f"{given.word}: port {text!r} is a name, and the protocol is not known: put the service before {given.word}"
        )
    try:
        return socket.getservbyname(text, protocol)
    except OSError as exc:
        raise IpvsInputError("", f"{given.word}: port {text!r} is neither a number nor a name of {protocol} in /etc/services") from exc
