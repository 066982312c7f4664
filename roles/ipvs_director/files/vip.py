# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Add virtual addresses to interfaces, with ip(8), and see to it that they are there after the next boot.

argv[1] is base64 of JSON: {"vips": [{"address", "interface"}], "check": bool}. Answers with JSON: {"steps": [what was
done, or with "check" would be done]}, or {"steps", "error"}. Addresses that are not named are left alone. With "absent":
true, those that were added and saved so far are removed.

At boot, the program that restores the table adds them too (saved() and add() are for that). That is not enough where
systemd-networkd has the interface: it removes every address that is not in its own files, when it configures the
interface at boot, and later when it is told to reconfigure it. So it is told about them, in a drop-in of its own file.
"""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import typing as t

Address = t.Union[ipaddress.IPv4Interface, ipaddress.IPv6Interface]
Vips = list[dict[str, str]]

SAVED = pathlib.Path("/var/lib/lvs.director/vips.json")
NETWORKS = pathlib.Path("/etc/systemd/network")
DROP_IN = "ipvs_director.conf"


class CannotError(Exception):
    """What the person who runs the play must know; nothing else raises it."""


def run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def ip(*words: str) -> str:
    done = run("ip", *words)
    if done.returncode:
        raise CannotError(f"ip {' '.join(words)}: {done.stderr.strip()}")
    return done.stdout


def read() -> dict[str, list[Address]]:
    """All interfaces of the machine with their addresses."""
    return {
        link["ifname"]: [
            ipaddress.ip_interface(f"{address['local']}/{address['prefixlen']}")
            for address in link.get("addr_info", [])
            if "local" in address
        ]
        for link in json.loads(ip("-json", "address", "show"))
        if link  # iproute2 of some versions prints {} for what a filter left out
    }


def parse(address: str) -> Address:
    try:
        # 10.211.55.3 alone means /32, as ip(8) has it.
        return ipaddress.ip_interface(address)
    except ValueError:
        raise CannotError(f"{address!r} is no IP address, with or without /PREFIX.") from None


def plan(vips: t.Sequence[t.Mapping[str, str]], there: dict[str, list[Address]]) -> list[tuple[Address, str]]:
    """What is to be added. Everything that ip would refuse, or that would give the address twice, is refused here."""
    missing = []
    for vip in vips:
        interface, address = vip["interface"], parse(vip["address"])
        if interface not in there:
            raise CannotError(f"Cannot add {address} to {interface}: no such interface. There are: {', '.join(sorted(there))}.")
        for other, addresses in there.items():
            for each in addresses:
                if each.ip == address.ip and (each != address or other != interface):
                    raise CannotError(f"Cannot add {address} to {interface}: {other} already has {each}. Remove one of the two.")
        if address not in there[interface] and (address, interface) not in missing:
            missing.append((address, interface))
    return missing


def add(vips: t.Sequence[t.Mapping[str, str]]) -> list[str]:
    """Add those that are missing now."""
    missing = plan(vips, read())
    for address, interface in missing:
        ip("address", "add", str(address), "dev", interface)
    left = plan(vips, read())
    if left:
        raise CannotError(f"Just added, and not there: {', '.join(f'{address} on {interface}' for address, interface in left)}.")
    return [f"add {address} to {interface}" for address, interface in missing]


def remove(vips: t.Sequence[t.Mapping[str, str]], check: bool = False) -> list[str]:
    """Remove those that are there now."""
    there = read()
    steps = []
    for vip in vips:
        interface, address = vip["interface"], parse(vip["address"])
        if address in there.get(interface, []):
            if not check:
                ip("address", "delete", str(address), "dev", interface)
            steps.append(f"remove {address} from {interface}")
    return steps


def saved() -> Vips:
    """Those that are added at boot."""
    try:
        content = json.loads(SAVED.read_text("ascii"))
        return [{"address": str(vip["address"]), "interface": str(vip["interface"])} for vip in content["vips"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotError(f"Cannot read {SAVED}, from which virtual addresses are added at boot: {error!r}. Remove it.") from None


def files(vips: Vips) -> dict[pathlib.Path, str]:
    """The files that bring the addresses back at boot, and what must be in them."""
    wanted = {SAVED: json.dumps({"vips": vips}, indent=2) + "\n"} if vips else {}
    managed = networkd()
    for name in sorted({vip["interface"] for vip in vips} & managed.keys()):
        network = managed[name]
        others = sorted(each for each, file in managed.items() if file == network and each != name)
        if others:
            raise CannotError(
                f"systemd-networkd configures {name} and {', '.join(others)} from the same {network}, so it cannot be told of"
                f" addresses that {name} alone shall have, and would remove them. Give {name} a file of its own, with [Match] Name={name}."
            )
        lines = [f"Address={parse(vip['address'])}\n" for vip in vips if vip["interface"] == name]
        path = NETWORKS / f"{pathlib.Path(network).name}.d" / DROP_IN
        wanted[path] = f"# By the role lvs.director.ipvs_director: else networkd would remove them.\n[Network]\n{''.join(lines)}"
    return wanted


def networkd() -> dict[str, str]:
    """The interfaces that systemd-networkd configures, each with the file that it does it from."""
    try:
        done = run("networkctl", "list", "--json=short")
        links = json.loads(done.stdout)["Interfaces"] if done.returncode == 0 else []
    except (FileNotFoundError, ValueError, KeyError):
        links = []
    return {link["Name"]: link["NetworkFile"] for link in links if link.get("NetworkFile")}


def differing(wanted: dict[pathlib.Path, str]) -> list[pathlib.Path]:
    """The files that are not as they must be, or must not be at all."""
    known = {SAVED, *NETWORKS.glob(f"*.network.d/{DROP_IN}"), *wanted}
    return sorted(path for path in known if (path.read_text("utf-8") if path.exists() else None) != wanted.get(path))


def write(path: pathlib.Path, text: str | None) -> None:
    """Whole or not at all; without a text, the file goes, and its folder if it was all that was in it."""
    if text is None:
        path.unlink()
        with contextlib.suppress(OSError):
            path.parent.rmdir()
        return
    path.parent.mkdir(mode=0o700 if path == SAVED else 0o755, exist_ok=True)
    number, fresh = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    with os.fdopen(number, "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fchmod(file.fileno(), 0o600 if path == SAVED else 0o644)
        os.fsync(file.fileno())
    os.replace(fresh, path)


def undo(request: dict[str, t.Any]) -> dict[str, t.Any]:
    steps = remove(saved(), request["check"])
    late = differing({})
    steps += [f"remove {path}" for path in late]
    if not request["check"]:
        for path in late:
            write(path, None)
    return {"steps": steps}


def converge(request: dict[str, t.Any]) -> dict[str, t.Any]:
    vips = [{"address": str(parse(vip["address"])), "interface": vip["interface"]} for vip in request["vips"]]
    missing = plan(vips, read())
    wanted = files(vips)
    late = differing(wanted)
    steps = [f"add {address} to {interface}" for address, interface in missing]
    steps += [f"{'write' if path in wanted else 'remove'} {path}" for path in late]
    if not request["check"]:
        # First for the next boot, so that none is there that would not come back.
        for path in late:
            write(path, wanted.get(path))
        add(vips)
    return {"steps": steps}


if __name__ == "__main__":
    try:
        request = json.loads(base64.b64decode(sys.argv[1]))
        answer = undo(request) if request.get("absent") else converge(request)
    except CannotError as error:
        answer = {"steps": [], "error": str(error)}
    json.dump(answer, sys.stdout)
