# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_health, with a keepalived in memory. The scenario ``health`` has the real one."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._health.configuration import configuration
from ansible_collections.lvs.director.plugins.module_utils._machine import boot, health, health_units, program, systemd
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError
from ansible_collections.lvs.director.plugins.module_utils._model.health import Check, Health, HealthRules
from ansible_collections.lvs.director.plugins.module_utils._persist import health as _file
from ansible_collections.lvs.director.plugins.module_utils._persist.health import read_health

from ...health import WEB as WEB_KEY
from ...health import destination
from ...systemd import Systemd, units
from .conftest import Result, Run

__all__ = ["units"]

CHECKS, FOLLOWER = "ipvs-director-checks.service", "ipvs-director-health.service"
ADDRESS = {"protocol": "tcp", "address": "192.0.2.1", "port": 80}
WEB: dict[str, Any] = {**ADDRESS, "checks": [{"type": "http", "path": "/health", "status": 200}]}
MARK: dict[str, Any] = {"fwmark": 7, "checks": [{"type": "tcp", "port": 80}]}
ONE = destination("10.0.0.1", 80)


class Machine:
    """Its files, and a keepalived that refuses texts."""

    def __init__(self, root: Path, units: Systemd) -> None:
        self.command = root / "sbin" / "ipvs-director"
        self.declared = root / "var" / "health.json"
        self.configuration = root / "etc" / "checks.conf"
        self.pending = root / "run" / "checks.pending"
        self.fifo = root / "run" / "checks.fifo"
        self.namespace = root / "netns"
        self.units = units
        self.programs = {"keepalived", "openssl", "/usr/local/bin/check"}
        self.refused = ""
        self.tested: list[str] = []
        self.ran: list[str] = []
        self.failing = ""

    def run(self, command: str, *words: str, timeout: float = 0) -> Finished:
        if command == "keepalived":
            assert words[0] == "--config-test"
            path = words[1].removeprefix("--use-file=")
            self.tested.append(Path(path).read_text())
            if self.refused and self.refused in self.tested[-1]:
                return Finished(
                    5, "", f"({path}: Line 12) Unknown keyword 'x'\n(Line 12) Unknown keyword 'x'\n(Line 12) Unknown keyword 'x'\n"
                )
            return Finished(0, "", "")
        self.ran.append(" ".join([os.path.basename(command), *words]))
        return Finished(1, "", "the reason\n") if self.failing else Finished(0, "", "")

    def must_run(self, *words: str) -> str:
        assert words == ("ip", "netns", "delete", "lvs_checks")
        self.namespace.unlink()
        return ""


@pytest.fixture
def machine(units: Systemd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path, units)
    monkeypatch.setattr(program, "COMMAND", str(made.command))
    monkeypatch.setattr(program, "FORMER_COMMAND", str(tmp_path / "former"))
    monkeypatch.setattr(program, "LIBRARY", str(tmp_path / "lib"))
    monkeypatch.setattr(program, "INTERPRETER", "/bin/true")  # nobody runs the program
    for name, path in {
        "HEALTH": made.declared,
        "CONFIGURATION": made.configuration,
        "PENDING": made.pending,
        "FIFO": made.fifo,
        "_NAMESPACE_FILE": made.namespace,
    }.items():
        monkeypatch.setattr(health, name, str(path))
    monkeypatch.setattr(_file, "HEALTH", str(made.declared))
    monkeypatch.setattr(health, "run", made.run)
    monkeypatch.setattr(health, "must_run", made.must_run)
    monkeypatch.setattr(health, "is_installed", made.programs.__contains__)
    return made


def declared(run: Run, *services: dict[str, Any], **options: Any) -> Health:
    result = run("ipvs_health", services=list(services), **options)
    assert not result.get("failed"), result.get("msg")
    found = read_health()
    assert found is not None
    return found


def rules(run: Run, service: dict[str, Any], **options: Any) -> HealthRules:
    (found,) = declared(run, service, **options).rules
    return found


def check(run: Run, **options: Any) -> Check:
    (found,) = rules(run, {**ADDRESS, "checks": [options]}).checks
    return found


