# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kernel's behaviour that the collection relies on. Runs against the one in memory, and with IPVS_KERNEL=netlink, as root in a
VM, against the real one, each test in a network namespace of its own."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import ipaddress
import os
import socket
import struct
from collections.abc import Callable

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._apply.transaction import differences
from ansible_collections.lvs.director.plugins.module_utils._kernel.client import NetlinkKernel
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.errors import (
    IpvsConflictError,
    IpvsInputError,
    IpvsRejectedError,
)
from ansible_collections.lvs.director.plugins.module_utils._model.steps import (
    AddDestination,
    AddService,
    DeleteDestination,
    DeleteService,
    EditDestination,
    EditService,
    Step,
)
from ansible_collections.lvs.director.plugins.module_utils._model.table import (
    Destination,
    DestinationKey,
    Entry,
    Service,
    ServiceKey,
)
from ansible_collections.lvs.director.plugins.module_utils._plan.order import transition
from hypothesis import HealthCheck, given, settings

from contract.memory import MemoryKernel
from contract.strategies import entries, real_address, two_entries

REAL = os.environ.get("IPVS_KERNEL") == "netlink"
CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
IFF_UP = 1

KEY = ServiceKey("ipv4", "tcp", ipaddress.ip_address("192.0.2.1").packed, 80)

# The real kernel is emulated, and each example there costs a network namespace.
settings.register_profile("contract", max_examples=60 if REAL else 300, deadline=None, derandomize=True)
settings.load_profile("contract")


def new_kernel() -> IpvsKernel:
    """Return a kernel with an empty table."""
    if not REAL:
        return MemoryKernel()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    _set_up("lo")
    return NetlinkKernel()


