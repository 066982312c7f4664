# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make this network namespace's machine a real server of IPVS directors, or no real server any more.

argv[1] is base64 of JSON: {"wanted": {...} or null for none of it, "record": path, "check": bool}. Or argv[1] is "--again"
and argv[2] the record of an earlier run: what was wanted then is made again, which is what happens at boot. Answers with
JSON: {"steps": [what was done, or with "check" would be done]}, or {"steps", "error"}.

    wanted = {"interface": name, "vips": [address], "tunnels": [{"tunnel_type", "address", "tunnel_port", "tunnel_flags", "mtu"}]}

The record holds what was wanted, what this program has made (nothing else does it ever remove), and the values that
settings had before.
"""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import fcntl
import ipaddress
import itertools
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing as t

SYSCTL = pathlib.Path("/proc/sys/net/ipv4/conf")
# Not there where the kernel was told to do without IPv6.
IPV6 = pathlib.Path("/proc/sys/net/ipv6")

# Which interface takes packets out of which tunnel, by the family of the outer and of the inner packets. What GUE carries
# goes on to the interface that is there for the protocol inside, as if it had come without GUE.
KINDS = {
    ("ipip", 4): {4: "ipip", 6: "sit"},
    ("ipip", 6): {4: "ip6tnl", 6: "ip6tnl"},
    ("gre", 4): {4: "gre", 6: "gre"},
    ("gre", 6): {4: "ip6gre", 6: "ip6gre"},
}
MODES = {"ipip": ["mode", "ipip"], "sit": ["mode", "ip6ip"], "ip6tnl": ["mode", "any"]}
CARRIES_IPV4 = {"ipip", "ip6tnl", "gre", "ip6gre"}

# Of each setting the value that is set, and then those that do as well. The kernel takes the greater one of "all" and of the
# interface's own value, so "all" cannot be undercut: with 1 there, only 2 on the tunnel's interface lets packets in whose
# answers leave elsewhere.
ARP = {"all/arp_ignore": ("1", "2"), "all/arp_announce": ("2",)}
LOOSE = ("2",)

Address = tuple[str, str]  # interface, address with the length of its prefix
Port = tuple[int, int]  # family, UDP port
Command = tuple[str, ...]

# Commands that are not ip(8)'s: sysctl NAME VALUE below SYSCTL, modprobe(8), and nft TEXT.
PLAIN = ("sysctl", "modprobe", "nft")

# In which TCP is told of packets that are too long for a tunnel. Nothing else is in it.
TABLE = "inet ipvs_realserver"


class CannotError(Exception):
    """What the person who runs the play must know; nothing else raises it."""


class DoneInPartError(CannotError):
    """Of several commands, the first ones were done."""

    def __init__(self, text: str, done: int) -> None:
        super().__init__(text)
        self.done = done


class FailedError(CannotError):
    """A command that failed, with what it said about it."""

    def __init__(self, text: str, said: str) -> None:
        super().__init__(text)
        self.said = said


@dataclasses.dataclass(frozen=True)
class Link:
    """A network interface. Of a kind of tunnel there is one for each local address."""

    kind: str
    local: str = ""
    csum: bool = False
    mtu: int = 0  # wanted: 0 for what the kernel chooses
    up: bool = True


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What a real server consists of."""

    links: dict[str, Link] = dataclasses.field(default_factory=dict)
    addresses: frozenset[Address] = frozenset()
    ports: frozenset[Port] = frozenset()
    settings: dict[str, tuple[str, ...]] = dataclasses.field(default_factory=dict)
    segments: dict[str, int] = dataclasses.field(default_factory=dict)
    """By virtual address, of how many bytes clients may make their TCP segments."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What the machine has of all that."""

    links: dict[str, Link]
    addresses: frozenset[Address]
    ports: frozenset[Port]
    settings: dict[str, str]
    segments: dict[str, int] | None = None
    """None if there is no table, or one that says something else."""


