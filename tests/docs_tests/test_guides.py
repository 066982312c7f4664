# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenario ``guides`` leaves nothing out, and notices a table that differs from the page's."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import yaml

from docs import guides, reader
from docs.blocks import KINDS, Block, blocks, pages
from docs.described import broken, listed, services, services_of_diff
from docs.guides import NOT_ON_MACHINES, Step, lines, reading_order, saved, steps

TABLE = """\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn
  -> RemoteAddress:Port
TCP  10.211.55.3:21 test persistent 60
  -> 10.211.55.252:21             4          1          0          0
  -> 10.211.55.253:21             0          0          2          1
FWM  1 wlc
  -> 10.211.55.253:0              0          0          0          0
FWM  1 IPv6 wlc persistent 300
  -> [2001:db8::253]:0            0          0          0          0
"""
FTP = {"protocol": "tcp", "address": "10.211.55.3", "port": 21}


def test_a_reader_reads_every_page_once() -> None:
    assert sorted(reading_order()) == pages()
    assert reading_order()[:2] == ["README.md", "docs/docsite/rst/guide_getting_started.rst"]


def test_every_kind_of_block_is_used_or_excused() -> None:
    taken_up = guides.RUN | guides.READ | guides.USED | guides.COMPARED | guides.TYPED
    assert taken_up | set(NOT_ON_MACHINES) == KINDS
    assert not taken_up & set(NOT_ON_MACHINES)


def test_every_block_is_used() -> None:
    found = steps()
    run = {step.block for step in found} | {block for block in everything() if f" {block.name} " in typed(found)}
    assert [str(block) for block in everything() if block.kind in guides.RUN and block not in run and not guides.of_a_pair(block)] == []
    diffs = sorted(block.text for block in everything() if block.kind in guides.COMPARED)
    assert sorted(step.diff for step in found if step.diff) == diffs


def test_every_command_is_typed_or_is_one_of_a_checkout() -> None:
    commands = [(block, line) for block in everything() if block.kind in guides.TYPED for line in lines(block)]
    taken = [(step.block, step.line) for step in steps()]
    left = {line for block, line in commands if (block, line) not in taken and line.startswith(("$", "#", "ansible"))}
    assert {line for line in left if not guides.is_elsewhere(line)} == set()
    assert {named for named in guides.ELSEWHERE if not any(named in line for line in left)} == set()
    assert {line.split()[0] for _block, line in commands if line.startswith(("$", "#"))} == {"$", "#"}


def test_no_file_has_two_contents() -> None:
    used = [block for block in everything() if block.kind in guides.USED and block.name]
    assert len(saved()) == len(used)


def test_removals_come_last() -> None:
    assert "_state: absent" in steps()[-1].block.text


def test_a_given_controller_is_not_made_again() -> None:
    made = [step.line for step in steps() if step.makes_controller]
    assert [line.split()[1] for line in made] == ["python3", ".", "pip"]
    assert not Step(steps()[0].block, "$ ansible-playbook x").makes_controller


def everything() -> list[Block]:
    return [block for page in pages() for block in blocks(page)]


def typed(found: list[Step]) -> str:
    return " ".join(f" {step.line} " for step in found)


def test_a_matching_table_passes() -> None:
    tasks = """
    - lvs.director.ipvs_table:
        services:
          - {protocol: tcp, address: 10.211.55.3, port: 21, destinations: [
              {address: 10.211.55.252, upper_threshold: 4, lower_threshold: 1}, {address: 10.211.55.253, port: 21}]}
          - {fwmark: 1, destinations: [{address: 10.211.55.253}]}
          - {fwmark: 1, family: ipv6, destinations: [{address: "2001:db8::253"}]}
    """
    found = list(services(yaml.safe_load(tasks)))
    assert len(found) == 3
    assert [broken(listed(TABLE), one) for one in found] == ["", "", ""]


