# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual machine: its QEMU, its console, and commands run in it over ssh."""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from . import process, qemu
from .attempts import attempts
from .errors import LabError, MachineDied
from .progress import Progress
from .qmp import Qmp, QmpError
from .spec import MachineSpec
from .tail import tail

BOOT_PATIENCE = 600.0
"""Seconds without an ssh answer until a machine that lives is given up; generous, for busy hosts."""


@dataclasses.dataclass(frozen=True)
class Machine:
    """A machine of a lab: where its files are, and how it is reached."""

    spec: MachineSpec
    number: int
    state: Path
    """The lab's directory: the console and QEMU's own words are kept here."""
    runtime: Path
    """A directory with a short name, for sockets."""
    identity_file: Path
    port: int = 0
    """Where ssh is forwarded to on 127.0.0.1, once it runs."""

    @property
    def name(self) -> str:
        return self.spec.name

    @property
    def mac(self) -> str:
        """The address of the lab interface, unique within the lab."""
        return f"52:54:00:4c:41:{self.number:02x}"

    # -- QEMU ------------------------------------------------------------------------------

    @property
    def console(self) -> Path:
        return self.state / f"{self.name}.console"

    @property
    def words(self) -> Path:
        """QEMU's standard error output."""
        return self.state / f"{self.name}.qemu"

    @property
    def own_disk(self) -> Path:
        """What it has written, if that is to survive the end of its QEMU."""
        return self.state / f"{self.name}.disk"

    @property
    def _qmp_path(self) -> Path:
        return self.runtime / f"{self.name}.qmp"

    @property
    def marker(self) -> str:
        """The argument by which this machine's QEMU is recognised."""
        return f"unix:{qemu.escape(self._qmp_path)},server=on,wait=off"

    def qmp(self) -> Qmp:
        """Talk to QEMU: set_link, stop, cont, system_reset ..."""
        return Qmp(self._qmp_path)

    def start(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        """Start QEMU with these arguments besides those of every machine."""
        self.console.unlink(missing_ok=True)
        command = [qemu.QEMU, *arguments, "-name", self.name, "-qmp", self.marker,
                   "-serial", f"file:{qemu.escape(self.console)}"]
        with open(self.words, "wb") as words:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words,
                                    cwd="/", start_new_session=True)

    @contextlib.contextmanager
    def first_conversation(self, started: subprocess.Popen[bytes]) -> Iterator[Qmp]:
        """Talk to a QEMU that has just been started; if it ends meanwhile, say why."""
        try:
            with self._connect(started) as qmp:
                yield qmp
        except (QmpError, OSError):
            with contextlib.suppress(subprocess.TimeoutExpired):
                started.wait(2)  # the connection may end a moment before the process
            self.check(started)
            raise

    def _connect(self, started: subprocess.Popen[bytes]) -> Qmp:
        for _attempt in attempts(60, f"{self.name}: its QEMU did not listen on {self._qmp_path}", pause=0.02):
            try:
                return self.qmp()
            except (FileNotFoundError, ConnectionRefusedError):
                self.check(started)
        raise AssertionError("attempts() ends with an error")

    def find_port(self, qmp: Qmp) -> Machine:
        """This machine with the port on which ssh is forwarded (QEMU took a free one)."""
        table = qmp("human-monitor-command", command_line="info usernet")
        match = re.search(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)", table)
        if match is None:
            raise LabError(f"{self.name}: QEMU does not tell the forwarded port:\n{table}")
        return dataclasses.replace(self, port=int(match[1]))

    # -- life and death --------------------------------------------------------------------

    def check(self, started: subprocess.Popen[bytes] | None = None) -> None:
        """Raise MachineDied, with the end of the console, if the machine does not live.

        Who started QEMU can give what he ``started``, and knows more about its end.
        """
        reason = self._death(started)
        if reason is None:
            return
        message = [f"machine {self.name} died: {reason}"]
        for title, path, last in (("QEMU said", self.words, tail(self.words)),
                                  ("its console ended with", self.console, self._last_words())):
            message.append(f"{title} ({path}):" if last else f"{title} nothing ({path})")
            message += [f"    {line}" for line in last]
        raise MachineDied("\n".join(message))

    def _death(self, started: subprocess.Popen[bytes] | None) -> str | None:
        if started is not None:
            status = started.poll()
            if status is not None:
                return (f"QEMU was killed by signal {-status} ({signal.strsignal(-status)})" if status < 0
                        else f"QEMU ended with status {status}")
        elif not process.find(self.marker):
            return "its QEMU is not running"
        return next((line for line in tail(self.console, 200) if "Kernel panic" in line), None)

    def _last_words(self) -> list[str]:
        """The end of the console; if the kernel fell over there, from where it began to."""
        lines = tail(self.console, 200)
        falls = re.compile("BUG:|Oops|general protection|Kernel panic")
        fall = next((number for number, line in enumerate(lines) if falls.search(line)), len(lines))
        return lines[min(fall, max(0, len(lines) - 30)):]

    def cable(self, *, plugged: bool) -> None:
        """Plug the cable of the lab interface in or out; the guest sees its carrier come and go."""
        with self.qmp() as qmp:
            qmp("set_link", name="lan", up=plugged)

    def freeze(self) -> None:
        """Stop its processor and its clocks, until ``thaw``: nothing in the guest can know of it."""
        with self.qmp() as qmp:
            qmp("stop")

    def thaw(self) -> None:
        """Go on where ``freeze`` has stopped."""
        with self.qmp() as qmp:
            qmp("cont")

    # -- ssh -------------------------------------------------------------------------------

    def ssh_arguments(self) -> list[str]:
        """An ssh command line for this machine; one connection serves all commands."""
        options = {
            "IdentityFile": str(self.identity_file), "IdentitiesOnly": "yes", "BatchMode": "yes",
            "UserKnownHostsFile": "/dev/null", "StrictHostKeyChecking": "no", "LogLevel": "ERROR",
            "ControlMaster": "auto", "ControlPersist": "yes", "ControlPath": str(self.runtime / f"{self.name}.ssh"),
            # cheaper to compute than the default, which counts in an emulated machine
            "KexAlgorithms": "curve25519-sha256",
            "ServerAliveInterval": "10", "ServerAliveCountMax": "6", "ConnectTimeout": "60",
        }
        return ["ssh", "-F", "none", *(f"-o{name}={value}" for name, value in options.items()),
                "-p", str(self.port), "root@127.0.0.1"]

    def popen(self, command: str | list[str], **options: Any) -> subprocess.Popen[str]:
        """Start a command in the machine, with pipes of text lines to it."""
        settings: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
                                    "text": True, "bufsize": 1}
        return subprocess.Popen([*self.ssh_arguments(), "-T", "--", _shell(command)], **(settings | options))

    def run(self, command: str | list[str], *, input: str = "", timeout: float = 600.0,  # noqa: A002 - as in subprocess.run
            check: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine to its end. With ``check`` a failure is an error.

        If the machine dies meanwhile, that is reported at once.
        """
        deadline = time.monotonic() + timeout
        with self.popen(command) as job:
            unsaid: str | None = input
            while True:
                try:
                    stdout, stderr = job.communicate(unsaid, timeout=1.0)
                    break
                except subprocess.TimeoutExpired:
                    unsaid = None  # communicate goes on with what it was given
                    try:
                        self.check()
                        if time.monotonic() > deadline:
                            raise LabError(f"{self.name}: {_shell(command)!r} has not ended within {timeout:.0f} s") from None
                    except LabError:
                        job.kill()
                        raise
        if job.returncode == 255:  # ssh's own failure, or (rarely) the command's
            self.check()
        if check and job.returncode != 0:
            raise LabError(f"{self.name}: {_shell(command)!r} ended with status {job.returncode}:\n{stdout}{stderr}")
        return subprocess.CompletedProcess(_shell(command), job.returncode, stdout, stderr)

    def forwarded(self, path: str) -> Path:
        """A socket on this side of a unix socket in the machine, for as long as the shared connection lasts."""
        here = self.runtime / f"{self.name}.forwarded"
        self.run("true", check=True)
        here.unlink(missing_ok=True)
        # One that is there already goes on, without a file.
        for command in ("cancel", "forward"):
            subprocess.run([*self.ssh_arguments(), "-O", command, "-L", f"{here}:{path}"], check=command == "forward",
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)
        return here

    def reboot(self, progress: Progress | None = None) -> None:
        """Restart the machine's system, and wait until commands can be run again."""
        progress = progress or Progress()
        boot = self.run("cat /proc/sys/kernel/random/boot_id", check=True).stdout
        self.run("systemctl reboot")
        self.hang_up()
        for _attempt in attempts(BOOT_PATIENCE, f"{self.name}: answers ssh, but has not rebooted", pause=0.5):
            self.wait_for_ssh(progress)
            answer = self.run("cat /proc/sys/kernel/random/boot_id")
            if answer.returncode == 0 and answer.stdout != boot:
                return
            self.hang_up()

    def hang_up(self) -> None:
        """End the shared connection, if there is one."""
        subprocess.run([*self.ssh_arguments(), "-O", "exit"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                       timeout=60)

    def wait_for_ssh(self, progress: Progress, started: subprocess.Popen[bytes] | None = None) -> None:
        """Wait until commands can be run; a machine that dies meanwhile is reported at once."""
        deadline = time.monotonic() + BOOT_PATIENCE
        with progress.waiting(self.name, "ssh"):
            while True:
                self.check(started)
                if self._greets() and self.run("true").returncode == 0:
                    return
                if time.monotonic() > deadline:
                    last = "\n".join(f"    {line}" for line in tail(self.console))
                    raise LabError(f"{self.name}: runs, but does not answer ssh on 127.0.0.1:{self.port} since "
                                   f"{BOOT_PATIENCE:.0f} s; its console ended with:\n{last}")
                time.sleep(0.1)

    def _greets(self) -> bool:
        """Whether a ssh server answers. (The forwarded port accepts long before.)"""
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
        return False


def _shell(command: str | list[str]) -> str:
    return command if isinstance(command, str) else shlex.join(command)
