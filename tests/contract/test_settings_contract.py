# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's behaviour for timeouts and sync daemons that the collection relies on; see ``test_contract.py``."""

from __future__ import annotations

import errno
import ipaddress
import itertools
import re
import subprocess
from collections.abc import Iterator

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.settings import converge_sync_daemon, converge_timeouts
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model import uapi
from ansible_collections.lvs.director.plugins.module_utils._model.errors import IpvsInputError, IpvsRejectedError
from ansible_collections.lvs.director.plugins.module_utils._model.settings import DesiredSyncDaemon, SyncDaemon, Timeouts
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    DeleteService,
    SetTimeouts,
    StartSyncDaemon,
    Step,
    StopSyncDaemon,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Entry, Service
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.memory import Interface, MemoryKernel
from contract.strategies import real_address
from contract.test_contract import KEY, REAL, new_kernel, put

V4 = ipaddress.ip_address("239.1.2.3").packed
V6 = ipaddress.ip_address("ff02::81").packed
DAEMON = SyncDaemon("master", "lan", 7, 1400, V4, 8849, 3)

# Besides lo: one of usual MTU, one with jumbo frames, one too small for IPv6, and one that is down.
INTERFACES = {
    "lan": Interface(1500),
    "jumbo": Interface(9000),
    "small": Interface(1279, ipv6=False),
    "spare": Interface(1500, up=False, ipv6=False),
}


def kernel_with_interfaces() -> IpvsKernel:
    """Return a kernel with an empty table, no daemons and ``INTERFACES``."""
    kernel = new_kernel()
    if isinstance(kernel, MemoryKernel):
        kernel.interfaces.update(INTERFACES)
        return kernel
    lines = []
    for number, (name, interface) in enumerate(INTERFACES.items(), 1):
        lines.append(f"link add name {name} mtu {interface.mtu} type dummy")
        if interface.up:
            lines.append(f"link set {name} up")
            lines.append(f"address add 198.51.{number}.1/24 dev {name}")
        if interface.ipv6:
            # An address that is not checked for duplicates can be used at once.
            lines.append(f"address add fe80::{number}/64 dev {name} nodad")
    subprocess.run(["ip", "-batch", "-"], input="\n".join(lines), text=True, check=True)
    return kernel


@pytest.fixture(scope="module")
def shared() -> Iterator[IpvsKernel]:
    """One network namespace for all tests here: in a VM they are dear."""
    kernel = kernel_with_interfaces()
    yield kernel
    kernel.close()


@pytest.fixture
def kernel(shared: IpvsKernel) -> IpvsKernel:
    clean(shared)
    return shared


def clean(kernel: IpvsKernel) -> None:
    """Create a fresh kernel."""
    steps: list[Step] = [SetTimeouts(Timeouts(900, 120, 300))]
    steps += [DeleteService(one.entry.service.key) for one in kernel.read_table()]
    steps += [StopSyncDaemon(one.state) for one in kernel.read_sync_daemons()]
    assert kernel.apply(steps) is None


def desire(state: str, **values: object) -> DesiredSyncDaemon:
    return DesiredSyncDaemon(state, values)


def mixed(kernel: IpvsKernel) -> None:
    """Put a destination of the other family into the table."""
    put(kernel, Entry(Service(KEY), (Destination(DestinationKey(real_address("ipv6", 1), 80), forward_method="tunnel"),)))


def test_a_timeout_of_0_stays(kernel: IpvsKernel) -> None:
    assert kernel.read_timeouts() == (900, 120, 300)
    assert kernel.apply([SetTimeouts(Timeouts(0, 0, 7))]) is None
    assert kernel.read_timeouts() == (900, 120, 7)
    assert kernel.apply([SetTimeouts(Timeouts(1, uapi.MAX_TIMEOUT, 0))]) is None
    assert kernel.read_timeouts() == (1, uapi.MAX_TIMEOUT, 7)


def test_a_timeout_beyond_the_kernels_count_of_ticks(kernel: IpvsKernel) -> None:
    step = SetTimeouts(Timeouts(uapi.INT_MAX, 5, 5))
    assert kernel.apply([step]) == (step, errno.EINVAL)
    assert kernel.read_timeouts() == (900, 120, 300)


@settings(max_examples=20 if REAL else 300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tasks=st.lists(st.tuples(*[st.one_of(st.none(), st.integers(1, uapi.MAX_TIMEOUT))] * 3), min_size=1, max_size=3))
def test_timeouts_match_the_prediction(kernel: IpvsKernel, tasks: list[tuple[int | None, ...]]) -> None:
    for task in tasks:
        wanted = {name: seconds for name, seconds in zip(Timeouts._fields, task, strict=True) if seconds}
        predicted = converge_timeouts(kernel, wanted, check_mode=True)
        assert predicted == converge_timeouts(kernel, wanted, check_mode=False)
        assert predicted.timeouts == kernel.read_timeouts()
        assert not converge_timeouts(kernel, wanted, check_mode=False).plan.changed


