# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every playbook of examples/ runs on a director with a kernel in memory, and makes the table that it describes.

As in test_plays.py: roles have their variables checked, and the services of ipvs_director are made; of the real servers' role and of
modules that change the machine the options are checked. On virtual machines run overload.yml (scenarios bare, overload, selftest,
kernels; `make demo`) and pair.yml (scenario pair).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from docs.blocks import Block
from docs.plays import Director, is_template, plays
from tools.checkout import ROOT

EXAMPLES = sorted(path for path in (ROOT / "examples").glob("*.yml") if not path.stem.endswith("inventory"))
# Those that declare a table; the others change what they find.
TABLES = [path for path in EXAMPLES if path.stem not in ("drain", "rolling_update")]
# The jobs that have an example, by the file.
JOBS = set("dns direct-pair drain from-ipvsadm from-keepalived health https ipv6 overload pair rolling_update source-hash".split())

WEB = [{"address": f"10.211.55.{last}", "forward_method": "masquerade", "weight": last} for last in (253, 252)]
# The services that an example finds, and what drain.yml is given.
FOUND: dict[str, list[dict[str, Any]]] = {
    "drain": [
        {"protocol": "tcp", "address": "10.211.55.3", "port": 80, "destinations": WEB},
        {"fwmark": 1, "family": "ipv4", "destinations": [{**one, "port": 0} for one in WEB]},
        {"protocol": "tcp", "address": "10.211.55.4", "port": 80, "destinations": WEB[1:]},
    ],
    "from-ipvsadm": [{"protocol": "tcp", "address": "10.211.55.3", "port": 21, "scheduler": "fo", "destinations": WEB}],
}
GIVEN = ["-e", "real_server=10.211.55.253"]
READ = [
    {"lvs.director.ipvs_info": {}, "register": "after"},
    {"ansible.builtin.copy": {"content": "{{ after.services }}", "dest": "after"}, "changed_when": False},
]


def expanded(value: Any, variables: dict[str, Any]) -> Any:
    """Return a value of a play with the play's own variables in their places."""
    if isinstance(value, dict):
        return {key: expanded(part, variables) for key, part in value.items()}
    if isinstance(value, list):
        return [expanded(part, variables) for part in value]
    return variables.get(value[2:-2].strip(), value) if is_template(value) else value


def of_tasks(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return plays(Block("tasks", 0, "tasks", "", json.dumps(tasks)))


def of_example(example: Path) -> list[dict[str, Any]]:
    content = [expanded(play, play.get("vars", {})) for play in yaml.safe_load(example.read_text(encoding="utf-8"))]
    return plays(Block(example.name, 0, "playbook", "", json.dumps(content)))


def run(example: Path, folder: Path, *options: str, before: Sequence[dict[str, Any]] = ()) -> tuple[list[dict[str, Any]], str]:
    """Run an example after it was given some services, and return the kernel's services afterwards, and what Ansible printed."""
    first = of_tasks([{"lvs.director.ipvs_service": service} for service in before])
    said = Director(folder).run([*first, *of_example(example), *of_tasks(READ)], *options)
    services: list[dict[str, Any]] = yaml.safe_load((folder / "after").read_text(encoding="utf-8"))
    return services, said


def declared(example: Path) -> list[dict[str, Any]]:
    content = yaml.safe_load(example.read_text(encoding="utf-8"))
    variables = [expanded(play["vars"], play["vars"]) for play in content if "vars" in play]
    services = [one.get("ipvs_director_services", []) for one in variables]
    return [service for listed in services if not is_template(listed) for service in listed]


def test_every_job_has_an_example() -> None:
    assert {path.stem for path in EXAMPLES} == JOBS


@pytest.mark.parametrize("example", TABLES, ids=lambda path: path.stem)
def test_an_example_makes_its_table(example: Path, tmp_path: Path) -> None:
    services, _said = run(example, tmp_path, before=FOUND.get(example.stem, []))
    wanted = declared(example) or FOUND[example.stem]
    assert len(services) == len(wanted)
    for service in wanted:
        name = {key: service[key] for key in ("protocol", "address", "port", "fwmark", "family") if key in service}
        (made,) = (one for one in services if name.items() <= one.items())
        assert [one["address"] for one in made["destinations"]] == [one["address"] for one in service["destinations"]]
        for key in ("scheduler", "scheduler_flags", "one_packet", "persistence_timeout"):
            assert made[key] == service.get(key, made[key])
    _again, said = run(example, tmp_path)
    assert re.search(r"^director +: .* changed=0 .* failed=0 ", said, re.MULTILINE), said


def weights(services: list[dict[str, Any]]) -> list[int]:
    """Return the weights that the first real server has in the kernel."""
    return [one["effective_weight"] for service in services for one in service["destinations"] if one["address"] == WEB[0]["address"]]


def test_a_server_is_drained_in_all_services_and_brought_back(tmp_path: Path) -> None:
    example = ROOT / "examples" / "drain.yml"
    drained, _said = run(example, tmp_path, *GIVEN, before=FOUND["drain"])
    assert weights(drained) == [0, 0]
    back, _said = run(example, tmp_path, *GIVEN, "-e", "state=present")
    assert weights(back) == [253, 253]


def test_a_real_server_that_nobody_has_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"no service of this director has a destination 10.211.55.1\b"):
        run(ROOT / "examples" / "drain.yml", tmp_path, "-e", "real_server=10.211.55.1")


def rolling(check: str) -> list[str]:
    return [*GIVEN, "-e", json.dumps({"update": "touch {{ playbook_dir }}/updated", "check": check, "check_retries": 1})]


ROLLING = ROOT / "examples" / "rolling_update.yml"


def test_a_rolling_update(tmp_path: Path) -> None:
    # It succeeds only while the server is drained.
    during = rolling("grep --quiet drained...true {{ playbook_dir }}/quiescent.json")
    services, said = run(ROLLING, tmp_path, *during, before=[FOUND["drain"][0]])
    assert (tmp_path / "updated").exists()
    assert weights(services) == [253], said


def test_a_real_server_that_does_not_come_back_well_stays_drained(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"director did not come back well"):
        run(ROLLING, tmp_path, *rolling("false"), before=[FOUND["drain"][0]])
    Director(tmp_path).run(of_tasks(READ))
    assert weights(yaml.safe_load((tmp_path / "after").read_text(encoding="utf-8"))) == [0]


def test_a_rolling_update_asks_all_directors_first(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="min_available: without"):
        run(ROLLING, tmp_path, *rolling("true"), before=[{**FOUND["drain"][0], "destinations": WEB[:1]}])
    assert not (tmp_path / "updated").exists()


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_commands_of_an_example(example: Path, tmp_path: Path) -> None:
    """Each line that an example names can be typed: its inventory has the hosts of all its plays."""
    text = example.read_text(encoding="utf-8")
    commands = [line.split() for line in re.findall(r"^#   (ansible-playbook .*)$", text, re.MULTILINE)]
    assert commands
    director = Director(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    for command in commands:
        assert f"examples/{example.name}" in command
        listed = director.command(*command, "--list-hosts", "--list-tasks")
        assert "hosts (0)" not in listed
        assert "hosts (" in listed