def _set_up(interface: str) -> None:
    """Bring an interface up. A network namespace without one has no routing table, by which the kernel judges addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", interface.encode(), IFF_UP)
        fcntl.ioctl(control, SIOCSIFFLAGS, request)


def destination(number: int, **values: object) -> Destination:
    base = Destination(DestinationKey(real_address("ipv4", number), 80), forward_method="masquerade")
    return base._replace(**values)  # type: ignore[arg-type]


def put(kernel: IpvsKernel, entry: Entry) -> None:
    for phase in transition(entry.service.key, None, entry).phases:
        assert kernel.apply(phase) is None


def read(kernel: IpvsKernel, key: ServiceKey = KEY) -> Entry | None:
    observed = kernel.read_service(key)
    return observed.entry if observed else None


def desire(*wanted: Destination, exclusive: bool = False, **given_values: object) -> DesiredTable:
    listed = tuple(
        DesiredDestination(
            "destinations",
            index,
            one.key,
            Given(
                (name, value)
                for name, value in one._asdict().items()
                if name != "key" and not (name.startswith("tunnel") and one.forward_method != "tunnel")
            ),
        )
        for index, one in enumerate(wanted)
    )
    return DesiredTable((DesiredService("", KEY, given_values, destinations=listed, exclusive=exclusive, ordered=True),))


def test_an_empty_table_is_read(kernel: IpvsKernel) -> None:
    assert kernel.read_table() == []
    assert kernel.read_service(KEY) is None


def test_the_kernel_describes_itself(kernel: IpvsKernel) -> None:
    assert kernel.read_info().version == "1.2.1"
    assert kernel.read_timeouts() == (900, 120, 300)
    assert kernel.read_sync_daemons() == []


def test_the_connection_table_exists_with_the_first_service(kernel: IpvsKernel) -> None:
    """Kernels before 7.x have it from the beginning; these make a small one then, and let it grow."""
    assert kernel.apply([AddService(Service(KEY, "rr"))]) is None
    assert kernel.read_info().connection_table_size >= 256


def test_an_added_destination_is_the_first(kernel: IpvsKernel) -> None:
    steps: list[Step] = [AddService(Service(KEY, "rr"))]
    steps += [AddDestination(KEY, destination(number)) for number in (1, 2, 3)]
    assert kernel.apply(steps) is None
    entry = read(kernel)
    assert entry is not None
    assert [one.key for one in entry.destinations] == [destination(number).key for number in (3, 2, 1)]


def test_an_edit_keeps_the_place(kernel: IpvsKernel) -> None:
    put(kernel, Entry(Service(KEY), (destination(1), destination(2), destination(3))))
    changed = destination(2, weight=7, upper_threshold=4, lower_threshold=1)
    assert kernel.apply([EditDestination(KEY, changed)]) is None
    assert read(kernel) == Entry(Service(KEY), (destination(1), changed, destination(3)))


def _gue_without_port() -> Step:
    return AddDestination(KEY, destination(4, forward_method="tunnel", tunnel_type="gue"))


@pytest.mark.parametrize(
    ("step", "number"),
    [
        (AddService(Service(KEY)), errno.EEXIST),
        (AddService(Service(KEY._replace(port=81), scheduler="nosuch")), errno.ENOENT),
        (EditService(Service(KEY._replace(port=81))), errno.ESRCH),
        (EditService(Service(KEY, scheduler="nosuch")), errno.ENOENT),
        (DeleteService(KEY._replace(port=81)), errno.ESRCH),
        (AddDestination(KEY, destination(1)), errno.EEXIST),
        (AddDestination(KEY._replace(port=81), destination(1)), errno.ESRCH),
        (AddDestination(KEY, destination(4, upper_threshold=4, lower_threshold=9)), errno.ERANGE),
        (AddDestination(KEY, destination(4, weight=-1)), errno.ERANGE),
        (_gue_without_port(), errno.EINVAL),
        (
            AddDestination(KEY, Destination(DestinationKey(real_address("ipv6", 4), 80), "masquerade")),
            errno.EINVAL,
        ),
        (EditDestination(KEY, destination(4)), errno.ENOENT),
        (EditDestination(KEY, destination(1, lower_threshold=1)), errno.ERANGE),
        (DeleteDestination(KEY, destination(4).key), errno.ENOENT),
    ],
)
def test_refusals(kernel: IpvsKernel, step: Step, number: int) -> None:
    entry = Entry(Service(KEY), (destination(1), destination(2)))
    put(kernel, entry)
    assert kernel.apply([step]) == (step, number)
    assert read(kernel) == entry


def test_a_refusal_does_not_stop_the_steps_after_it(kernel: IpvsKernel) -> None:
    put(kernel, Entry(Service(KEY), ()))
    refused = DeleteDestination(KEY, destination(9).key)
    assert kernel.apply([AddDestination(KEY, destination(1)), refused, AddDestination(KEY, destination(2))]) == (
        refused,
        errno.ENOENT,
    )
    assert read(kernel) == Entry(Service(KEY), (destination(2), destination(1)))


def test_many_changes_at_once(kernel: IpvsKernel) -> None:
    wanted = Entry(
        Service(KEY),
        tuple(
            destination(number % 250 + 1, weight=number)._replace(
                key=DestinationKey(real_address("ipv4", number % 250 + 1), 1 + number // 250)
            )
            for number in range(1000)
        ),
    )
    put(kernel, wanted)
    assert read(kernel) == wanted


def test_an_edit_without_an_engine_removes_it(kernel: IpvsKernel) -> None:
    service = Service(KEY._replace(protocol="udp"), persistence_timeout=60, persistence_engine="sip")
    put(kernel, Entry(service))
    entry = read(kernel, service.key)
    assert entry is not None
    assert entry.service.persistence_engine == "sip"
    kernel.apply([EditService(service._replace(persistence_engine=""))])
    entry = read(kernel, service.key)
    assert entry is not None
    assert entry.service.persistence_engine == ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(entry=entries())
def test_written_values_are_read_back(entry: Entry) -> None:
    kernel = new_kernel()
    put(kernel, entry)
    assert read(kernel, entry.service.key) == entry
    for counters in (True, False):
        assert [one.entry for one in kernel.read_table(counters=counters)] == [entry]
        assert [one.entry for one in kernel.read_table(counters=counters, only={entry.service.key})] == [entry]
        assert not list(kernel.read_table(counters=counters, only=set()))
    kernel.close()


@given(states=two_entries())
def test_a_transition_leads_to_the_state(states: tuple[Entry | None, Entry | None]) -> None:
    before, after = states
    kernel = new_kernel()
    if before:
        put(kernel, before)
    key = before.service.key if before else after.service.key if after else KEY
    for phase in transition(key, before, after).phases:
        assert kernel.apply(phase) is None
    assert differences(after, read(kernel, key)) == []
    assert read(kernel, key) == after
    kernel.close()


def test_converge_reports_reads_back_and_is_idempotent(kernel: IpvsKernel) -> None:
    wanted = desire(destination(3), destination(1), destination(2), scheduler="fo")
    predicted = converge(kernel, wanted, check_mode=True)
    assert read(kernel) is None
    outcome = converge(kernel, wanted, check_mode=False)
    assert outcome.plan == predicted.plan
    assert outcome.observed[KEY].entry == predicted.observed[KEY].entry == read(kernel)
    assert not converge(kernel, wanted, check_mode=False).plan.changed


def unroutable(kernel: IpvsKernel) -> Destination:
    """Return a destination that only the kernel can refuse: it alone knows the broadcast addresses of its networks. This is lo's."""
    broken = destination(5)._replace(key=DestinationKey(b"\x7f\xff\xff\xff", 80))
    if isinstance(kernel, MemoryKernel):
        kernel.refuse = lambda step: errno.EINVAL if isinstance(step, AddDestination) and step.destination == broken else 0
    return broken