@pytest.mark.parametrize(
    "described",
    [
        {**FTP, "port": 80, "destinations": []},
        {**FTP, "destinations": [{"address": "10.211.55.253"}, {"address": "10.211.55.252"}]},
        {**FTP, "destinations": [{"address": "10.211.55.252"}]},
        {**FTP, "destinations": [{"address": f"10.211.55.{last}"} for last in (252, 253, 251)]},
        {**FTP, "destinations": [{"address": "10.211.55.252", "upper_threshold": 5}, {"address": "10.211.55.253"}]},
        {**FTP, "destinations": [{"address": "10.211.55.252", "lower_threshold": 0}, {"address": "10.211.55.253"}]},
        {"fwmark": 1, "family": "ipv6", "destinations": [{"address": "10.211.55.253"}]},
    ],
    ids=str,
)
def test_a_differing_table_fails(described: dict[str, object]) -> None:
    assert broken(listed(TABLE), described)


def test_no_table_is_an_empty_one() -> None:
    assert listed("") == {}


def test_a_diff_predicts_the_table() -> None:
    diff = """\
 tcp 10.211.55.3:21 scheduler test
+  -> 10.211.55.252:21 masquerade weight 1 upper_threshold 4 lower_threshold 1
   -> 10.211.55.253:21 masquerade weight 1
-  -> 10.211.55.252:21 masquerade weight 1 upper_threshold 4 lower_threshold 1
"""
    (described,) = services_of_diff(diff)
    assert broken(listed(TABLE), described) == ""
    (other,) = services_of_diff(diff.replace("upper_threshold 4", "upper_threshold 3"))
    assert broken(listed(TABLE), other)


@pytest.fixture
def somebody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> reader.Reader:
    monkeypatch.setenv("ANSIBLE_CONFIG", "/nowhere")
    monkeypatch.setenv("PIP_TIMEOUT", "77")
    (tmp_path / "bin").mkdir()
    for name in reader.PROGRAMS:
        program = tmp_path / "bin" / name
        program.write_text('#!/bin/sh\necho "$@"\nenv\n')
        program.chmod(0o755)
    return reader.Reader(tmp_path, [], tmp_path / "bin")


def test_a_reader_has_nothing_of_this_environment(somebody: reader.Reader, tmp_path: Path) -> None:
    message = somebody.types("env")
    assert {line.partition("=")[0] for line in message.splitlines()} <= {"HOME", "PATH", "LANG", "PWD", "OLDPWD", "SHLVL", "_"}
    assert f"PATH={tmp_path}/bin:/usr/sbin" in message
    assert list((tmp_path / "home").iterdir()) == []


def test_a_controller_has_everything_needed(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="has no ansible-galaxy, ansible-inventory, ansible-playbook"):
        reader.Reader(tmp_path, [], tmp_path)


def test_settings_of_a_terminal_last(somebody: reader.Reader) -> None:
    somebody.types("export A='b c'")
    assert somebody.types('echo "$A"') == "b c"


def test_a_command_that_fails_says_so(somebody: reader.Reader) -> None:
    with pytest.raises(AssertionError, match="no such thing"):
        somebody.types("echo no such thing; false")


def test_a_playbook_is_run_as_it_is_written(somebody: reader.Reader) -> None:
    message = somebody.plays(Block("README.md", 3, "playbook", "", "- hosts: all  # as it is\n"))
    assert "-i inventory.yml -i servers.yml README-md-3.yml --diff" in message
    assert (somebody.folder / "README-md-3.yml").read_text() == "- hosts: all  # as it is\n"


def test_a_new_environment_has_the_versions_of_the_tests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_TIMEOUT", "77")
    alone = reader.Reader(tmp_path, [], None)
    message = alone.types("env")
    assert "PIP_TIMEOUT=77" in message
    constraints = tmp_path / "constraints.txt"
    assert f"PIP_CONSTRAINT={constraints}" in message
    assert constraints.read_text().startswith("ansible-core==")
    assert subprocess.run(["grep", "-c", "^Jinja2==", constraints], check=False).returncode == 0
