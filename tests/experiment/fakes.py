# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo without virtual machines: a lab whose kernel behaves as expected, and takes as long as a recorded run."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._selftest import run as _run
from ansible_collections.lvs.director.plugins.module_utils._selftest.director import render
from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Expected

from experiment import demo, director, live
from experiment.recorded import loaded
from experiment.replay import RECORDED
from experiment.service import services

SERVICES = {service.port: service for service in services().values()}


class FakeLab:
    """Director and client. `events` has what was done with the machines."""

    def __init__(self) -> None:
        service = services()["test"]
        self.kernels = {port: Expected(each) for port, each in SERVICES.items()}
        self.answers: dict[str, str | None] = {}
        records = loaded(RECORDED.read_text(encoding="utf-8"), service)
        self.milliseconds = {connection.number: connection.ms for record in records for connection in record.connections}
        self.events: list[str] = []
        self.fault: Callable[[int, str | None], str | None] = lambda _number, server: server
        self.seconds = 0.0

    # -- the lab -----------------------------------------------------------------------------

    def up(self, _machines: list[dict[str, Any]]) -> FakeLab:
        self.events.append("up")
        return self

    def down(self) -> None:
        self.events.append("down")

    def __enter__(self) -> FakeLab:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.down()

    def __getitem__(self, name: str) -> Any:
        return types.SimpleNamespace(name=name, run=self.run, popen=None)

    def __iter__(self) -> Iterator[Any]:
        return (self[name] for name in ("director", "client"))

    def run(self, command: str, *, check: bool) -> Any:
        """Answer ipvsadm."""
        assert check
        port = int(command.rpartition(":")[2])
        return types.SimpleNamespace(stdout=render(SERVICES[port], self.kernels[port].rows()))

    # -- the client --------------------------------------------------------------------------

    def ask(self, do: str, **values: Any) -> dict[str, Any]:
        if do == "check":
            return {"dead": []}
        port, number = map(int, values["key"].split("/"))
        kernel = self.kernels[port]
        if do == "open":
            address = self.fault(number, kernel.open()) if port == 21 else kernel.open()
            self.answers[values["key"]] = address
            ms = self.milliseconds[number]
            return {"greeting": f"220 lvs.director experiment [{address}]", "ms": ms} if address else {"error": "ECONNREFUSED", "ms": ms}
        if address := self.answers.pop(values["key"], None):
            kernel.close(address)
        return {}

    # -- Ansible -----------------------------------------------------------------------------

    def ansible(self, command: list[str], **_options: Any) -> subprocess.CompletedProcess[str]:
        if not command[0].endswith("ansible-playbook"):
            given = json.loads(command[-1])
            self.kernels[given["service"]["port"]].set_weight(given["address"], given["weight"])
        return subprocess.CompletedProcess(command, 0, "", "")

    # -- time --------------------------------------------------------------------------------

    def sleep(self, seconds: float) -> None:
        """Ended connections are forgotten whenever somebody waits for a second."""
        self.seconds += seconds
        if seconds == 1:
            for kernel in self.kernels.values():
                for address in kernel.servers:
                    kernel.forget(address)


class FakeAgent:
    def __init__(self, lab: FakeLab) -> None:
        self.ask = lab.ask

    def __enter__(self) -> FakeAgent:
        return self

    def __exit__(self, *_exc: object) -> None:
        pass


def install(patch: pytest.MonkeyPatch) -> FakeLab:
    """Let the demo run in this process, in no time."""
    lab = FakeLab()
    clock = types.SimpleNamespace(monotonic=lambda: lab.seconds, sleep=lab.sleep)
    patch.setattr(_run, "time", clock)
    patch.setattr(live, "time", types.SimpleNamespace(sleep=lambda _seconds: None))
    patch.setattr(demo, "time", types.SimpleNamespace(monotonic=lambda: 0.0))
    patch.setattr(demo, "Lab", lambda _state: lab)
    patch.setattr(demo, "Agent", lambda _popen: FakeAgent(lab))
    patch.setattr(demo, "write_inventory", lambda _lab, _machines: None)
    fake = types.SimpleNamespace(run=lab.ansible, DEVNULL=subprocess.DEVNULL, TimeoutExpired=subprocess.TimeoutExpired)
    patch.setattr(demo, "subprocess", fake)
    patch.setattr(director, "subprocess", fake)
    return lab


if __name__ == "__main__":
    with pytest.MonkeyPatch.context() as monkeypatch:
        installed = install(monkeypatch)
        if "wrong" in sys.argv:
            installed.fault = lambda number, server: "10.211.55.250" if number == 5 else server
        sys.exit(demo.demo())
