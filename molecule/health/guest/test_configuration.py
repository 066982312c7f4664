# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs on a director with health checks: the real keepalived reads every check, and never writes the table in service.

``unit/health.py`` is tests/unit/health.py.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._health.configuration import FIRST_LINE, configuration
from ansible_collections.lvs.director.plugins.module_utils._machine import health, systemd
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.health import Check, Health, HealthRules

from unit.health import TABLE, WEB, destination, every_check

CHECKS = "ipvs-director-checks.service"
CONFIGURATION = Path(health.CONFIGURATION)
# Of one service that is in the table of no director: keepalived would add it.
OWN = configuration(Health((HealthRules(WEB, (Check("tcp"),)),)), {WEB: [destination("127.0.0.1", 22)]})
BROKEN = {
    "without the namespace": OWN.replace(f"{FIRST_LINE}\n", ""),
    "namespace in global_defs": OWN.replace(f"{FIRST_LINE}\n", "").replace("global_defs {\n", f"global_defs {{\n{FIRST_LINE}\n"),
    "namespace in a comment": f"# {OWN}",
    "another namespace": OWN.replace(FIRST_LINE, "net_namespace_ipvs other"),
    "a scheduler that keepalived does not know": OWN.replace("lvs_sched rr", "lvs_sched test"),
    "a word that keepalived does not know": OWN.replace("inhibit_on_failure", "inhibit_on_failures"),
    "a brace too few": OWN.rstrip().removesuffix("}"),
}


def table(*namespace: str) -> str:
    """Return a table without its counters."""
    return subprocess.run([*namespace, "ipvsadm", "-S", "-n"], check=True, capture_output=True, text=True, timeout=60).stdout


def systemctl(*words: str) -> int:
    return subprocess.run(["systemctl", *words], check=False, capture_output=True, timeout=120).returncode


def is_active() -> bool:
    return systemd.states([CHECKS])[CHECKS].active


@pytest.fixture
def checks() -> Iterator[str]:
    """The checks run, as they did before; the table in service stays as it is."""
    before, text = table(), CONFIGURATION.read_text(encoding="utf-8")
    assert before, "without a table there is nothing to lose"
    assert is_active()
    yield text
    CONFIGURATION.write_text(text, encoding="utf-8")
    assert systemctl("restart", CHECKS) == 0
    assert table() == before


@pytest.mark.parametrize("retries", [0, 1])
@pytest.mark.parametrize(("interval", "timeout"), [(3.0, 2.0), (0.5, 0.25)])
def test_keepalived_understands_every_check(interval: float, timeout: float, retries: int) -> None:
    health.test_configuration(configuration(every_check()._replace(interval=interval, timeout=timeout, retries=retries), TABLE))


@pytest.mark.parametrize("text", BROKEN.values(), ids=list(BROKEN))
def test_a_wrong_configuration_is_refused(text: str, checks: str) -> None:
    with pytest.raises(IpvsUnavailableError, match="othing was changed"):
        health.put_configuration(text)
    assert CONFIGURATION.read_text(encoding="utf-8") == checks


@pytest.mark.parametrize("text", BROKEN.values(), ids=list(BROKEN))
def test_with_a_wrong_configuration_the_checks_neither_reload_nor_start(text: str, checks: str) -> None:
    before = table()
    # As a person would, who edits the file.
    CONFIGURATION.write_text(text, encoding="utf-8")
    assert systemctl("reload", CHECKS) != 0
    assert is_active(), "the former configuration goes on"
    assert table() == before
    systemctl("kill", "--signal=KILL", CHECKS)
    # systemd tries again and again.
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        assert table() == before
        time.sleep(0.2)
    assert not is_active()


def test_without_its_namespace_keepalived_would_write_the_table(tmp_path: Path) -> None:
    """The control: in a namespace of its own, where there is nothing to lose."""
    path = tmp_path / "checks.conf"
    path.write_text(BROKEN["without the namespace"], encoding="utf-8")
    inside = ("ip", "netns", "exec", "control")
    command = ("keepalived", "--dont-fork", "--check", f"--use-file={path}", f"--pid={tmp_path}/1", f"--checkers_pid={tmp_path}/2")
    subprocess.run(["ip", "netns", "add", "control"], check=True, timeout=60)
    try:
        subprocess.run([*inside, "ip", "link", "set", "lo", "up"], check=True, timeout=60)
        with subprocess.Popen([*inside, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as keepalived:
            try:
                deadline = time.monotonic() + 30
                while "192.0.2.1:80" not in table(*inside):
                    assert time.monotonic() < deadline
                    time.sleep(0.2)
            finally:
                keepalived.terminate()
                keepalived.wait(30)
    finally:
        subprocess.run(["ip", "netns", "delete", "control"], check=True, timeout=60)


def test_the_checks_make_their_namespace_and_the_fifo() -> None:
    """T2, T8: it is there, with lo up, in which the kernel takes any address for that of a real server."""
    links = subprocess.run(["ip", "-n", health.NAMESPACE, "-brief", "link"], check=True, capture_output=True, text=True, timeout=60)
    assert links.stdout.split()[:2] == ["lo", "UNKNOWN"]
    assert Path(health.FIFO).is_fifo()
    assert CONFIGURATION.stat().st_mode & 0o777 == 0o644
