# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One virtual machine: its QEMU, its console, and commands run in it over ssh."""

from __future__ import annotations

import contextlib
import dataclasses
import ipaddress
import re
import shlex
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from . import process
from .accel import QEMU
from .errors import LabError, MachineDied
from .images import Image
from .progress import Progress
from .qmp import Qmp
from .tail import tail

BOOT_PATIENCE = 600.0
"""Seconds without an ssh answer until a machine that lives is given up; generous, for busy hosts."""

FOR_THE_INVENTORY = {"groups", "children"}
"""Keys of molecule's platforms that mean nothing to a machine."""

# What is left of mitigations costs emulated time and protects nobody here.
KERNEL_ARGUMENTS = ("root=/dev/vda rw console=ttyS0 net.ifnames=0 mitigations=off audit=0 quiet "
                    "systemd.show_status=0 "
                    # an oops shall end the machine, and so be reported, instead of a test being fooled by what is left
                    "oops=panic")


@dataclasses.dataclass(frozen=True)
class MachineSpec:
    """A machine as it is asked for (an item of molecule's platforms)."""

    name: str
    image: str = "debian12"
    memory: int = 256
    cpus: int = 1
    lan: str | None = None

    @property
    def kind(self) -> tuple[str, int, int]:
        """What machines that share a template have in common."""
        return self.image, self.memory, self.cpus

    @classmethod
    def parse(cls, values: dict[str, Any]) -> MachineSpec:
        """A checked specification from decoded JSON."""
        known = {field.name for field in dataclasses.fields(cls)}
        unknown = set(values) - known - FOR_THE_INVENTORY
        if unknown:
            raise LabError(f"machine {values.get('name')!r}: unknown key {', '.join(sorted(unknown))}; "
                           f"known are {', '.join(sorted(known | FOR_THE_INVENTORY))}")
        if not isinstance(values.get("name"), str) or not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", values["name"]):
            raise LabError(f"machine {values.get('name')!r}: the name must be a host name of small letters, digits and -")
        for number in ("memory", "cpus"):
            if not isinstance(values.get(number, 1), int) or values.get(number, 1) < 1:
                raise LabError(f"machine {values['name']!r}: {number} must be a positive whole number")
        if values.get("lan") is not None:
            try:
                if "/" not in str(values["lan"]):
                    raise ValueError("the prefix length is missing")
                ipaddress.ip_interface(values["lan"])
            except ValueError as error:
                raise LabError(f"machine {values['name']!r}: lan must be like 10.211.55.3/24: {error}") from None
        return cls(**{name: value for name, value in values.items() if name in known})


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
        """What QEMU says on its standard error output."""
        return self.state / f"{self.name}.qemu"

    @property
    def _qmp_path(self) -> Path:
        return self.runtime / f"{self.name}.qmp"

    @property
    def marker(self) -> str:
        """The argument by which this machine's QEMU is recognised."""
        return f"unix:{escape(self._qmp_path)},server=on,wait=off"

    def qmp(self) -> Qmp:
        """Talk to QEMU: set_link, stop, cont, system_reset ..."""
        return Qmp(self._qmp_path)

    def start(self, arguments: list[str]) -> subprocess.Popen[bytes]:
        """Start QEMU with these arguments besides those of every machine."""
        self.console.unlink(missing_ok=True)
        command = [QEMU, *arguments, "-name", self.name, "-qmp", self.marker,
                   "-serial", f"file:{escape(self.console)}"]
        with open(self.words, "wb") as words:
            return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=words, stderr=words,
                                    cwd="/", start_new_session=True)

    def connect(self, qemu: subprocess.Popen[bytes]) -> Qmp:
        """The first conversation with a QEMU that has just been started."""
        while True:
            try:
                return self.qmp()
            except (FileNotFoundError, ConnectionRefusedError):
                self.check(qemu)
                time.sleep(0.02)

    def find_port(self, qmp: Qmp) -> Machine:
        """This machine with the port on which ssh is forwarded (QEMU took a free one)."""
        table = qmp("human-monitor-command", command_line="info usernet")
        match = re.search(r"HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)", table)
        if match is None:
            raise LabError(f"{self.name}: QEMU does not tell the forwarded port:\n{table}")
        return dataclasses.replace(self, port=int(match[1]))

    # -- life and death --------------------------------------------------------------------

    def check(self, qemu: subprocess.Popen[bytes] | None = None) -> None:
        """Raise MachineDied, with the end of the console, if the machine does not live.

        Whoever started QEMU knows more about its end, if he gives it.
        """
        reason = self._death(qemu)
        if reason is None:
            return
        message = [f"machine {self.name} died: {reason}"]
        for title, path in (("QEMU said", self.words), ("its console ended with", self.console)):
            last = tail(path)
            message.append(f"{title} ({path}):" if last else f"{title} nothing ({path})")
            message += [f"    {line}" for line in last]
        raise MachineDied("\n".join(message))

    def _death(self, qemu: subprocess.Popen[bytes] | None) -> str | None:
        if qemu is not None:
            status = qemu.poll()
            if status is not None:
                return (f"QEMU was killed by signal {-status} ({signal.strsignal(-status)})" if status < 0
                        else f"QEMU ended with status {status}")
        elif not process.find(self.marker):
            return "its QEMU is not running"
        panics = [line for line in tail(self.console, 200) if "Kernel panic" in line]
        return panics[-1].strip() if panics else None

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
            while True:
                try:
                    stdout, stderr = job.communicate(input, timeout=1.0)
                    break
                except subprocess.TimeoutExpired:
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

    def reboot(self, progress: Progress) -> None:
        """Restart the machine's system, and wait until commands can be run again."""
        boot = self.run("cat /proc/sys/kernel/random/boot_id", check=True).stdout
        self.run("systemctl reboot")
        self.hang_up()
        with progress.waiting(self.name, "reboot"):
            while True:
                self.wait_for_ssh(progress)
                answer = self.run("cat /proc/sys/kernel/random/boot_id")
                if answer.returncode == 0 and answer.stdout != boot:
                    return
                self.hang_up()
                time.sleep(0.5)

    def hang_up(self) -> None:
        """End the shared connection, if there is one."""
        subprocess.run([*self.ssh_arguments(), "-O", "exit"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)

    def wait_for_ssh(self, progress: Progress, qemu: subprocess.Popen[bytes] | None = None) -> None:
        """Wait until commands can be run; a machine that dies meanwhile is reported at once."""
        deadline = time.monotonic() + BOOT_PATIENCE
        with progress.waiting(self.name, "ssh"):
            while True:
                self.check(qemu)
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


# -- QEMU's command line ---------------------------------------------------------------------


def escape(path: Path) -> str:
    """A path within one of QEMU's comma separated options."""
    return str(path).replace(",", ",,")


def hardware(image: Image, accel: str, memory: int, cpus: int) -> list[str]:
    """What a template and its clones must have in common."""
    return ["-M", "pc", "-nodefaults", "-display", "none",
            *(["-accel", "kvm", "-cpu", "host,migratable=on"] if accel == "kvm" else
              # QEMU would keep up to half a gigabyte of translated code per machine. A quarter
              # of the machine's memory is where more stops to pay.
              ["-accel", f"tcg,thread=multi,tb-size={max(64, memory // 4)}"]),
            "-m", str(memory), "-smp", str(cpus),
            "-kernel", str(image.kernel), "-initrd", str(image.initrd), "-append", KERNEL_ARGUMENTS,
            "-device", "virtio-blk-pci,drive=disk", "-device", "virtio-rng-pci",
            # tells a resumed guest that it is a clone: its random numbers must differ from its twins'
            "-device", "vmgenid,guid=auto",
            "-device", "virtio-net-pci,netdev=management,romfile=",
            # port 0: QEMU takes one that is free
            "-netdev", "user,id=management,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22"]


def disk(path: Path, *, keep: bool) -> list[str]:
    """The disk; without ``keep`` what is written goes to a file without a name, and is gone at the end."""
    return ["-drive", f"id=disk,if=none,file={escape(path)},format=qcow2,cache=unsafe,discard=unmap,"
                      f"snapshot={'off' if keep else 'on'}"]


def lab_interface(backend: str, mac: str) -> list[str]:
    """The second network interface, eth1 of the guest."""
    return ["-netdev", f"{backend},id=lan", "-device", f"virtio-net-pci,netdev=lan,mac={mac},romfile="]
