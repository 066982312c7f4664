# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The messages with which a task of the collection can fail, taken from the code."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import yaml

from tools.checkout import ROOT

# Replaces the values that are filled in at run time.
GAP = "\0"
# "Cannot ...: ...": the text in the last gap comes from elsewhere, and is found there.
_PASSED_ON = re.compile(r"\W*\w{0,8}\W*: \0\W*")

_ERROR = re.compile(r"(Ipvs\w*|Cannot|Failed|DoneInPart|Value|AnsibleFilter)Error$|AnsibleActionFail$")
# Functions that return or yield warnings.
_WARNING = re.compile(r"as_warning|_unnamed|_quiescent_reasons|_failure|not_predicted")
# Functions that return a part of a message.
_SENTENCE = re.compile(r"unknown_\w+|_\w*reason")


class Message(NamedTuple):
    """A text with gaps, and where it is made."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        """Name it as a compiler would."""
        return f"{self.file}:{self.line}: {self.text.replace(GAP, '...')}"


def messages() -> list[Message]:
    """Return the messages of all plugins and roles."""
    found = []
    for pattern in ("module_utils/**/*.py", "modules/*.py", "filter/*.py", "action/*.py"):
        for path in sorted((ROOT / "plugins").glob(pattern)):
            found += [Message(str(path.relative_to(ROOT)), line, text) for line, text in of_program(path.read_text(encoding="utf-8"))]
    for path in sorted(ROOT.glob("roles/*/tasks/*.yml")):
        for text in of_tasks(yaml.safe_load(path.read_text(encoding="utf-8"))):
            found.append(Message(str(path.relative_to(ROOT)), 0, text))
    return found


def of_program(source: str) -> Iterator[tuple[int, str]]:
    """Yield the texts with which errors are made, and their lines."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and _WARNING.search(node.name):
            yield from sentences(node)
        if isinstance(node, ast.Call) and node.args and _ERROR.search(ast.unparse(node.func)):
            text = text_of(node.args[-1])
            if says_something(text):
                yield node.lineno, text
        if isinstance(node, ast.FunctionDef) and _SENTENCE.fullmatch(node.name):
            yield from sentences(node)


def sentences(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    """Yield the texts that a function returns, directly or from a dictionary."""
    for node in ast.walk(function):
        values = [node.value] if isinstance(node, (ast.Return, ast.Yield)) else node.values if isinstance(node, ast.Dict) else []
        for value in values:
            text = text_of(value) if value else ""
            if says_something(text):
                yield function.lineno, text


def says_something(text: str) -> bool:
    return re.search(r"\w", text) is not None and not _PASSED_ON.fullmatch(text)


def text_of(node: ast.expr) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(map(text_of, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return text_of(node.left) + text_of(node.right)
    return GAP


def of_tasks(tasks: Any) -> Iterator[str]:
    """Yield the texts with which a role's own tasks fail."""
    for task in tasks or []:
        for inside in ("block", "rescue", "always"):
            yield from of_tasks(task.get(inside))
        text = task.get("ansible.builtin.assert", {}).get("fail_msg") or task.get("ansible.builtin.fail", {}).get("msg")
        text = re.sub(r"\{\{.*?\}\}", GAP, text or "", flags=re.DOTALL)
        if says_something(text):
            yield text
