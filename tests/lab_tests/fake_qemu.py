# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands where QEMU would: answers on the QMP socket, writes a console, and meets the fate in FAKE_QEMU_FATES.

FAKE_QEMU_FATES: "NAME=FATE ...", FATE being live (though no ssh server ever greets), panic, refuse, corrupt,
or the number of the signal that kills.
"""

import contextlib
import json
import os
import socket
import sys
import threading
import time

arguments = dict(zip(sys.argv[1::1], sys.argv[2::1], strict=False))
name = arguments["-name"]
fate = dict(word.split("=") for word in os.environ["FAKE_QEMU_FATES"].split())[name]
if fate == "refuse":
    sys.exit("qemu: -device nonsense: there is no such device")


def print_on_console(text: str) -> None:
    with open(arguments["-serial"].removeprefix("file:"), "a") as console:
        console.write(text + "\n")


for number in range(40):
    print_on_console(f"line {number} of {name}")

forwarded = socket.create_server(("127.0.0.1", 0))
qmp = socket.socket(socket.AF_UNIX)
place = arguments["-qmp"].removeprefix("unix:").partition(",")[0]
with contextlib.suppress(FileNotFoundError):
    os.unlink(place)  # as QEMU does: the one before, powered off, has left it
qmp.bind(place)
qmp.listen()


def greet() -> None:
    while True:
        forwarded.accept()[0].close()  # as user-mode networking does while the guest does not listen


def answer(connection: socket.socket) -> None:
    lines = connection.makefile("rw")

    def say(message: object) -> None:
        lines.write(json.dumps(message) + "\n")
        lines.flush()

    say({"QMP": {}})
    for line in lines:
        command = json.loads(line)["execute"]
        if fate == "corrupt" and command == "migrate-incoming":
            sys.exit("qemu: error while loading state for instance 0x0 of device 'ram'")
        if command == "quit":
            say({"return": {}})
            os._exit(0)
        port = forwarded.getsockname()[1]
        say({"return": {"query-status": {"status": "running"},
                        "human-monitor-command": f"  TCP[HOST_FORWARD]  12  127.0.0.1  {port}  10.0.2.15  22\n"}.get(command, {})})


threading.Thread(target=greet, daemon=True).start()
if fate not in ("live", "corrupt"):
    def meet_it() -> None:
        time.sleep(0.5)
        if fate == "panic":
            print_on_console("[    3.14] Kernel panic - not syncing: Fatal exception")
        else:
            os.kill(os.getpid(), int(fate))
    threading.Thread(target=meet_it, daemon=True).start()
while True:
    with contextlib.suppress(ConnectionError):  # as QEMU outlives whoever talks to it
        answer(qmp.accept()[0])
