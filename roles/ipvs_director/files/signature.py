# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Say, before it is loaded, whether a kernel that only loads signed modules trusts the key that DKMS signs with.

argv[1] is base64 of JSON: {"name", "kernel", "certificate", "rebuilt": bool, "check": bool}. Answers with JSON: {"steps": [],
"untrusted": what a person must do, or "", "needed": whether the module has to be loaded at all}, or {"steps", "error"}.
Reads only.

The kernel names the keys that it trusts in /proc/keys, also without UEFI, which mokutil needs. It names some that it does
not trust with modules, too: so what is missing there is refused for certain, and of the rest modprobe has the last word.
"""

from __future__ import annotations

import base64
import json
import os
import pathlib
import re
import subprocess
import sys
import typing as t

KEYS = pathlib.Path("/proc/keys")
LOADED = pathlib.Path("/sys/module")
UEFI = pathlib.Path("/sys/firmware/efi")


class CannotError(Exception):
    """What the person who runs the play must know; nothing else raises it."""


def run(*command: str) -> str:
    """What was printed; nothing if that failed."""
    environment = {**os.environ, "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    try:
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def read_certificate(path: str) -> tuple[str, str]:
    """The name of its key as the kernel has it, in hexadecimal digits, and its fingerprint as mokutil shows it."""
    # The kernel takes the key's identifier, and the serial number where a certificate has none.
    key = re.search(r"^\s+([0-9A-F:]+)$", run("openssl", "x509", "-in", path, "-noout", "-ext", "subjectKeyIdentifier"), re.M)
    name = key[1] if key else run("openssl", "x509", "-in", path, "-noout", "-serial").partition("=")[2]
    fingerprint = run("openssl", "x509", "-in", path, "-noout", "-fingerprint", "-sha1").partition("=")[2]
    if not name or not fingerprint:
        raise CannotError(f"{path}, with whose key DKMS signs, is not a certificate that openssl can read.")
    return name.replace(":", "").lower(), fingerprint.lower()


def keys_of(listing: str) -> set[str]:
    """From lines that end like "asymmetri DKMS module signing key: 8f0e61...: X509.rsa 61f0b9d2 []"."""
    return set(re.findall(r": ([0-9a-f]+): X509\.", listing))


def is_current(name: str, kernel: str) -> bool:
    """Whether what is installed is loaded already, so that the kernel need not take it."""
    path = LOADED / name / "srcversion"
    return path.exists() and path.read_text(encoding="ascii").strip() == run("modinfo", "-k", kernel, "-F", "srcversion", name)


def what_to_do(name: str, certificate: str, fingerprint: str) -> str:
    key = f"(SHA1 fingerprint {fingerprint})" if fingerprint else "(DKMS makes it with the first module that it builds)"
    nowhere = (
        ""
        if UEFI.exists()
        else "\nThis machine was not booted by UEFI, so that there is nowhere to enrol a key: boot it by UEFI with shim first,"
        " or without module.sig_enforce=1 on its kernel's command line."
    )
    return (
        "The kernel of this machine only loads modules that a key it trusts has signed (Secure Boot, or module.sig_enforce=1),"
        f" and does not trust the machine's own key, with which DKMS signs: {certificate} {key}."
        f" So {name} cannot be loaded, and nothing that needs it was changed."
        " Somebody at the machine's console must enrol the key, once:\n"
        f"1. As root: mokutil --import {certificate}. It asks for a new password, which is wanted once, in step 2.\n"
        "2. Reboot. Before the system starts, a blue screen, the MOK manager, waits 10 seconds for a key to be pressed."
        ' Choose "Enroll MOK", "Continue", "Yes", type the password, and choose "Reboot".\n'
        f"3. Once the system is up, mokutil --test-key {certificate} says that the key is enrolled. Run the role again."
        f"{nowhere}"
    )


def answer(request: dict[str, t.Any]) -> dict[str, t.Any]:
    name, certificate = request["name"], request["certificate"]
    needed = (request["check"] and request["rebuilt"]) or not is_current(name, request["kernel"])
    untrusted = ""
    if not os.path.exists(certificate):
        if not request["check"]:
            raise CannotError(f"DKMS signs with the key of {certificate}, and has not made it. Is the package openssl installed?")
        untrusted = what_to_do(name, certificate, "")
    elif KEYS.exists():
        key, fingerprint = read_certificate(certificate)
        if key not in keys_of(KEYS.read_text(encoding="utf-8", errors="replace")):
            untrusted = what_to_do(name, certificate, fingerprint)
    return {"steps": [], "untrusted": untrusted, "needed": needed}


if __name__ == "__main__":
    try:
        result = answer(json.loads(base64.b64decode(sys.argv[1])))
    except CannotError as error:
        result = {"steps": [], "error": str(error)}
    json.dump(result, sys.stdout)