def refused(run: Run, *services: dict[str, Any], **options: Any) -> str:
    result: Result = run("ipvs_health", services=list(services), **options)
    assert result.get("failed"), result
    # Without the names of services and destinations: test_words.py has them.
    return re.sub(r"\] \([^)]*\)", "]", str(result["msg"]))


def test_everything_is_installed_and_started(run: Run, machine: Machine, units: Systemd) -> None:
    predicted = run("ipvs_health", check=True, services=[WEB])
    done = run("ipvs_health", services=[WEB])
    assert predicted["steps"] == done["steps"]
    assert done["steps"][1:] == [
        f"write {machine.command}",
        f"write {machine.declared}",
        f"write {machine.configuration}",
        *(f"write {units.directory / name}" for name in (CHECKS, FOLLOWER)),
        "have systemd read its units again",
        f"enable {CHECKS}, {FOLLOWER}",
        f"start {CHECKS}",
        f"start {FOLLOWER}",
    ]
    assert run("ipvs_health", services=[WEB])["changed"] is False
    assert units.active == {CHECKS, FOLLOWER}
    assert machine.declared.stat().st_mode & 0o777 == 0o600
    # keepalived does not read one that is executable.
    assert machine.configuration.stat().st_mode & 0o777 == 0o644
    assert machine.configuration.read_text() == configuration(Health(()), {})


def test_a_change_is_told_to_the_follower(run: Run, machine: Machine, units: Systemd) -> None:
    declared(run, WEB)
    machine.configuration.write_text("what the follower has written")
    assert run("ipvs_health", services=[{**WEB, "min_available": 2}])["steps"] == [f"write {machine.declared}", f"restart {FOLLOWER}"]
    assert machine.configuration.read_text() == "what the follower has written"
    (units.directory / CHECKS).write_text("an older one")
    assert run("ipvs_health", services=[{**WEB, "min_available": 2}])["steps"] == [
        f"write {units.directory / CHECKS}",
        "have systemd read its units again",
        f"restart {CHECKS}",
    ]


