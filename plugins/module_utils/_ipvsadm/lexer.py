# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Split text into ipvsadm command lines, words and options, as a shell and popt(3) do."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple, Optional

from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.options import (
    COMMANDS,
    NONE,
    OPTIONAL,
    OPTIONS,
    SCHEDULER_FLAGS,
    Option,
)
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError

_LONG = {option.name: option for option in OPTIONS}
_SHORT = {option.letter: option for option in OPTIONS if option.letter}
_COMMENT = re.compile(r"(^|\s+)#.*")
_PROGRAM = re.compile(r"(/\S*/)?ipvsadm")


class Line(NamedTuple):
    """A line with a rule; continuation lines are joined."""

    number: int  # of its first line, counted from 1
    text: str

    def __str__(self) -> str:
        return f"line {self.number} ({self.text})"


class Given(NamedTuple):
    """An option as given."""

    option: Option
    word: str  # as written, without its value
    value: str  # "" for one without


def rule_lines(text: str) -> Iterator[Line]:
    """Yield the lines that are neither empty nor comments."""
    number = 0
    parts: list[str] = []
    for index, line in enumerate(text.splitlines(), 1):
        if not parts:
            number = index
        stripped = line.strip()
        code = _COMMENT.sub("", stripped)
        if stripped.endswith("\\") and code == stripped:
            parts.append(stripped[:-1].strip())
            continue
        whole = " ".join(part for part in (*parts, code) if part)
        parts = []
        if whole:
            yield Line(number, whole)
    if parts:
        yield Line(number, f"{' '.join(parts)} \\")


def rule_words(line: Line) -> list[str]:
    """Return the unquoted words of a line after ``ipvsadm``.

    :raises IpvsInputError: it is not an ipvsadm command line, or needs a shell.
    """
    try:
        words = shlex.split(line.text)
    except ValueError as exc:
        raise IpvsInputError("", f"cannot be split into words ({str(exc).lower()}): complete the quote or escape") from exc
    if words and _PROGRAM.fullmatch(words[0]):
        del words[0]
        if not words:
            raise IpvsInputError("", "there is no command in it: it lists the table, which lvs.director.ipvs_info does")
    elif words and not words[0].startswith("-"):
        raise IpvsInputError("", f"{words[0]!r} is not ipvsadm: give only the lines that are")
    for word in words:
        if "$" in word or "`" in word:
            raise IpvsInputError("", f"no shell replaces what is in {word!r}: give the value itself")
    return words


def split_options(words: list[str]) -> Iterator[Given]:
    """Yield the options of a command line in order; an error is raised when its option is reached.

    As in popt, the value of a long option is the next word or follows a ``=``. Short options can be combined; the value of one
    is the rest of the word, with or without a ``=``, or else the next word. A word that begins with a dash is never an optional
    value.

    :raises IpvsInputError: an unknown option, a missing or unexpected value, or a word that is not an option.
    """
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            if rest:
                raise IpvsInputError("", f"unexpected word {rest[0]!r} after --")
        elif word.startswith("--"):
            name, equals, value = word[2:].partition("=")
            yield _given(_known(_LONG, name, f"--{name}"), f"--{name}", value if equals else None, rest)
        elif word.startswith("-") and len(word) > 1:
            yield from _split_letters(word[1:], rest)
        else:
            raise IpvsInputError("", f"unexpected word {word!r}: all but the options' values are options here, and there is no shell")


def _split_letters(letters: str, rest: list[str]) -> Iterator[Given]:
    while letters:
        letter, letters = letters[0], letters[1:]
        word = f"-{letter}"
        option = _known(_SHORT, letter, word)
        if option.value == NONE and not letters.startswith("="):
            yield _given(option, word, None, rest)
        else:
            yield _given(option, word, letters.removeprefix("=") if letters else None, rest)
            return


def _known(options: dict[str, Option], name: str, word: str) -> Option:
    if name not in options:
        raise IpvsInputError("", f"unknown option {word}: ipvsadm(8) 1.31 has none of that name")
    return options[name]


def _given(option: Option, word: str, value: Optional[str], rest: list[str]) -> Given:
    if option.value == NONE:
        if value is not None:
            raise IpvsInputError("", f"{word} has no value, but here it is given {value!r}")
        return Given(option, word, "")
    if value is None and rest and not (option.value == OPTIONAL and rest[0].startswith("-")):
        value = rest.pop(0)
    if value is None:
        if option.value == OPTIONAL:
            return Given(option, word, "")
        hint = ""
        if option == SCHEDULER_FLAGS:
            hint = "; ipvsadm -S has no word for the third flag of sh and mh and writes it so: -b flag-3"
        raise IpvsInputError("", f"{word} needs a value{hint}")
    if not value:
        raise IpvsInputError("", f"{word} is given an empty value")
    return Given(option, word, value)


def split_command(words: list[str]) -> tuple[Given, Iterator[Given]]:
    """Return the command (the first option) and the remaining options.

    :raises IpvsInputError: there is no command, or it never occurs in rules.
    """
    given = split_options(words)
    command = next(given, None)
    names = " ".join(option.word for option in COMMANDS if not option.elsewhere)
    if command is None or command.option not in COMMANDS:
        raise IpvsInputError("", f"it does not begin with a command: {names}")
    if command.option.elsewhere:
        raise IpvsInputError("", f"{command.word} is in no rule: {command.option.elsewhere}")
    return command, given