@dataclasses.dataclass
class Record:
    """What is remembered from one run to the next."""

    wanted: dict[str, t.Any] | None = None
    links: set[str] = dataclasses.field(default_factory=set)
    addresses: set[Address] = dataclasses.field(default_factory=set)
    ports: set[Port] = dataclasses.field(default_factory=set)
    settings: dict[str, str] = dataclasses.field(default_factory=dict)
    """Settings that were changed, with the values of before."""

    @classmethod
    def load(cls, path: pathlib.Path) -> Record:
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return cls()
        made = content["made"]
        return cls(
            content["wanted"],
            set(made["links"]),
            {(interface, str(address)) for interface, address in made["addresses"]},
            {(family, int(port)) for family, port in made["ports"]},
            content["before"],
        )

    def save(self, path: pathlib.Path) -> None:
        """Whatever happens meanwhile, the file is the old one or the new one."""
        if self == Record():
            path.unlink(missing_ok=True)
            return
        made = {"links": sorted(self.links), "addresses": sorted(self.addresses), "ports": sorted(self.ports)}
        fresh = path.with_name(path.name + ".new")
        with open(fresh, "w", encoding="utf-8") as file:
            json.dump({"wanted": self.wanted, "made": made, "before": self.settings}, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)


class Step(t.NamedTuple):
    """One change: what it is called, how it is done, and how it is undone.

    A command is words for ip(8), or one of PLAIN.
    """

    text: str
    do: tuple[Command, ...]
    undo: tuple[Command, ...] = ()


# -- what is wanted --------------------------------------------------------------------------------------------------------


