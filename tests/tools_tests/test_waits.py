# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Nothing waits forever: every wait for a program, a thread or a lock has a timeout.

Tests are exempt, because pytest.ini has a limit for each of them.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tools.checkout import ROOT, files

PROGRAMS = {"run", "call", "check_call", "check_output"}


def endless(source: str) -> Iterator[tuple[int, str]]:
    """Return the line and the text of every call that may wait for ever."""
    tree = ast.parse(source)
    # A coroutine waits beside others, in a process that wakes up for every signal.
    awaited = {node.value for node in ast.walk(tree) if isinstance(node, ast.Await)}
    for node in set(ast.walk(tree)) - awaited:
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_endless(node, node.func):
            yield node.lineno, ast.unparse(node.func)


def _is_endless(call: ast.Call, function: ast.Attribute) -> bool:
    named = {keyword.arg for keyword in call.keywords}
    if isinstance(function.value, ast.Name) and function.value.id == "subprocess":
        # **options may have it, and the caller is checked, too.
        return function.attr in PROGRAMS and not named & {"timeout", None}
    if function.attr in {"wait", "join", "communicate"}:
        # os.wait, and the join of a string, have nothing like it.
        return "timeout" not in named and (not call.args or function.attr == "communicate")
    if function.attr == "select":
        return len(call.args) == 3
    if function.attr in {"flock", "lockf"}:
        return not any(flag in ast.unparse(call) for flag in ("LOCK_NB", "LOCK_UN"))
    return False


def looked_at() -> list[str]:
    return [name for name in files() if name.endswith(".py") and not Path(name).name.startswith(("test_", "conftest"))]


@pytest.mark.parametrize("name", looked_at())
def test_every_wait_has_a_limit(name: str) -> None:
    assert list(endless((ROOT / name).read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "subprocess.run(['true'], check=True)",
        "subprocess.check_output(['true'])",
        "process.wait()",
        "thread.join()",
        "process.communicate('input')",
        "select.select([source], [], [])",
        "fcntl.flock(file, fcntl.LOCK_EX)",
    ],
)
def test_an_unbounded_wait_is_found(line: str) -> None:
    assert len(list(endless(line))) == 1


@pytest.mark.parametrize(
    "line",
    [
        "subprocess.run(['true'], check=True, timeout=5)",
        "process.wait(5)",
        "thread.join(timeout=5)",
        "', '.join(words)",
        "process.communicate('input', timeout=5)",
        "select.select([source], [], [], 5)",
        "fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)",
        "selector.select(5)",
        "async def serve(): await ended.wait()",
    ],
)
def test_a_wait_with_a_limit_is_fine(line: str) -> None:
    assert not list(endless(line))
