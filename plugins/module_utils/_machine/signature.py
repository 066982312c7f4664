# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""Signatures of kernel modules: who signed a file, and whether a kernel that only loads signed modules trusts DKMS's key.

The kernel lists its trusted keys in /proc/keys, even without UEFI, which mokutil needs. Not all of them are trusted for modules. So a
missing key is certainly refused; for a listed one, only modprobe can tell.
"""

from __future__ import annotations

import os
import re

from ansible_collections.lvs.director.plugins.module_utils._kernel.modules import installed_source, loaded_source
from ansible_collections.lvs.director.plugins.module_utils._machine.command import run
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsUnavailableError

KEYS = "/proc/keys"
UEFI = "/sys/firmware/efi"


def serial_of(certificate: str) -> str:
    """Return the serial number of a certificate, as signatures have it; empty if there is no such certificate."""
    if not os.path.exists(certificate):
        return ""
    return _digits(_x509(certificate, "-serial").partition("=")[2])


def signed_by(path: str) -> str:
    """Return the serial number of the certificate that signed a module's file; empty if unsigned."""
    return _digits(_printed("modinfo", "-F", "sig_key", path))


def _digits(number: str) -> str:
    return number.replace(":", "").lower().lstrip("0")


def distrust(module: str, certificate: str, *, check_mode: bool) -> str:
    """Return instructions to make the kernel trust DKMS's key; empty if it already does.

    :raises IpvsUnavailableError: there is no such certificate, although DKMS has built the module.
    """
    if not os.path.exists(certificate):
        if not check_mode:
            raise IpvsUnavailableError(f"DKMS signs with the key of {certificate}, and has not made it. Is the package openssl installed?")
        return _instructions(module, certificate, "")
    try:
        with open(KEYS, encoding="utf-8", errors="replace") as listing:
            trusted = _identifiers(listing.read())
    except FileNotFoundError:
        # This kernel has no such list; modprobe will tell.
        return ""
    identifier, fingerprint = _read(certificate)
    return "" if identifier in trusted else _instructions(module, certificate, fingerprint)


def must_load(module: str, *, rebuilt: bool) -> bool:
    """Return whether the installed module is not the loaded one.

    :param rebuilt: another one will be built.
    """
    loaded = loaded_source(module)
    return rebuilt or not loaded or loaded != installed_source(module)


def _identifiers(listing: str) -> set[str]:
    """Return the key identifiers of lines that end like "asymmetri DKMS module signing key: 8f0e61...: X509.rsa 61f0b9d2 []"."""
    return set(re.findall(r": ([0-9a-f]+): X509\.", listing))


def _read(certificate: str) -> tuple[str, str]:
    """Return a key's identifier in the kernel's hexadecimal digits, and its fingerprint as mokutil shows it."""
    # The kernel uses the key identifier, or the serial number of a certificate without one.
    key = re.search(r"^\s+([0-9A-F:]+)$", _x509(certificate, "-ext", "subjectKeyIdentifier"), re.M)
    identifier = key[1] if key else _x509(certificate, "-serial").partition("=")[2]
    fingerprint = _x509(certificate, "-fingerprint", "-sha1").partition("=")[2]
    if not identifier or not fingerprint:
        raise IpvsUnavailableError(f"{certificate}, the certificate of the key with which DKMS signs, is none that openssl can read")
    return identifier.replace(":", "").lower(), fingerprint.lower()


def _x509(certificate: str, *words: str) -> str:
    return _printed("openssl", "x509", "-in", certificate, "-noout", *words)


def _printed(*command: str) -> str:
    """Return a program's output; empty if it failed or does not exist."""
    try:
        done = run(*command)
    except IpvsUnavailableError:
        return ""
    return done.output.rstrip() if done.code == 0 else ""


def _instructions(module: str, certificate: str, fingerprint: str) -> str:
    key = f"(SHA1 fingerprint {fingerprint})" if fingerprint else "(DKMS makes it with the first module that it builds)"
    nowhere = (
        ""
        if os.path.exists(UEFI)
        else "\nThis machine was not booted by UEFI, and has no place to enrol a key: boot it by UEFI with shim first,"
        " or without module.sig_enforce=1 on its kernel's command line."
    )
    return (
        "The kernel of this machine only loads modules that a key it trusts has signed (Secure Boot, or module.sig_enforce=1),"
        f" and does not trust the machine's own key, with which DKMS signs: {certificate} {key}."
        f" So {module} cannot be loaded, and nothing that needs it was changed."
        " Somebody at the machine's console must enrol the key, once:\n"
        f"1. As root: mokutil --import {certificate}. It asks for a new password, which is needed once, in step 2.\n"
        "2. Reboot. Before the system starts, a blue screen, the MOK manager, waits 10 seconds for a key to be pressed."
        ' Choose "Enroll MOK", "Continue", "Yes", type the password, and choose "Reboot".\n'
        f"3. Once the system is up, mokutil --test-key {certificate} says that the key is enrolled. Run the role again."
        f"{nowhere}"
    )
