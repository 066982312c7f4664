# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The playbook ``lvs.director.validate``: wrong variables are found on a machine without IPVS, pyroute2 and root."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

WEB: dict[str, Any] = {"protocol": "tcp", "address": "192.0.2.1", "port": 80, "destinations": [{"address": "10.0.0.1"}]}


def alone(**options: Any) -> list[dict[str, Any]]:
    return [{**WEB, "destinations": [{"address": "10.0.0.1", **options}]}]


def validate(folder: Path, variables: dict[str, Any], *options: str) -> subprocess.CompletedProcess[str]:
    """Run the playbook for two directors that cannot be reached."""
    # It hides any that is installed.
    (folder / "hidden").mkdir()
    (folder / "hidden" / "pyroute2.py").write_text("raise ImportError('there is no pyroute2')\n")
    (folder / "python").write_text(f'#!/bin/sh\nexec env PYTHONPATH="{folder}/hidden" "{sys.executable}" "$@"\n')
    (folder / "python").chmod(0o755)
    hosts = {name: {"ansible_host": "192.0.2.9", "ansible_connection": "ssh", "ansible_become": True} for name in ("one", "two")}
    (folder / "hosts.json").write_text(json.dumps({"directors": {"hosts": hosts, "vars": variables}}))
    program = Path(sys.executable).parent / "ansible-playbook"
    return subprocess.run(
        [str(program), "-i", "hosts.json", "lvs.director.validate", "-e", f"ansible_python_interpreter={folder}/python", *options],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "ANSIBLE_NOCOLOR": "1", "ANSIBLE_LOCALHOST_WARNING": "0"},
        timeout=300,
    )


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        # What no kernel needs to be asked for, and what shows only in the whole entry.
        (
            {"ipvs_director_services": alone(forward_method="DR")},
            "services[0] (tcp 192.0.2.1:80).destinations[0] (10.0.0.1).forward_method: 'DR' is none of "
            "masquerade, localnode, tunnel, direct. Did you mean direct?",
        ),
        (
            {"ipvs_director_services": alone(lower_threshold=3)},
            "services[0] (tcp 192.0.2.1:80).destinations[0] (10.0.0.1).lower_threshold: lower_threshold 3 needs an upper_threshold, and "
            "0 is no limit: give upper_threshold too",
        ),
        (
            {"ipvs_director_services": [{**WEB, "checks": [{"type": "tpc"}]}]},
            "ipvs_director_services[0] (tcp 192.0.2.1:80).checks[0].type: 'tpc' is none of tcp,",
        ),
        ({"ipvs_director_service": []}, "has no variable ipvs_director_service (did you mean ipvs_director_services?)"),
        ({"ipvs_director_vips": [{"address": "192.0.2.1/32"}]}, "missing required arguments: interface found in ipvs_director_vips"),
    ],
)
def test_wrong_variables(tmp_path: Path, variables: dict[str, Any], message: str) -> None:
    done = validate(tmp_path, variables)
    assert done.returncode == 2, done.stdout + done.stderr
    assert message in done.stdout
    assert "UNREACHABLE" not in done.stdout


def test_right_variables(tmp_path: Path) -> None:
    services = [{**WEB, "checks": [{"type": "tcp"}]}, {"fwmark": 7, "scheduler": "test"}]
    done = validate(
        tmp_path, {"ipvs_director_services": services, "ipvs_director_vips": [{"address": "192.0.2.1/32", "interface": "eth7"}]}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for host in ("one", "two"):
        assert f"{host} " in done.stdout.partition("PLAY RECAP")[2]
    # It was the module itself, without a kernel.
    assert "It goes on with an empty table" in done.stdout + done.stderr


def test_no_directors(tmp_path: Path) -> None:
    done = validate(tmp_path, {}, "-e", "validate_hosts=nowhere")
    assert done.returncode == 2
    assert "The inventory has no hosts nowhere, so nothing was checked. Name the directors with -e validate_hosts=PATTERN." in done.stdout