def test_interfaces(kernel: IpvsKernel) -> None:
    assert {name: kernel.read_mtu(name) for name in INTERFACES} == {name: one.mtu for name, one in INTERFACES.items()}
    assert kernel.read_mtu("lo") == 65536
    assert kernel.read_mtu("nosuch") is None


@pytest.mark.parametrize("group", [V4, V6])
def test_daemons_are_read_as_they_were_started(kernel: IpvsKernel, group: bytes) -> None:
    master = DAEMON._replace(group=group)
    backup = SyncDaemon("backup", "jumbo", 255, 1024, group, 65535, 255)
    assert kernel.apply([StartSyncDaemon(backup)]) is None
    assert kernel.read_sync_daemons() == [backup]
    assert kernel.apply([StartSyncDaemon(master)]) is None
    assert kernel.read_sync_daemons() == [master, backup]
    assert kernel.apply([StopSyncDaemon("backup")]) is None
    assert kernel.read_sync_daemons() == [master]
    assert kernel.apply([StopSyncDaemon("master")]) is None
    assert kernel.read_sync_daemons() == []


@pytest.mark.parametrize(
    ("step", "number"),
    [
        (StartSyncDaemon(DAEMON), errno.EEXIST),
        (StartSyncDaemon(DAEMON._replace(interface="jumbo", sync_id=9)), errno.EEXIST),
        (StopSyncDaemon("backup"), errno.ESRCH),
        (StartSyncDaemon(DAEMON._replace(state="backup", interface="nosuch")), errno.ENODEV),
        (StartSyncDaemon(DAEMON._replace(state="backup", group=b"\x0a\0\0\x01")), errno.EINVAL),
        (StartSyncDaemon(DAEMON._replace(state="backup", group=real_address("ipv6", 1))), errno.EINVAL),
    ],
)
def test_refused_daemons(kernel: IpvsKernel, step: StartSyncDaemon | StopSyncDaemon, number: int) -> None:
    assert kernel.apply([StartSyncDaemon(DAEMON)]) is None
    assert kernel.apply([step]) == (step, number)
    assert kernel.read_sync_daemons() == [DAEMON]


def test_no_daemon_beside_a_destination_of_another_family(kernel: IpvsKernel) -> None:
    mixed(kernel)
    step = StartSyncDaemon(DAEMON)
    assert kernel.apply([step]) == (step, errno.EINVAL)
    assert kernel.read_sync_daemons() == []


MASTERS_NEED_A_WAY = {
    ("master", "spare", V4): errno.ENETUNREACH,
    ("master", "spare", V6): errno.ENETUNREACH,
    ("master", "small", V6): errno.ENETUNREACH,
    ("master", "lo", V6): errno.ENETUNREACH,
}
BACKUPS_NEED_IPV6 = {("backup", "small", V6): errno.EINVAL}


def test_a_daemons_socket_can_be_tried(kernel: IpvsKernel) -> None:
    """A backup can wait for an interface that is down, but a master has to know its way."""
    refused = MASTERS_NEED_A_WAY | BACKUPS_NEED_IPV6
    for state, interface, group in itertools.product(("master", "backup"), ("lo", *INTERFACES), (V4, V6)):
        number = refused.get((state, interface, group), 0)
        step = StartSyncDaemon(DAEMON._replace(state=state, interface=interface, group=group))
        assert kernel.try_sync_daemon(step.daemon) == number, step
        assert kernel.apply([step]) == ((step, number) if number else None)
        assert kernel.read_sync_daemons() == [step.daemon] * (not number)
        if not number:
            assert kernel.apply([StopSyncDaemon(state)]) is None


def test_a_daemon_can_be_stopped_before_it_has_begun(kernel: IpvsKernel) -> None:
    """The real kernel sends no reply at all to this command."""
    backup = DAEMON._replace(state="backup")
    steps: list[Step] = [StartSyncDaemon(DAEMON), StopSyncDaemon("master"), StartSyncDaemon(backup), StopSyncDaemon("backup")]
    for _attempt in range(10):
        assert kernel.apply(steps) is None
        assert kernel.read_sync_daemons() == []


def test_the_kernel_adjusts_a_length(kernel: IpvsKernel) -> None:
    for state, group, length, found in (
        ("master", V4, 1, 1),
        ("master", V4, 65507, 65507),
        ("master", V4, 65535, 65507),
        ("master", V6, 65507, 65487),
        ("backup", V4, 1023, 1024),
        ("backup", V6, 65488, 65487),
    ):
        daemon = DAEMON._replace(state=state, group=group, maximum_length=length)
        assert kernel.apply([StartSyncDaemon(daemon)]) is None
        assert kernel.read_sync_daemons() == [daemon._replace(maximum_length=found)]
        assert kernel.apply([StopSyncDaemon(state)]) is None


