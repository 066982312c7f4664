# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say what kind of machine this is: the facts that decide whether the role can work here. Reads only.

argv[1] is base64 of JSON: {"certificate": what DKMS signs with where its own configuration does not say otherwise}.

Not Ansible's own facts, because a cached fact still names the kernel of before the last reboot.
"""

import base64
import json
import os
import pathlib
import re
import subprocess
import sys
from importlib.util import find_spec

CAP_SYS_MODULE = 16


def may_load_modules() -> bool:
    """Root in a container often lacks this one right."""
    status = pathlib.Path("/proc/self/status").read_text(encoding="ascii")
    capabilities = int(re.search(r"^CapEff:\s*([0-9a-f]+)$", status, re.M).group(1), 16)
    return bool(capabilities & 1 << CAP_SYS_MODULE)


def wants_signed_modules() -> bool:
    """True if the kernel refuses modules that no key it trusts has signed (Secure Boot, or module.sig_enforce=1)."""
    enforce = pathlib.Path("/sys/module/module/parameters/sig_enforce")
    lockdown = pathlib.Path("/sys/kernel/security/lockdown")
    if enforce.exists() and enforce.read_text(encoding="ascii").strip() == "Y":
        return True
    try:
        return "[none]" not in lockdown.read_text(encoding="ascii")
    except OSError:  # without securityfs, or not allowed to look: no lockdown that we could know of
        return False


def has_ip_vs() -> bool:
    """Loaded, built in, or there to be loaded."""
    if pathlib.Path("/proc/net/ip_vs").exists():
        return True
    environment = {**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    try:
        answer = subprocess.run(["modinfo", "ip_vs"], env=environment, capture_output=True, check=False)
    except FileNotFoundError:  # no kmod package yet: not known to be missing
        return True
    return answer.returncode == 0


def certificate(usual: str, kernel: str) -> str:
    """What DKMS's configuration says, which is a shell's and may name the kernel."""
    files = "/etc/dkms/framework.conf /etc/dkms/framework.conf.d/*.conf"
    script = f"for file in {files}; do [ -e $file ] && . $file; done; echo $mok_certificate"
    environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "kernelver": kernel}
    answer = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or usual


if __name__ == "__main__":
    request = json.loads(base64.b64decode(sys.argv[1]))
    release = os.uname().release
    json.dump(
        {
            "steps": [],
            "kernel": release,
            "root": os.geteuid() == 0,
            "may_load_modules": may_load_modules(),
            "wants_signed_modules": wants_signed_modules(),
            "certificate": certificate(request["certificate"], release),
            "has_ip_vs": has_ip_vs(),
            # Whether there is anything to take away where no firewall marks are asked for.
            "sets_fwmarks": pathlib.Path("/etc/systemd/system/ipvs_director_fwmark.service").exists(),
            # What the collection's modules need, and only the first run of the role brings.
            "table_ready": pathlib.Path("/sys/module/ip_vs_test").exists() and find_spec("pyroute2") is not None,
        },
        sys.stdout,
    )