def test_a_new_program_is_run_by_the_units(run: Run, machine: Machine, units: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    declared(run, WEB)
    units.active.add(boot.RESYNC_UNIT)
    machine.command.write_text("an older one")
    assert run("ipvs_health", services=[WEB])["steps"] == [
        f"write {machine.command}",
        f"restart {FOLLOWER}",
        f"restart {boot.RESYNC_UNIT} with the new program",
    ]


def test_keepalived_tests_every_check_before_any_change(run: Run, machine: Machine) -> None:
    machine.refused = "TCP_CHECK"
    own = {"address": "10.0.0.1", "checks": [{"type": "tcp"}]}
    message = refused(run, {**WEB, "destinations": [own]})
    assert message == "keepalived refuses the health checks, and nothing was changed: (Line 12) Unknown keyword 'x'"
    assert (machine.declared.exists(), machine.configuration.exists(), machine.units.told) == (False, False, [])
    # Of a destination that may come, and of the one that is declared.
    (text,) = {*machine.tested}
    assert "real_server 192.0.2.1 80 {\n        weight 1\n        HTTP_GET" in text
    assert "real_server 10.0.0.1 80 {\n        weight 1\n        TCP_CHECK" in text


@pytest.mark.parametrize(
    ("missing", "options", "message"),
    [
        ("keepalived", {"type": "tcp"}, "keepalived is not on this machine, and nothing was changed. Install the package keepalived"),
        ("openssl", {"type": "https", "verify": True}, "openssl is not on this machine, .* Install the package openssl"),
        (
            "/usr/local/bin/check",
            {"type": "command", "command": ["/usr/local/bin/check"]},
            "/check is not on .* A check of type command runs it",
        ),
    ],
)
def test_a_missing_program_is_named(run: Run, machine: Machine, missing: str, options: dict[str, Any], message: str) -> None:
    machine.programs.discard(missing)
    service = {**ADDRESS, "checks": [options]}
    with pytest.raises(AssertionError, match=message):
        declared(run, service)
    # An earlier task of the play may install it.
    assert not run("ipvs_health", check=True, services=[service]).get("failed")
    machine.programs.add(missing)
    declared(run, service)


def test_the_checks_never_start_with_a_configuration_for_the_table_in_service(machine: Machine, tmp_path: Path) -> None:
    text = health_units.unit_files()[CHECKS]
    for verb, last in (("ExecStartPre", "ExecStart="), ("ExecReload", "ExecReload=/bin/kill -HUP $MAINPID")):
        lines = text.splitlines()
        shell = next(line for line in lines if line.startswith(f"{verb}=/bin/sh -c 'read -r line "))
        test = f"{verb}=/usr/sbin/keepalived --config-test --use-file={health_units.CONFIGURATION}"
        # A test that fails ends the start and the reload.
        assert lines.index(shell) < lines.index(test) < next(n for n, line in enumerate(lines) if line.startswith(last))
        path = tmp_path / "checks.conf"
        command = shell.split("'")[1].replace("$$", "$").replace(health_units.CONFIGURATION, str(path))
        for content, code in (
            (configuration(Health(()), {}), 0),
            ("", 1),
            ("global_defs {\nnet_namespace_ipvs lvs_checks\n}\n", 1),
            ("net_namespace_ipvs lvs_checks2\n", 1),
            ("# net_namespace_ipvs lvs_checks\n", 1),
        ):
            path.write_text(content)
            assert subprocess.run(["/bin/sh", "-c", command], check=False).returncode == code, content
    assert "\nExecStart=/usr/sbin/keepalived --dont-fork --check --use-file=/etc/lvs.director/checks.conf " in text
    assert "vrrp" not in text


def test_absent_releases_and_leaves_nothing(run: Run, machine: Machine, units: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("ipvs_health", state="absent")["steps"] == []
    declared(run, WEB)
    for path in (machine.namespace, machine.fifo, machine.pending):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    predicted = run("ipvs_health", check=True, state="absent")
    done = run("ipvs_health", state="absent")
    assert predicted["steps"] == done["steps"]
    assert done["steps"] == [
        f"stop {FOLLOWER}",
        f"run {machine.command} release",
        f"stop and disable {FOLLOWER}",
        f"stop and disable {CHECKS}",
        *(f"remove {units.directory / name}" for name in (CHECKS, FOLLOWER)),
        "have systemd forget them",
        "remove the network namespace lvs_checks",
        *(f"remove {path}" for path in (machine.configuration, machine.fifo, machine.pending, machine.declared, machine.command)),
        f"remove {program.LIBRARY}",
    ]
    assert machine.ran == ["ipvs-director release"]
    assert units.active == units.enabled == set()
    assert run("ipvs_health", state="absent")["changed"] is False


def test_nothing_is_removed_if_weights_cannot_be_given_back(run: Run, machine: Machine, units: Systemd) -> None:
    declared(run, WEB)
    machine.failing = "release"
    message = run("ipvs_health", state="absent")["msg"]
    assert "release failed, and nothing after it was done: the reason" in message
    assert machine.declared.exists()
    machine.command.unlink()
    message = run("ipvs_health", state="absent")["msg"]
    assert f"{machine.command} is missing, which gives held destinations their weight back. Nothing was changed" in message


def test_the_program_stays_while_another_unit_runs_it(run: Run, machine: Machine, units: Systemd) -> None:
    declared(run, WEB)
    (units.directory / "ipvs-director.service").write_text(f"ExecStart={machine.command} restore table\n")
    assert f"remove {machine.command}" not in run("ipvs_health", state="absent")["steps"]
    assert machine.command.exists()


TEXT = configuration(Health((HealthRules(WEB_KEY, (Check("tcp"),)),)), {WEB_KEY: [ONE]})


def test_the_follower_has_keepalived_read_a_configuration(machine: Machine, units: Systemd) -> None:
    units.active.add(CHECKS)
    assert health.put_configuration(TEXT) is True
    assert (machine.configuration.read_text(), machine.tested, units.told) == (TEXT, [TEXT], [f"reload {CHECKS}"])
    assert health.put_configuration(TEXT) is False
    assert units.told == [f"reload {CHECKS}"]


def test_checkers_that_do_not_run_read_it_when_they_start(machine: Machine, units: Systemd) -> None:
    assert health.put_configuration(TEXT) is True
    assert units.told == []


def test_a_configuration_that_is_refused_changes_nothing(machine: Machine, units: Systemd) -> None:
    health.put_configuration(TEXT)
    machine.refused = "other"
    with pytest.raises(IpvsUnavailableError, match=r"keepalived refuses the health checks, and nothing was changed: .*Unknown keyword 'x'"):
        health.put_configuration(TEXT + "# other\n")
    with pytest.raises(
        IpvsUnavailableError, match="The first line of the health checks' configuration is not net_namespace_ipvs lvs_checks"
    ):
        health.put_configuration("\n" + TEXT)
    assert (machine.configuration.read_text(), machine.pending.exists()) == (TEXT, False)


def test_a_reload_that_failed_is_made_up_for(machine: Machine, units: Systemd, monkeypatch: pytest.MonkeyPatch) -> None:
    units.active.add(CHECKS)

    def failing(*_words: str) -> str:
        raise IpvsUnavailableError("systemctl reload failed")

    with monkeypatch.context() as patch:
        patch.setattr(systemd, "systemctl", lambda *words: failing() if words[0] == "reload" else _systemctl(*words))
        with pytest.raises(IpvsUnavailableError):
            health.put_configuration(TEXT)
    assert health.put_configuration(TEXT) is True
    assert units.told == [f"reload {CHECKS}"]
    assert health.put_configuration(TEXT) is False


_systemctl = systemd.systemctl


def test_options_of_the_table_are_taken_and_ignored(run: Run, machine: Machine) -> None:
    plain = declared(run, WEB)
    full = {"scheduler": "test", "persistence_timeout": 60, "exclusive_destinations": True, "state": "present"}
    own = {"address": "10.0.0.1", "port": 80, "weight": 5, "forward_method": "direct", "upper_threshold": 10}
    assert declared(run, {**WEB, **full, "destinations": [own]}) == plain
    assert refused(run, {**WEB, "weigth": 5}).startswith("services[0]: there is no option weigth. There are state, protocol")
    assert "min_available, on_failure" in refused(run, {**WEB, "weigth": 5})
    # Of services that are not checked, nothing is kept.
    assert declared(run, WEB, {**MARK, "state": "absent"}, {**ADDRESS, "port": 81}) == plain


def test_what_names_a_service(run: Run, machine: Machine) -> None:
    keys = [
        each.key
        for each in declared(run, WEB, MARK, {**MARK, "family": "ipv6"}, {**WEB, "protocol": "sctp", "address": "2001:DB8::1"}).rules
    ]
    assert list(map(str, keys)) == ["tcp 192.0.2.1:80", "fwmark 7 (ipv4)", "fwmark 7 (ipv6)", "sctp [2001:db8::1]:80"]
    assert refused(run, WEB, WEB) == "services[1]: tcp 192.0.2.1:80 is listed already, as services[0]"


def test_defaults(run: Run, machine: Machine) -> None:
    assert declared(run, WEB)[1:] == (3.0, 2.0, 1, 1.0)
    assert rules(run, WEB).recover_after == 8.0
    times = {"interval": 1, "timeout": 0.5, "retries": 2, "retry_pause": 0.25}
    assert declared(run, WEB, defaults=times)[1:] == (1.0, 0.5, 2, 0.25)
    assert rules(run, WEB, defaults=times).recover_after == 3.0
    assert rules(run, WEB, defaults={"recover_after": 60}).recover_after == 60.0
    assert rules(run, {**WEB, "recover_after": 30}, defaults={"recover_after": 60}).recover_after == 30.0


def test_slow_start(run: Run, machine: Machine) -> None:
    assert rules(run, WEB).slow_start == 0.0
    assert rules(run, WEB, defaults={"slow_start": 60}).slow_start == 60.0
    assert rules(run, {**WEB, "slow_start": 30}, defaults={"slow_start": 60}).slow_start == 30.0
    assert "defaults.slow_start: -1 is not in the range 0 to 86400 seconds" in refused(run, WEB, defaults={"slow_start": -1})


def test_times_that_cannot_be_are_refused(run: Run, machine: Machine) -> None:
    assert refused(run, WEB, defaults={"recover_after": 7}) == (
        "defaults.recover_after: 7 seconds is less than the 8 after which a failure is noticed at the latest: interval + (retries + 1) x "
        "timeout + retries x retry_pause. Whenever the checks start anew, a dead real server would get traffic"
    )
    assert "services[0].recover_after: 7 seconds is less" in refused(run, {**WEB, "recover_after": 7})
    assert refused(run, WEB, defaults={"interval": 0}) == "defaults.interval: 0 is not in the range 0.1 to 86400 seconds"
    assert "defaults.timeout: 0 is not in" in refused(run, WEB, defaults={"timeout": 0})
    assert "defaults.retry_pause: -1 is not in" in refused(run, WEB, defaults={"retry_pause": -1})
    assert refused(run, WEB, defaults={"retries": 101}) == "defaults.retries: 101 is not in the range 0 to 100"


def test_min_available(run: Run, machine: Machine) -> None:
    assert rules(run, WEB)[4:6] == (1, False)
    assert rules(run, {**WEB, "min_available": 0})[4:6] == (0, False)
    assert rules(run, {**WEB, "min_available": "50%"})[4:6] == (50, True)
    for wrong in ("101%", "-1", "half", "5 %"):
        assert refused(run, {**WEB, "min_available": wrong}) == (
            f"services[0].min_available: {wrong!r} is neither a number of destinations nor a percentage like 50%"
        )


def test_on_failure(run: Run, machine: Machine) -> None:
    assert declared(run, {**WEB, "on_failure": "hold"}) == declared(run, WEB)
    assert "services[0].on_failure: 'remove' is none of hold" in refused(run, {**WEB, "on_failure": "remove"})


def test_destinations_that_differ(run: Run, machine: Machine) -> None:
    listed = [
        {"address": "10.0.0.1"},
        {"address": "10.0.0.2", "checks": []},
        {"address": "10.0.0.3", "port": 8080, "checks": [{"type": "ping"}]},
        {"address": "10.0.0.4", "sorry": True},
    ]
    found = rules(run, {**WEB, "destinations": listed})
    assert found.destinations == {destination("10.0.0.2", 80): (), destination("10.0.0.3", 8080): (Check("ping"),)}
    assert found.sorry == {destination("10.0.0.4", 80)}
    # Only some destinations of a service may have checks.
    assert rules(run, {**ADDRESS, "destinations": listed}).checks == ()


def test_rules_without_checks_are_refused(run: Run, machine: Machine) -> None:
    assert refused(run, ADDRESS) == "services: none of them has checks. To check nothing, use state absent"
    assert refused(run, WEB, {**ADDRESS, "port": 81, "min_available": 1}) == (
        "services[1].min_available: needs checks, and tcp 192.0.2.1:81 has none"
    )
    sorry = {**ADDRESS, "port": 81, "destinations": [{"address": "10.0.0.1", "sorry": True}]}
    assert "services[1].destinations: needs checks" in refused(run, WEB, sorry)


PLACE: dict[str, Any] = {"port": 81, "address": "2001:db8::9"}
HTTP: dict[str, Any] = {"path": "/a#b", "host": "example.org", "status": ["200", "300-399"], "digest": "ab" * 16, "body": 'it\'s "ok"'}
# A check with every option of its type, and what is kept in another form.
OPTIONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"type": "tcp", **PLACE, "address": "2001:DB8::9"}, PLACE),
    ({"type": "http", **PLACE, **HTTP, "digest": "AB" * 16, "status": [200, "300-399"]}, {**HTTP, "status": ("200", "300-399")}),
    ({"type": "https", **PLACE, **HTTP, "verify": True, "ca_file": "/etc/our own.pem"}, {"status": ("200", "300-399")}),
    ({"type": "smtp", **PLACE, "helo": "example.org"}, {}),
    ({"type": "dns", **PLACE, "name": "example.org", "record_type": "MX"}, {}),
    ({"type": "udp", **PLACE, "payload": "00 FF 01", "response": "0x XX"}, {"payload": "00ff01", "response": "0xxx"}),
    ({"type": "udp", "response": "any"}, {}),
    ({"type": "ping", "address": "10.0.0.1"}, {}),
    ({"type": "command", "command": ["/usr/local/bin/check", "{address}", ""]}, {"command": ("/usr/local/bin/check", "{address}", "")}),
]


