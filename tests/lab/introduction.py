# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a resumed machine must learn."""

from __future__ import annotations

import time

from .machine import Machine


def introduction(vm: Machine) -> str:
    """A shell script that tells the machine the time, who it is, and its place in the lab.

    The address is written where the next boot finds it. Its hardware address is set because
    the saved state carries the template's; after a reboot the one of the command line is in force.
    """
    steps = ["set -e", f"date -s @{time.time():.3f} >/dev/null",
             f"echo {vm.name} >/etc/hostname", f"hostname {vm.name}",
             f"printf '127.0.0.1 localhost\\n127.0.1.1 {vm.name}\\n' >/etc/hosts",
             f"ip link set eth1 down address {vm.mac}"]
    if vm.spec.lan is not None:
        steps += [f"printf '[Match]\\nName=eth1\\n[Network]\\nAddress={vm.spec.lan}\\nIPv6AcceptRA=no\\n'"
                  " >/etc/systemd/network/20-lan.network",
                  "networkctl reload",
                  f"until ip -o address show dev eth1 | grep -qF ' {vm.spec.lan} '; do sleep 0.05; done"]
    return "\n".join(steps)
