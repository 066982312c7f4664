# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide *What happens when...* has every message with which a task can fail, and no others.

An entry is a line that starts with ``| ``, with the message in double backquotes and "..." for the values. It covers a message in the
code that contains its words in order, if they are a good part of it: a family of messages may share an entry.
"""

from __future__ import annotations

import ast
import re

import pytest
from ansible.module_utils.basic import missing_required_lib

from docs.messages import GAP, Message, messages, of_program, of_tasks
from tools.checkout import ROOT

GUIDE = ROOT / "docs" / "docsite" / "rst" / "guide_messages.rst"
ENTRIES = re.findall(r"^\| ``(.+)``$", GUIDE.read_text(encoding="utf-8"), re.MULTILINE)
MESSAGES = messages()
# Ansible's own message, as far as it is the same in all versions.
BY_ANSIBLE = Message("ansible", 0, missing_required_lib("pyroute2").partition(" on ")[0])


def letters(text: str) -> int:
    return len(re.sub(r"\W", "", text))


class Entry:
    def __init__(self, text: str) -> None:
        self.letters = letters(text)
        self.words = re.compile(".*".join(re.escape(part).replace(r"\ ", r"\s+") for part in text.strip(". ").split("...")), re.DOTALL)

    def has(self, message: Message) -> bool:
        return self.words.search(message.text) is not None and self.letters >= letters(message.text) * 0.4


PATTERNS = {text: Entry(text) for text in ENTRIES}


def test_messages_of_all_parts_are_found() -> None:
    assert {message.file.rpartition("/")[0] for message in MESSAGES} >= {
        "plugins/module_utils/_apply",
        "roles/ipvs_director/tasks",
        "plugins/module_utils/_machine",
    }


def test_every_class_of_error_is_used_and_looked_at() -> None:
    errors = ast.parse((ROOT / "plugins/module_utils/_model/errors.py").read_text(encoding="utf-8"))
    classes = {node.name for node in errors.body if isinstance(node, ast.ClassDef)} - {"IpvsError"}
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "plugins/module_utils").rglob("*.py"))
    assert {name for name in classes if f"{name}(" in source and list(of_program(f"{name}('x')"))} == classes


@pytest.mark.parametrize("message", [*MESSAGES, BY_ANSIBLE], ids=str)
def test_a_message_has_an_entry(message: Message) -> None:
    assert [text for text, entry in PATTERNS.items() if entry.has(message)], "explain in the guide what it means, and what to do"


@pytest.mark.parametrize("text", ENTRIES)
def test_an_entry_has_a_message(text: str) -> None:
    assert [message for message in [*MESSAGES, BY_ANSIBLE] if PATTERNS[text].has(message)]


def test_no_entry_is_repeated() -> None:
    assert len(set(ENTRIES)) == len(ENTRIES)


@pytest.mark.parametrize(
    ("text", "message", "has"),
    [
        ("... is not a list", f"{GAP} is not a list", True),
        ("... is not a list", f"{GAP} is not a text", False),
        ("Cannot read ...: ...", f"Cannot read {GAP}: {GAP} ({GAP})", True),
        ("Cannot read ...: ...", f"Cannot read {GAP}: the file is damaged, and nobody knows why", False),
    ],
)
def test_similar_messages_share_an_entry(text: str, message: str, has: bool) -> None:
    assert Entry(text).has(Message("", 0, message)) == has


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("raise IpvsInputError(path, 'bad')", ["bad"]),
        ("raise module.CannotError(f'{a} is {b!r}' 'here' + why)", [f"{GAP} is {GAP}here{GAP}"]),
        ("return IpvsConflictError(text)", []),
        ("def unknown_part(a):\n    return f'no {a}'", [f"no {GAP}"]),
        ("def _reason(a):\n    return {1: 'one', 2: a}[a]", ["one"]),
        ("raise KeyError('bad')", []),
    ],
)
def test_messages_are_found_in_programs(source: str, texts: list[str]) -> None:
    assert [text for _line, text in of_program(source)] == texts


def test_messages_are_found_in_tasks() -> None:
    inside = {"ansible.builtin.fail": {"msg": "No {{ a }} here"}}
    without = {"ansible.builtin.fail": {"msg": "{{ a }}"}}
    tasks = [{"ansible.builtin.assert": {"that": "a", "fail_msg": "Bad"}}, {"block": [inside]}, without]
    assert list(of_tasks(tasks)) == ["Bad", f"No {GAP} here"]