@pytest.mark.parametrize(("options", "converted"), OPTIONS, ids=lambda value: value.get("type"))
def test_options_of_a_check(run: Run, machine: Machine, options: dict[str, Any], converted: dict[str, Any]) -> None:
    expected = {**options, **converted}
    found = check(run, **options)
    assert {"type": found.type, **dict(found.options)} == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, ".type: is missing"),
        ({"type": "telnet", "port": 23}, ".type: 'telnet' is none of tcp, http, https, smtp, dns, udp, ping, command"),
        ({"type": "tcp", "path": "/"}, ": there is no option path. There are type, port, address"),
        ({"type": "tcp", "port": 0}, ".port: 0 is not in the range 1 to 65535"),
        ({"type": "tcp", "address": "www"}, ".address: 'www' is not an IPv4 or IPv6 address"),
        ({"type": "http", "path": "health"}, ".path: 'health' does not begin with /, or has a blank; write that as %20"),
        ({"type": "http", "path": "/a b"}, ".path: '/a b' does not begin with /"),
        ({"type": "http", "path": '/"'}, ".path: '/\"' is empty, or has quotes, a backslash, a $ or a control character"),
        ({"type": "http", "path": "/\n}"}, ".path: '/\\n}' is empty, or has quotes"),
        ({"type": "http", "host": "a b"}, ".host: 'a b' is not the name of a host"),
        ({"type": "http", "status": ["ok"]}, ".status[0]: 'ok' is neither a status from 100 to 599 nor a range like 200-299"),
        ({"type": "http", "status": [200, "299-200"]}, ".status[1]: '299-200' is neither"),
        ({"type": "http", "digest": "abc"}, ".digest: 'abc' is not an MD5 digest of 32 hexadecimal digits"),
        ({"type": "http", "body": ""}, ".body: is empty, which every answer contains"),
        ({"type": "http", "verify": True}, ": there is no option verify"),
        ({"type": "https", "ca_file": "/etc/ca.pem"}, ".ca_file: needs verify: true"),
        ({"type": "dns", "record_type": "ANY"}, ".record_type: 'ANY' is none of A, NS"),
        ({"type": "udp", "payload": "0xff"}, ".payload: '0xff' is not a number of bytes, of two hexadecimal digits each"),
        ({"type": "udp", "payload": "00ff"}, ".payload: '00ff' ends in ff, which keepalived 2.2.7 takes for an error"),
        (
            {"type": "udp", "response": "some"},
            ".response: 'some' is neither any nor a number of bytes, of two hexadecimal digits or x each",
        ),
        ({"type": "command"}, ".command: is missing"),
        ({"type": "command", "command": ["check"]}, ".command: must begin with the absolute path of a program"),
        ({"type": "command", "command": ["/bin/sh", "-c", "exit $x"]}, ".command[2]: 'exit $x' is empty, or has quotes"),
        ("tcp", ": 'tcp' is not a dictionary of options"),
    ],
)
def test_a_wrong_option_of_a_check_is_named(run: Run, machine: Machine, options: Any, message: str) -> None:
    assert refused(run, {**ADDRESS, "checks": [{"type": "tcp"}, options]}).startswith(f"services[0].checks[1]{message}")
    own = {"address": "10.0.0.1", "checks": [options]}
    assert refused(run, {**ADDRESS, "destinations": [own]}).startswith(f"services[0].destinations[0].checks[0]{message}")


def test_a_service_without_a_port_needs_the_port_of_each_check(run: Run, machine: Machine) -> None:
    for kind in ("tcp", "http", "https", "smtp", "dns", "udp"):
        message = refused(run, {"fwmark": 7, "checks": [{"type": kind}]})
        assert message == "services[0].checks[0].port: is missing: fwmark 7 (ipv4) has no port of its own"
    assert "has no port of its own" in refused(run, {**ADDRESS, "port": 0, "checks": [{"type": "tcp"}]})
    declared(run, MARK, {"fwmark": 8, "checks": [{"type": "ping"}, {"type": "command", "command": ["/usr/local/bin/check"]}]})


def test_a_line_too_long_for_keepalived_is_refused(run: Run, machine: Machine) -> None:
    message = refused(run, {**ADDRESS, "checks": [{"type": "http", "path": "/" + "a" * 1000}]})
    assert "a line of keepalived's configuration has at most 1000 characters" in message


def test_a_damaged_declaration_is_replaced(run: Run, machine: Machine) -> None:
    declared(run, WEB)
    machine.declared.write_text("damaged")
    assert not run("ipvs_health", services=[WEB]).get("failed")
    assert read_health() is not None
