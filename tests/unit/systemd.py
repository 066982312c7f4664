# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A systemd in memory; its unit files are in a directory of the test."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import systemd
from ansible_collections.lvs.director.plugins.module_utils._machine.command import Finished


class Systemd:
    """A fake systemctl; ``asked`` has the queries, ``told`` the commands."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.read: dict[str, str] = {}
        self.enabled: set[str] = set()
        self.active: set[str] = set()
        self.broken: set[str] = set()  # fail to start
        self.status: dict[str, int] = {}  # of their programs
        self.asked: list[str] = []
        self.told: list[str] = []

    def run(self, program: str, verb: str, *words: str, timeout: float = 0) -> Finished:
        assert program == "systemctl"
        names = [word for word in words if not word.startswith("-")]
        if verb == "show":
            self.asked.append(" ".join(names))
            return Finished(0, "\n\n".join(map(self._properties, names)) + "\n", "")
        self.told.append(" ".join([verb, *words]))
        if verb == "daemon-reload":
            self.read = self.files()
        if verb == "enable":
            self.enabled.update(names)
        if verb in ("start", "restart"):
            if set(names) & self.broken:
                return Finished(1, "", f"Job for {names[0]} failed because the control process exited with error code.\n")
            self.active.update(names)
        if verb == "disable":
            self.enabled.difference_update(names)
            self.active.difference_update(names)
        return Finished(1 if verb == "reset-failed" else 0, "", "")

    def files(self) -> dict[str, str]:
        return {str(path.relative_to(self.directory)): path.read_text() for path in self.directory.rglob("*") if path.is_file()}

    def _properties(self, name: str) -> str:
        def own(every: dict[str, str]) -> dict[str, str]:
            return {path: text for path, text in every.items() if path.split("/")[0] in (name, f"{name}.d")}

        values = {
            "LoadState": "loaded" if (self.directory / name).exists() else "not-found",
            "ActiveState": "active" if name in self.active else "failed" if self.status.get(name) else "inactive",
            "UnitFileState": "enabled" if name in self.enabled else "",
            "ExecMainStatus": str(self.status.get(name, 0)),
            "NeedDaemonReload": "yes" if own(self.read) != own(self.files()) else "no",
        }
        return "\n".join(f"{key}={value}" for key, value in values.items())


@pytest.fixture
def units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Systemd:
    """Replace the machine's systemd, and its directory of units."""
    fake = Systemd(tmp_path / "units")
    fake.directory.mkdir()
    monkeypatch.setattr(systemd, "DIRECTORY", str(fake.directory))
    monkeypatch.setattr(systemd, "run", fake.run)
    return fake
