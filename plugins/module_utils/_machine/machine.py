# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Facts of the machine that decide whether it can become a director. Read only.

They are never cached: a cached fact could name the kernel that ran before the last reboot.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Sequence
from typing import NamedTuple

from ansible_collections.lvs.director.plugins.module_utils._machine.command import run

# Where DKMS keeps its certificate on most distributions.
CERTIFICATE = "/var/lib/dkms/mok.pub"
STATUS = "/proc/self/status"
# Exists while ip_vs is loaded.
TABLE = "/proc/net/ip_vs"

INTERFACES = "/sys/class/net"

_CAP_SYS_MODULE = 16


class Packages(NamedTuple):
    """Packages that match one of the patterns."""

    installed: list[str]
    unfinished: list[str]  # unpacked, but not configured: a package script failed


def interfaces() -> list[str]:
    """Return the names of the network interfaces."""
    # bonding has a file there, too.
    return sorted(name for name in os.listdir(INTERFACES) if os.path.isdir(os.path.join(INTERFACES, name)))


def may_load_modules() -> bool:
    """Return whether this process has CAP_SYS_MODULE; root in a container often lacks it."""
    with open(STATUS, encoding="ascii") as status:
        capabilities = re.search(r"^CapEff:\s*([0-9a-f]+)$", status.read(), re.M)
    return bool(capabilities and int(capabilities[1], 16) & 1 << _CAP_SYS_MODULE)


def wants_signed_modules() -> bool:
    """Return whether the kernel loads only signed modules (Secure Boot, or ``module.sig_enforce=1``)."""
    if _content("/sys/module/module/parameters/sig_enforce").strip() == "Y":
        return True
    # Empty without securityfs: assume no lockdown.
    lockdown = _content("/sys/kernel/security/lockdown")
    return bool(lockdown) and "[none]" not in lockdown


def _content(path: str) -> str:
    try:
        with open(path, encoding="ascii") as file:
            return file.read()
    except OSError:
        return ""


def has_ip_vs() -> bool:
    """Return whether ip_vs is loaded, built in, or can be loaded. True if in doubt."""
    if os.path.exists(TABLE):
        return True
    # modinfo is missing until the package kmod is installed.
    return not _installed("modinfo") or run("modinfo", "ip_vs").code == 0


def certificate(usual: str = CERTIFICATE) -> str:
    """Return the path of the certificate whose key DKMS signs modules with.

    :param usual: the path if DKMS's configuration names none.
    """
    # The configuration is a shell script, and may use $kernelver.
    files = "/etc/dkms/framework.conf /etc/dkms/framework.conf.d/*.conf"
    script = f"for file in {files}; do [ -e $file ] && . $file; done; echo $mok_certificate"
    return run("bash", "-c", script, environment={"kernelver": os.uname().release}).output.strip() or usual


def packages(patterns: Sequence[str]) -> Packages:
    """Return the packages whose names match shell patterns."""
    if not patterns:
        return Packages([], [])
    if _installed("dpkg-query"):
        # The exit status only says that a pattern matched nothing.
        listed = run("dpkg-query", "--show", "--showformat", "${db:Status-Status} ${Package}\n", *patterns).output
    elif _installed("rpm"):
        # The pattern may be a name, or a name with a version.
        listed = run(
            "rpm", "-qa", "--queryformat", r"installed %{NAME}\ninstalled %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH}\n", *patterns
        ).output
    else:
        return Packages([], [])
    found: dict[str, list[str]] = {}
    for line in listed.splitlines():
        status, _space, name = line.partition(" ")
        found.setdefault(status, []).append(name)
    return Packages(found.get("installed", []), [*found.get("unpacked", []), *found.get("half-configured", [])])


def _installed(program: str) -> bool:
    return shutil.which(program, path="/usr/sbin:/usr/bin:/sbin:/bin") is not None
