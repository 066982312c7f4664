# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the playbooks of a page with Ansible, on a director that has a kernel in memory."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from docs.blocks import Block
from tools.checkout import COLLECTION, ROOT

ROLES = {f"lvs.director.{path.name}": path for path in sorted((COLLECTION / "roles").iterdir())}
# The first opens connections through a real kernel, the others change the machine itself.
CHECKED_ONLY = {
    f"lvs.director.{path.stem}": path
    for path in sorted((COLLECTION / "plugins" / "modules").glob("*.py"))
    if path.stem == "ipvs_selftest" or "run_without_kernel(" in path.read_text(encoding="utf-8")
}

CONNECTIONS = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData
TCP 0A0A0064 9C40 0AD33703 0015 0AD337FD 0015 ESTABLISHED     893
TCP 0A0A0165 9C42 0AD33703 0015 0AD337FC 0015 ESTABLISHED     899
"""
CONNECTIONS_WITH_ORIGIN = """\
Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Origin Expires
TCP 0A0A0064 9C40 0AD33703 0015 0AD337FD 0015 ESTABLISHED SYNC       893
TCP 0A0A0165 9C42 0AD33703 0015 0AD337FC 0015 ESTABLISHED LOCAL      899
"""

Play = dict[str, Any]


class Director:
    """A directory with an inventory of one host whose Python has a kernel in memory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        python = folder / "python"
        paths = os.pathsep.join(map(str, (ROOT / "tests" / "docs" / "memory", ROOT / "tests")))
        python.write_text(f'#!/bin/sh\nexec env DOCS_STATE="{folder}" PYTHONPATH="{paths}" "{sys.executable}" "$@"\n')
        python.chmod(0o755)
        host = {"ansible_connection": "local", "ansible_python_interpreter": str(python), "ansible_become": False}
        self.inventory = folder / "hosts.json"
        group = {"hosts": {"director": host}}
        self.inventory.write_text(json.dumps({"directors": group, "realservers": group}))
        (folder / "connections").write_text(CONNECTIONS)
        (folder / "connections_with_origin").write_text(CONNECTIONS_WITH_ORIGIN)

    def run(self, plays: Sequence[Play], *options: str) -> str:
        """Run plays and return Ansible's output.

        :raises AssertionError: it failed.
        """
        (self.folder / "plays.yml").write_text(yaml.safe_dump(list(plays), sort_keys=False))
        return self.command("ansible-playbook", "-i", str(self.inventory), "plays.yml", *options)

    def command(self, *words: str, **environment: str) -> str:
        """Run a command in the folder, and return its output.

        :raises AssertionError: it failed, or Ansible printed a deprecation warning.
        """
        environment = {**os.environ, "HOME": str(self.folder), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0", **environment}
        command = [str(Path(sys.executable).parent / words[0]), *words[1:]]
        ended = subprocess.run(command, cwd=self.folder, env=environment, check=False, capture_output=True, text=True, timeout=300)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert "[DEPRECATION WARNING]" not in ended.stdout + ended.stderr, ended.stdout + ended.stderr
        return ended.stdout


def written(block: Block) -> list[Play]:
    """Return a block's plays, as a reader would write them from a page's playbook, tasks or variables."""
    content: Any = yaml.safe_load(block.text)
    if block.kind == "vars":
        # The role ipvs_director is for the group directors.
        group = block.name.rpartition("_")[2] + "s"
        return [{"hosts": group, "roles": [block.name], "vars": content}]
    if block.kind == "tasks":
        return [{"hosts": "directors", "gather_facts": False, "tasks": content}]
    plays: list[Play] = content
    return plays


def plays(block: Block) -> list[Play]:
    """Return the runnable part of a block's plays."""
    return [runnable({"name": str(block), "gather_facts": False, **play}) for play in written(block)]


def runnable(play: Play) -> Play:
    """Return a play without the parts that cannot run here, which are only checked."""
    instead: list[Any] = []
    for role in play.pop("roles", []):
        given = {**play.get("vars", {}), **(role if isinstance(role, dict) else {"role": role})}
        name = given.pop("role")
        check_role(name, given)
        if name == "lvs.director.ipvs_director":
            include = {"name": name, "tasks_from": "table", "rolespec_validate": False}
            instead.append({"ansible.builtin.include_role": include, "vars": given})
    tasks = list(runnable_tasks(play.get("tasks", [])))
    return {**play, "tasks": [*instead, *tasks]}


def runnable_tasks(tasks: list[Any]) -> Iterator[Any]:
    gone: set[str] = set()
    for task in tasks:
        checked = CHECKED_ONLY.keys() & task.keys()
        for name in checked:
            check_module(name, task[name] or {})
            gone.add(task.get("register", name))
        if checked:
            continue
        if "ansible.builtin.include_role" in task:
            check_entry(**task["ansible.builtin.include_role"])
        elif not any(name in json.dumps(task) for name in gone):
            yield into_folder(task)


def into_folder(task: Any) -> Any:
    """Return a task that writes no file outside of the folder in which Ansible was started."""
    copy = dict(task.get("ansible.builtin.copy", {}))
    if "dest" not in copy:
        return task
    dest = "{{ playbook_dir }}/" + Path(copy["dest"]).name
    return {**task, "ansible.builtin.copy": {**copy, "dest": dest}}


def check_role(name: str, given: dict[str, Any], entry_point: str = "main") -> None:
    spec = yaml.safe_load((ROLES[name] / "meta/argument_specs.yml").read_text())["argument_specs"][entry_point]
    own = {key: value for key, value in given.items() if key.startswith(name.rpartition(".")[2]) and not is_template(value)}
    assert ArgumentSpecValidator(spec["options"]).validate(own).error_messages == []


def is_template(value: Any) -> bool:
    """Return whether Ansible is still to compute a value."""
    return isinstance(value, str) and value.startswith("{{")


def check_entry(name: str, tasks_from: str = "main") -> None:
    assert (ROLES[name] / "tasks" / f"{tasks_from}.yml").exists()


def check_module(name: str, given: dict[str, Any]) -> None:
    """See that a task's options are those of the module's documentation, which sanity tests hold to its arguments."""
    tree = ast.parse(CHECKED_ONLY[name].read_text(encoding="utf-8"))
    (text,) = (node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOCUMENTATION")
    options = yaml.safe_load(ast.literal_eval(text))["options"]
    assert ArgumentSpecValidator(arguments(options)).validate(given).error_messages == []


def arguments(options: dict[str, Any]) -> dict[str, Any]:
    """Return documented options as arguments of a module."""
    found = {}
    for name, option in options.items():
        kept = {key: option[key] for key in ("type", "elements", "required", "choices", "default") if key in option}
        found[name] = {**kept, **({"options": arguments(option["suboptions"])} if "suboptions" in option else {})}
    return found