def test_a_refused_step_is_undone(kernel: IpvsKernel) -> None:
    before = Entry(Service(KEY, "rr"), (destination(1), destination(2), destination(3, upper_threshold=9)))
    put(kernel, before)
    wanted = desire(destination(3, weight=5), destination(4), unroutable(kernel), destination(1, weight=0), scheduler="wrr")
    with pytest.raises(IpvsRejectedError, match=r"Cannot add destination 127\.255\.255\.255:80 .*undone"):
        converge(kernel, wanted, check_mode=False)
    assert read(kernel) == before


def test_an_unknown_scheduler_is_refused_before_anything_is_touched(kernel: IpvsKernel) -> None:
    for check_mode in (True, False):
        with pytest.raises(IpvsRejectedError, match='scheduler "tset" is not known to the kernel: no module ip_vs_tset'):
            converge(kernel, desire(destination(1), scheduler="tset"), check_mode=check_mode)
    assert kernel.read_table() == []


def test_a_destination_needs_its_service(kernel: IpvsKernel) -> None:
    (service,) = desire(destination(1)).services
    wanted = DesiredTable((service._replace(must_exist=True, path="service"),))
    with pytest.raises(IpvsInputError, match=r"^service: there is no service tcp 192\.0\.2\.1:80"):
        converge(kernel, wanted, check_mode=False)


def test_a_change_by_another_program_is_named(kernel: IpvsKernel) -> None:
    put(kernel, Entry(Service(KEY), (destination(1),)))
    other = NetlinkKernel() if REAL else kernel

    class Intruder:
        """Adds the same destination between the reading and the writing."""

        def __getattr__(self, name: str) -> Callable[..., object]:
            return getattr(kernel, name)  # type: ignore[no-any-return]

        def apply(self, steps: list[Step]) -> object:
            other.apply([AddDestination(KEY, destination(2, weight=50))])
            return kernel.apply(steps)

    with pytest.raises(IpvsConflictError, match="it already exists"):
        converge(Intruder(), desire(destination(2)), check_mode=False)  # type: ignore[arg-type]