def test_the_defaults_are_the_kernels(kernel: IpvsKernel) -> None:
    for state, interface, group in itertools.product(("master", "backup"), ("lo", *INTERFACES), (V4, V6)):
        # A length, port or TTL of 0 makes the kernel choose.
        left_out = SyncDaemon(state, interface, 0, 0, group, 0, 0)
        if kernel.try_sync_daemon(left_out._replace(port=uapi.IP_VS_SYNC_PORT)):
            continue
        ours = converge_sync_daemon(kernel, desire(state, interface=interface, group=group), check_mode=True).daemons
        assert kernel.apply([StartSyncDaemon(left_out)]) is None
        assert kernel.read_sync_daemons() == list(ours)
        assert kernel.apply([StopSyncDaemon(state)]) is None


OPTIONS = st.fixed_dictionaries(
    {"interface": st.sampled_from(["lan", "jumbo", "small", "lo"])},
    optional={
        "sync_id": st.integers(0, 255),
        "maximum_length": st.integers(1, 65507),
        "group": st.sampled_from([V4, V6, uapi.IP_VS_SYNC_GROUP]),
        "port": st.integers(1, 65535),
        "ttl": st.integers(1, 255),
    },
)
TASKS = st.lists(
    st.builds(DesiredSyncDaemon, st.sampled_from(["master", "backup"]), OPTIONS, present=st.sampled_from([True, True, True, False])),
    min_size=1,
    max_size=4,
)


@settings(max_examples=20 if REAL else 300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tasks=TASKS)
def test_daemons_match_the_prediction(kernel: IpvsKernel, tasks: list[DesiredSyncDaemon]) -> None:
    clean(kernel)
    for task in tasks:
        before = kernel.read_sync_daemons()
        try:
            predicted = converge_sync_daemon(kernel, task, check_mode=True)
        except (IpvsInputError, IpvsRejectedError) as exc:
            with pytest.raises(type(exc), match=f"^{re.escape(str(exc))}$"):
                converge_sync_daemon(kernel, task, check_mode=False)
            assert kernel.read_sync_daemons() == before
            continue
        assert kernel.read_sync_daemons() == before
        assert converge_sync_daemon(kernel, task, check_mode=False) == predicted
        assert kernel.read_sync_daemons() == list(predicted.daemons)
        assert not converge_sync_daemon(kernel, task, check_mode=False).plan.changed


@pytest.mark.parametrize("running", [True, False])
def test_values_that_the_kernel_would_refuse_or_adjust_are_refused(kernel: IpvsKernel, running: bool) -> None:
    daemons = [DAEMON, DAEMON._replace(state="backup")] * running
    assert kernel.apply([StartSyncDaemon(one) for one in daemons]) is None
    for desired, message in (
        (desire("master", interface="nosuch"), "interface: there is no interface nosuch"),
        (desire("backup", interface="nosuch"), "interface: there is no interface nosuch"),
        (desire("master", interface="spare"), "Cannot start sync daemon master on spare: there is no way to the group "),
        (desire("backup", interface="small", group=V6), "Cannot start sync daemon backup on small: the kernel calls it invalid: "),
        (desire("backup", interface="lan", maximum_length=1023), "maximum_length: 1023 is not in the range 1024 to 65507 "),
        (desire("master", interface="lan", maximum_length=65488, group=V6), "maximum_length: 65488 is not in the range 1 to 65487 "),
    ):
        for check_mode in (True, False):
            with pytest.raises((IpvsInputError, IpvsRejectedError), match=f"^{message}"):
                converge_sync_daemon(kernel, desired, check_mode=check_mode)
        assert kernel.read_sync_daemons() == daemons


def test_a_destination_of_another_family_is_refused_in_advance(kernel: IpvsKernel) -> None:
    mixed(kernel)
    foreseen = r"^Cannot start sync daemon backup on lan: destination \[2001:db8:1::1\]:80 of service "
    for check_mode in (True, False):
        with pytest.raises(IpvsRejectedError, match=foreseen):
            converge_sync_daemon(kernel, desire("backup", interface="lan"), check_mode=check_mode)
    assert kernel.read_sync_daemons() == []


def test_a_daemon_that_cannot_be_changed_keeps_running(kernel: IpvsKernel) -> None:
    assert kernel.apply([StartSyncDaemon(DAEMON)]) is None

    class Blind:
        """Foresees nothing."""

        def try_sync_daemon(self, daemon: SyncDaemon) -> int:
            return 0

        def __getattr__(self, name: str) -> object:
            return getattr(kernel, name)

    with pytest.raises(
        IpvsRejectedError,
        match=r"^Cannot start sync daemon master on spare: .*\(ENETUNREACH\)\. The daemon that ran before was started again$",
    ):
        converge_sync_daemon(Blind(), desire("master", interface="spare"), check_mode=False)  # type: ignore[arg-type]
    assert kernel.read_sync_daemons() == [DAEMON]
