# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of ipvsadm's options is whole, the document shows it, and its command lines and tasks are equal.

That real ipvsadm and a real kernel agree is tested in the scenario ``modules``.
"""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import ansible_collections.lvs.director.plugins.modules as installed
import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.options import ALLOWED, COMMANDS, OPTIONS, Option
from ansible_collections.lvs.director.plugins.module_utils._ipvsadm.parse import parse_rules
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError
from ansible_collections.lvs.director.plugins.module_utils._model.table import Stats
from ansible_collections.lvs.director.plugins.module_utils._plan.order import transition

from contract.ipvsadm_options import ROWS, Case, Task, is_setting, master
from contract.memory import MemoryKernel
from contract.tasks import MODULES, run
from tools.ipvsadm_table import DOCUMENT, renewed, yaml_of

CASES = [case for row in ROWS for case in row.cases]
TASKS = [task for case in CASES for task in case.tasks]
PRESENT = {path.stem for path in Path(next(iter(installed.__path__))).glob("ipvs_*.py")}


def test_every_task_uses_an_existing_module() -> None:
    assert {task.module for task in TASKS} <= set(MODULES) <= PRESENT


def test_the_document_shows_the_table() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert renewed(document) == document, "python3 -m tools.ipvsadm_table writes it anew"


def test_the_table_has_each_option_once() -> None:
    forms = Counter(form for row in ROWS for form in row.options)
    assert set(forms.values()) == {1}
    known = {f"--{option.name}" for option in OPTIONS} | {f"-{option.letter}" for option in OPTIONS if option.letter}
    assert set(forms) == known


@pytest.mark.parametrize("option", [option for option in OPTIONS if option.elsewhere], ids=lambda option: option.name)
def test_options_without_a_rule_are_explained_in_the_table(option: Option) -> None:
    """The error names the modules that the table names."""
    line = option.word if option in COMMANDS else f"-A -t 192.0.2.1:80 {option.word}"
    with pytest.raises(IpvsInputError) as caught:
        parse_rules(line if option.value == "none" else f"{line} 1")
    named = set(re.findall(r"lvs\.director\.(ipvs_\w+)", str(caught.value)))
    row = next(row for row in ROWS if f"--{option.name}" in row.options)
    assert named or option.name in ("help", "version", "restore", "save")
    assert named <= {*re.findall(r"`(ipvs_\w+)`", row.here), *(task.module for case in row.cases for task in case.tasks)}


def test_every_option_of_a_rule_has_a_case() -> None:
    taken = {option for several in ALLOWED.values() for option in several} | {command for command in COMMANDS if not command.elsewhere}
    for option in taken:
        row = next(row for row in ROWS if f"--{option.name}" in row.options)
        words = [word for case in row.cases for line in case.lines for word in line.split()]
        assert set(row.options) & set(words), row.options


@pytest.mark.parametrize("task", TASKS, ids=yaml_of)
def test_a_task_is_valid_for_its_module(task: Task) -> None:
    spec = MODULES[task.module][0]()
    arguments = {name: value for name, value in spec.items() if name != "supports_check_mode"}
    assert ArgumentSpecValidator(**arguments).validate(task.values).error_messages == []


@pytest.mark.parametrize("task", TASKS, ids=yaml_of)
def test_a_task_is_shown_as_it_is(task: Task) -> None:
    assert yaml.safe_load(yaml_of(task)) == {task.module: task.values}


def state(kernel: MemoryKernel) -> tuple[Any, ...]:
    return kernel.read_table(), kernel.read_timeouts(), kernel.read_sync_daemons()


@pytest.mark.parametrize("case", CASES, ids=lambda case: "; ".join(case.lines))
def test_command_lines_and_tasks_are_equal(case: Case) -> None:
    kernel = MemoryKernel()
    for entry in parse_rules("\n".join(line for line in case.before if not is_setting(line))):
        for phase in transition(entry.service.key, None, entry).phases:
            assert kernel.apply(phase) is None
    if any(line.startswith("--start-daemon") for line in case.before):
        run(kernel, master())
    kernel.stats = {key: Stats(7) for key in kernel.services}
    before = state(kernel)
    for task in case.tasks:
        run(kernel, task)
    assert state(kernel) != before
    if not any(is_setting(line) for line in case.lines):
        assert [one.entry for one in kernel.read_table()] == parse_rules("\n".join([*case.before, *case.lines]))