def address_of(text: str, option: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        interface = ipaddress.ip_interface(text)
    except ValueError:
        raise CannotError(f"{option}: {text!r} is no IP address.") from None
    if interface.network.prefixlen != interface.max_prefixlen:
        raise CannotError(
            f"{option}: {text} names a whole network. A real server has single addresses (/{interface.max_prefixlen}): with "
            "another prefix it would look for its clients on the wrong interface."
        )
    return interface.ip


def wanted(request: dict[str, t.Any] | None, found: Found) -> Wanted:
    """What the request comes to, on this machine."""
    if not request:
        return Wanted()
    vips = [address_of(text, f"vips[{index}]") for index, text in enumerate(request["vips"])]
    if not vips:
        return Wanted()
    interface = request["interface"]
    links = {} if interface == "lo" else {interface: Link("dummy")}
    addresses = {(interface, f"{vip}/{vip.max_prefixlen}") for vip in vips}
    ports: set[Port] = set()
    settings = dict(ARP)
    for index, tunnel in enumerate(request["tunnels"]):
        option = f"tunnels[{index}]"
        local = address_of(tunnel["address"], f"{option}.address")
        gue = tunnel["tunnel_type"] == "gue"
        port = tunnel.get("tunnel_port") or 0
        if gue != (1 <= port <= 65535):
            raise CannotError(f"{option}.tunnel_port: a UDP port, 1 to 65535, is needed with tunnel_type gue, and only there.")
        if gue:
            ports.add((local.version, port))
        least = 1280 if any(vip.version == 6 for vip in vips) else 576
        mtu = tunnel.get("mtu") or 0
        if mtu and not least <= mtu <= 65535:
            raise CannotError(f"{option}.mtu: {mtu} is none for what goes through this tunnel, {least} to 65535 bytes.")
        csum = tunnel["tunnel_type"] == "gre" and "csum" in (tunnel.get("tunnel_flags") or [])
        kinds = KINDS["ipip" if gue else tunnel["tunnel_type"], local.version]
        for family in sorted({vip.version for vip in vips}):
            link = Link(kinds[family], str(local), csum, mtu)
            name = name_for(link, {**found.links, **links})
            if name in links and links[name] != link:
                # ipip and gue share an interface; the one that says something about it is heard.
                link = merged(links[name], link, option)
            links[name] = link
            if link.kind in CARRIES_IPV4:
                settings[f"{name}/rp_filter"] = LOOSE
                # Where reverse paths are looked at, the kernel lets nothing in by an interface that has no address itself.
                addresses |= {(name, f"{vip}/32") for vip in vips if vip.version == 4}
    mtu = min((link.mtu for link in links.values() if link.mtu), default=0)
    # An IPv4 or IPv6 header, and TCP's.
    segments = {str(vip): mtu - (40 if vip.version == 4 else 60) for vip in vips} if mtu else {}
    return Wanted(links, frozenset(addresses), frozenset(ports), settings, segments)


def merged(one: Link, other: Link, option: str) -> Link:
    if one.csum != other.csum:
        raise CannotError(f"{option}: another tunnel of this type and address has other tunnel_flags. One interface takes both.")
    if one.mtu and other.mtu and one.mtu != other.mtu:
        raise CannotError(f"{option}: another tunnel that ends at {other.local} has mtu {one.mtu}. One interface takes both.")
    return dataclasses.replace(one, mtu=one.mtu or other.mtu)


def name_for(link: Link, there: dict[str, Link]) -> str:
    """The name of the interface of this kind with this local address, of before, or a new one."""
    prefix = f"ipvs-{link.kind}"
    for name, other in there.items():
        if (other.kind, other.local) == (link.kind, link.local) and name.startswith(prefix):
            return name
    return next(name for name in (f"{prefix}{number or ''}" for number in range(1000)) if name not in there)


# -- what there is ---------------------------------------------------------------------------------------------------------


def run(*words: str, stdin: str = "") -> str:
    environment = {**os.environ, "LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}
    try:
        done = subprocess.run(words, env=environment, input=stdin, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise CannotError(
            f"There is no program {words[0]} on this machine. Install it: ip is in the package iproute2, nft in nftables."
        ) from None
    if done.returncode:
        raise FailedError(f"{' '.join(words)}: {done.stderr.strip() or done.stdout.strip()}", done.stderr)
    return done.stdout


def shown(*words: str) -> list[dict[str, t.Any]]:
    # iproute2 of some versions prints nothing for an empty list, and {} for what a filter left out.
    return [each for each in json.loads(run("ip", "-json", *words) or "[]") if each]


def read() -> Found:
    links = {}
    addresses = set()
    settings = {}
    for each in shown("-details", "address", "show"):
        information = each.get("linkinfo", {})
        data = information.get("info_data", {})
        local = data.get("local", "any")
        links[each["ifname"]] = Link(
            information.get("info_kind", ""),
            "" if local == "any" else str(ipaddress.ip_address(local)),
            bool(data.get("icsum")),
            each["mtu"],
            "UP" in each["flags"],
        )
        addresses |= {
            (each["ifname"], f"{ipaddress.ip_address(one['local'])}/{one['prefixlen']}")
            for one in each.get("addr_info", [])
            if "local" in one
        }
    for name in [*ARP, *(f"{name}/rp_filter" for name in links)]:
        with contextlib.suppress(FileNotFoundError):
            settings[name] = (SYSCTL / name).read_text(encoding="ascii").strip()
    ports = set()
    # Without its module, there is nothing to ask.
    if pathlib.Path("/sys/module/fou").exists():
        ports = {(6 if one["family"] == "inet6" else 4, one["port"]) for one in shown("fou", "show") if "gue" in one}
    return Found(links, frozenset(addresses), frozenset(ports), settings, read_segments())


def read_segments() -> dict[str, int] | None:
    try:
        listed = json.loads(run("nft", "-json", "list", "table", *TABLE.split()))["nftables"]
    except CannotError:  # no table, or no nft
        return None
    segments = {}
    for rule in (each["rule"] for each in listed if "rule" in each):
        try:
            source, _syn, mangle = rule["expr"]
            segments[str(ipaddress.ip_address(source["match"]["right"]))] = int(mangle["mangle"]["value"])
        except (KeyError, TypeError, ValueError):  # not one of ours
            return {}
    return segments


# -- the difference --------------------------------------------------------------------------------------------------------


def plan(want: Wanted, found: Found, record: Record) -> list[Step]:
    """The steps from one to the other. What would be refused, or is not this program's to change, is refused here."""
    refuse(want, found, record)
    return [
        *settings_set(want, found),
        *segments_set(want, found),
        *added(want, found),
        *removed(want, found, record),
        *settings_restored(want, found, record),
    ]


def refuse(want: Wanted, found: Found, record: Record) -> None:
    for name, link in want.links.items():
        other = found.links.get(name)
        if other is not None and (name not in record.links or (other.kind, other.local) != (link.kind, link.local)):
            raise CannotError(f"There is an interface {name} already, and not from this role. Choose another name, or remove it.")
        for taken, one in found.links.items():
            if link.local and taken != name and (one.kind, one.local) == (link.kind, link.local):
                raise CannotError(f"Cannot make a tunnel {link.kind} that ends at {link.local}: {taken} is one. Remove it.")
    hosts = {ipaddress.ip_interface(address).ip for _interface, address in want.addresses}
    for interface, address in found.addresses:
        mine = (interface, address) in want.addresses or (interface, address) in record.addresses
        if ipaddress.ip_interface(address).ip in hosts and not mine:
            raise CannotError(f"{interface} already has {address}, and not from this role. Remove one of the two.")


def settings_set(want: Wanted, found: Found) -> t.Iterator[Step]:
    """First of all: when an address comes, the machine must not speak of it any more."""
    for name in ARP:
        if name in want.settings and found.settings[name] not in want.settings[name]:
            yield setting(name, found.settings[name], want.settings[name][0])


def segments_set(want: Wanted, found: Found) -> t.Iterator[Step]:
    if (want.segments or None) == found.segments:
        return
    said = ", ".join(f"{size} for {vip}" for vip, size in want.segments.items())
    text = f"longest TCP segment, table {TABLE}: {said}" if said else f"delete table {TABLE}"
    yield Step(text, (table_of(want.segments),), (table_of(found.segments or {}),))


def table_of(segments: dict[str, int]) -> Command:
    """The command that makes the table say this, or removes it: in one transaction, whether there is one or not."""
    rules = [
        f"{'ip6' if ':' in vip else 'ip'} saddr {vip} tcp flags syn / syn,rst tcp option maxseg size set {size}"
        for vip, size in segments.items()
    ]
    table = [f"table {TABLE} {{ chain output {{", "type filter hook output priority mangle; policy accept;", *rules, "}", "}"]
    return ("nft", "\n".join([f"table {TABLE}", f"delete table {TABLE}", *(table if rules else [])]))


def setting(name: str, before: str, after: str) -> Step:
    undo = (("sysctl", name, before),) if before else ()
    change = f": {before} -> {after}" if before else f" -> {after}"
    return Step(f"net/ipv4/conf/{name}{change}", (("sysctl", name, after),), undo)


def added(want: Wanted, found: Found) -> t.Iterator[Step]:
    for name, link in want.links.items():
        other = found.links.get(name)
        if other is None:
            yield link_added(name, link)
        else:
            yield from link_changed(name, link, other)
    for name, values in want.settings.items():
        if name not in ARP and found.settings.get(name) not in values:
            # Of an interface that is not there yet, no value is known.
            yield setting(name, found.settings.get(name, ""), values[0])
    for family, port in sorted(want.ports - found.ports):
        words = ("port", str(port), *(["-6"] if family == 6 else []))
        yield Step(
            f"receive GUE at UDP port {port} (IPv{family})",
            # Other modules of tunnels come by themselves.
            (("modprobe", "fou"), ("fou", "add", *words, "gue")),
            (("fou", "del", *words),),
        )
    # Last: whoever knows the address finds the rest in place.
    for interface, address in sorted(want.addresses - found.addresses):
        # Of a real server's IPv6 addresses this one shall never be chosen for its own connections, and nobody be asked for it.
        quiet = ("nodad", "preferred_lft", "0") if ":" in address else ()
        words = (address, "dev", interface)
        yield Step(
            f"add {address} to {interface}",
            (("address", "add", *words, *quiet),),
            (("address", "del", *words),),
        )


def tunnel_words(link: Link) -> Command:
    words = (*MODES.get(link.kind, []), "local", link.local) if link.local else ()
    return (*words, "icsum" if link.csum else "noicsum") if link.kind in ("gre", "ip6gre") else words


def link_added(name: str, link: Link) -> Step:
    # It needs no address of its own making, and must know so before it is up.
    quiet = ("addrgenmode", "none") if IPV6.exists() else ()
    # Not when it is added: tunnels over IPv6 then choose another one.
    mtu = ("mtu", str(link.mtu)) if link.mtu else ()
    changes = [("link", "set", "dev", name, *words) for words in (quiet, mtu, ("up",)) if words]
    at = f" at {link.local}" if link.local else ""
    return Step(
        f"add interface {name}, {link.kind}{at}{' with checksums' if link.csum else ''}{f', mtu {link.mtu}' if link.mtu else ''}",
        (("link", "add", "name", name, "type", link.kind, *tunnel_words(link)), *changes),
        (("link", "del", "dev", name),),
    )


def link_changed(name: str, link: Link, other: Link) -> t.Iterator[Step]:
    if link.csum != other.csum:
        words = ("link", "set", "dev", name, "type", link.kind)
        yield Step(
            f"{name}: {'with' if link.csum else 'without'} checksums",
            ((*words, *tunnel_words(link)),),
            ((*words, *tunnel_words(other)),),
        )
    if link.mtu and link.mtu != other.mtu:
        words = ("link", "set", "dev", name, "mtu")
        yield Step(f"mtu of {name}: {other.mtu} -> {link.mtu}", ((*words, str(link.mtu)),), ((*words, str(other.mtu)),))
    if not other.up:
        words = ("link", "set", "dev", name)
        yield Step(f"set {name} up", ((*words, "up"),), ((*words, "down"),))


def removed(want: Wanted, found: Found, record: Record) -> t.Iterator[Step]:
    """Only what this program has made. Addresses first, and with an interface go its addresses."""
    links = [name for name in sorted(record.links - want.links.keys()) if name in found.links]
    for interface, address in sorted((record.addresses - want.addresses) & found.addresses):
        if interface not in links:
            yield Step(f"remove {address} from {interface}", (("address", "del", address, "dev", interface),))
    for name in links:
        yield Step(f"remove interface {name}", (("link", "del", "dev", name),))
    for family, port in sorted((record.ports - want.ports) & found.ports):
        words = ("port", str(port), *(["-6"] if family == 6 else []))
        yield Step(f"receive no GUE any more at UDP port {port} (IPv{family})", (("fou", "del", *words),))


def settings_restored(want: Wanted, found: Found, record: Record) -> t.Iterator[Step]:
    """Those that are as this program has left them. Last: as long as there is an address, they are needed."""
    for name, before in sorted(record.settings.items()):
        if name not in want.settings and found.settings.get(name) == ARP[name][0]:
            yield setting(name, found.settings[name], before)


# -- from one to the other -------------------------------------------------------------------------------------------------


def apply(steps: list[Step]) -> None:
    """All steps, or none: after a failure those that were done are undone."""
    commands = [(number, command) for number, step in enumerate(steps) for command in step.do]
    # For interfaces that have just come, udev may be about to set what /etc/sysctl.d says: not after us.
    settled = not shutil.which("udevadm")
    done = 0
    try:
        while done < len(commands):
            first = commands[done][1]
            if first[0] in PLAIN:
                if first[0] == "sysctl" and not settled and not first[1].startswith("all/"):
                    with contextlib.suppress(CannotError):
                        run("udevadm", "settle", "--timeout=10")
                    settled = True
                plain(first)
                done += 1
                continue
            together = list(itertools.takewhile(lambda words: words[0] not in PLAIN, (command for _number, command in commands[done:])))
            done += batch(together)
    except DoneInPartError as error:
        done += error.done
        text = str(error)
    except CannotError as error:
        text = str(error)
    else:
        return
    # The step that failed may have done its first half.
    begun = steps[: commands[done][0] + 1]
    left = [problem for step in reversed(begun) for problem in undone(step, step is begun[-1])]
    raise CannotError(f"{text} {'Undoing the rest failed: ' + '; '.join(left) if left else 'What was done before was undone.'}")


def batch(commands: list[Command]) -> int:
    """Have ip(8) do several things, and return how many."""
    try:
        run("ip", "-batch", "-", stdin="".join(f"{' '.join(words)}\n" for words in commands))
    except FailedError as error:
        # It names the line that failed, after the reason.
        line = re.search(r"^Command failed -:(\d+)", error.said, re.M)
        done = int(line[1]) - 1 if line else 0
        reason = " ".join(each for each in error.said.splitlines() if not each.startswith("Command failed"))
        raise DoneInPartError(f"ip {' '.join(commands[done])}: {reason}.", done) from None
    return len(commands)


def plain(command: Command) -> None:
    if command[0] == "modprobe":
        run(*command)
        return
    if command[0] == "nft":
        run("nft", "-f", "-", stdin=f"{command[1]}\n")
        return
    _sysctl, name, value = command
    try:
        (SYSCTL / name).write_text(value, encoding="ascii")
    except OSError as error:
        raise CannotError(f"The kernel refuses {value!r} for {SYSCTL / name}: {error.strerror}.") from None


def undone(step: Step, failed: bool) -> t.Iterator[str]:
    """Undo a step, and yield what is in the way of that; but of the one that failed, maybe nothing was done."""
    for command in step.undo:
        try:
            if command[0] in PLAIN:
                plain(command)
            else:
                batch([command])
        except CannotError as error:
            if not failed:
                yield str(error)


def converge(request: dict[str, t.Any] | None, path: pathlib.Path, check: bool) -> dict[str, t.Any]:
    record = Record.load(path)
    found = read()
    want = wanted(request, found)
    steps = plan(want, found, record)
    if check:
        return {"steps": [step.text for step in steps]}
    before = {name: found.settings[name] for name, values in want.settings.items() if name in ARP and found.settings[name] not in values}
    after = Record(
        request if want != Wanted() else None,
        set(want.links),
        # What somebody else has made stays theirs.
        {one for one in want.addresses if one not in found.addresses or one in record.addresses},
        {one for one in want.ports if one not in found.ports or one in record.ports},
        {**before, **record.settings} if want.settings else {},
    )
    both = Record(
        record.wanted or after.wanted,
        record.links | after.links,
        record.addresses | after.addresses,
        record.ports | after.ports,
        {**before, **record.settings},
    )
    if steps:
        # Before anything is done, so that whatever happens then, everything of ours is known to be.
        both.save(path)
    try:
        apply(steps)
    except CannotError:
        record.save(path)
        raise
    left = plan(want, read(), both)
    if left:
        again = "; ".join(step.text for step in left)
        raise CannotError(f"This was just done, and is to be done again: {again}. Does something else undo it?")
    if after != record:
        after.save(path)
    return {"steps": [step.text for step in steps]}


@contextlib.contextmanager
def alone(path: pathlib.Path) -> t.Iterator[None]:
    """One run at a time."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def answer(request: dict[str, t.Any]) -> dict[str, t.Any]:
    """Answer a request of the role."""
    path = pathlib.Path(request["record"])
    with contextlib.nullcontext() if request["check"] else alone(path):
        return converge(request["wanted"], path, request["check"])


def remake(path: pathlib.Path) -> dict[str, t.Any]:
    """Make what was made before."""
    with alone(path):
        return converge(Record.load(path).wanted, path, check=False)


def main(arguments: list[str]) -> int:
    at_boot = arguments[0] == "--again"
    try:
        if os.geteuid() != 0:
            raise CannotError('Interfaces and addresses are root\'s to change. Say "become: true" in the play.')
        said = remake(pathlib.Path(arguments[1])) if at_boot else answer(json.loads(base64.b64decode(arguments[0])))
    except CannotError as error:
        said = {"steps": [], "error": str(error)}
    json.dump(said, sys.stdout)
    # Ansible reads the answer; for systemd it is the status that counts.
    return 1 if at_boot and "error" in said else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
