# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The weights of quiescent destinations: what reads and plans sees them, the kernel has 0, and no kill loses one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._apply.table import converge
from ansible_collections.lvs.director.plugins.module_utils._kernel.contract import IpvsKernel
from ansible_collections.lvs.director.plugins.module_utils._model.desired import DesiredDestination, DesiredService, DesiredTable, Given
from ansible_collections.lvs.director.plugins.module_utils._model.table import Destination, DestinationKey, Entry, Service, ServiceKey
from ansible_collections.lvs.director.plugins.module_utils._persist import files, quiescent
from ansible_collections.lvs.director.plugins.module_utils._persist.quiescent import Held, Mark, Marks
from ansible_collections.lvs.director.plugins.module_utils._persist.remembering import remembering

from contract.memory import MemoryKernel

KEY = ServiceKey("ipv4", "tcp", b"\xc0\x00\x02\x01", 80)
OTHER = KEY._replace(address=b"\xc0\x00\x02\x02")
HELD = Held(1764370000.0, "TCP connection refused")


def destination(number: int, **values: Any) -> Destination:
    return Destination(DestinationKey(bytes((10, 0, 0, number)), 80), **{"weight": 5, **values})


def first(number: int) -> DestinationKey:
    return destination(number).key


@pytest.fixture(autouse=True)
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(files, "quiescent_path", lambda: str(tmp_path / "quiescent.json"))
    monkeypatch.setattr(files, "former_quiescent_path", lambda: str(tmp_path / "drained.json"))
    return tmp_path / "quiescent.json"


@pytest.fixture
def memory() -> MemoryKernel:
    """A kernel with two services of three destinations; the first of each is held."""
    kernel = MemoryKernel()
    for key in (KEY, OTHER):
        service = DesiredService(
            "", key, {"scheduler": "rr"}, destinations=tuple(desired(number, weight=0 if number == 1 else 5) for number in (1, 2, 3))
        )
        converge(kernel, DesiredTable((service,)), check_mode=False)
    quiescent.write(Marks().with_mark(KEY, first(1), Mark(7, held=HELD)).with_mark(OTHER, first(1), Mark(7, held=HELD)))
    kernel.steps.clear()
    return kernel


@pytest.fixture
def kernel(memory: MemoryKernel) -> IpvsKernel:
    return remembering(memory)


def desired(number: int, **given: Any) -> DesiredDestination:
    return DesiredDestination("destinations", number, first(number), Given(given))


def table(*destinations: DesiredDestination, **values: Any) -> DesiredTable:
    return DesiredTable((DesiredService("", KEY, {}, destinations=destinations, **values),))


def in_kernel(memory: MemoryKernel) -> list[tuple[int, int]]:
    return [(each.key.address[3], each.weight) for each in memory.destinations[KEY]]


def entry(kernel: IpvsKernel) -> Entry:
    observed = kernel.read_service(KEY)
    assert observed
    return observed.entry


def test_reading_shows_the_weight_to_come_back_with(kernel: IpvsKernel) -> None:
    wanted = destination(1, weight=7, held=True)
    assert entry(kernel).destinations[0] == wanted
    assert wanted.effective_weight == 0
    assert [observed.entry.destinations[0] for observed in kernel.read_table()] == [wanted, wanted]


def test_a_weight_that_another_program_sets_counts(memory: MemoryKernel, kernel: IpvsKernel) -> None:
    memory.destinations[KEY][0] = destination(1, weight=2)
    assert entry(kernel).destinations[0] == destination(1, weight=2)


def test_a_run_with_the_same_weight_changes_nothing(memory: MemoryKernel, kernel: IpvsKernel) -> None:
    assert not converge(kernel, table(desired(1, weight=7), desired(2, weight=5)), check_mode=False).changed
    assert not memory.steps


def test_a_new_weight_is_kept_until_it_comes_back(memory: MemoryKernel, kernel: IpvsKernel) -> None:
    wanted = table(desired(1, weight=9))
    assert converge(kernel, wanted, check_mode=False).changed
    assert in_kernel(memory)[0] == (1, 0)
    assert quiescent.read().mark(KEY, first(1)) == Mark(9, held=HELD)
    assert not converge(kernel, wanted, check_mode=False).changed


def test_a_held_destination_that_moves_stays_held(memory: MemoryKernel, kernel: IpvsKernel) -> None:
    converge(kernel, table(desired(3), desired(1), desired(2), ordered=True), check_mode=False)
    assert in_kernel(memory) == [(3, 5), (1, 0), (2, 5)]
    assert quiescent.read().mark(KEY, first(1)) == Mark(7, held=HELD)


def test_drained_while_held_stays_drained_afterwards(memory: MemoryKernel, kernel: IpvsKernel) -> None:
    converge(kernel, table(desired(1, drained=True)), check_mode=False)
    assert quiescent.read().mark(KEY, first(1)) == Mark(7, drained=True, held=HELD)
    converge(kernel, table(desired(1, held=False)), check_mode=False)
    assert quiescent.read().mark(KEY, first(1)) == Mark(7, drained=True)
    assert in_kernel(memory)[0] == (1, 0)
    converge(kernel, table(desired(1, drained=False)), check_mode=False)
    assert in_kernel(memory)[0] == (1, 7)
    assert quiescent.read().mark(KEY, first(1)) is None


def test_what_is_deleted_is_forgotten(kernel: IpvsKernel, file: Path) -> None:
    converge(kernel, table(desired(1)._replace(present=False)), check_mode=False)
    assert set(quiescent.read().destinations) == {str(OTHER)}
    converge(kernel, DesiredTable((DesiredService("", OTHER, {}, present=False),)), check_mode=False)
    assert not file.exists()


class Killed(BaseException):
    pass


@pytest.mark.parametrize("given", [{"drained": True}, {"held": True}])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_kill_loses_no_weight(memory: MemoryKernel, kernel: IpvsKernel, given: dict[str, bool], when: str) -> None:
    apply = memory.apply

    def killed(steps: Any) -> None:
        if when == "after":
            apply(steps)
        raise Killed

    memory.apply = killed  # type: ignore[method-assign,assignment]
    with pytest.raises(Killed):
        converge(kernel, table(desired(2, **given)), check_mode=False)
    memory.apply = apply  # type: ignore[method-assign]
    found = entry(kernel).destination(first(2))
    assert found
    assert found.weight == 5
    back = dict.fromkeys(given, False)
    converge(kernel, table(desired(2, **given)), check_mode=False)
    assert (2, 0) in in_kernel(memory)
    memory.apply = killed  # type: ignore[method-assign,assignment]
    with pytest.raises(Killed):
        converge(kernel, table(desired(2, **back)), check_mode=False)
    memory.apply = apply  # type: ignore[method-assign]
    converge(kernel, table(desired(2, **back)), check_mode=False)
    assert (2, 5) in in_kernel(memory)


def test_a_refused_plan_is_undone(memory: MemoryKernel, kernel: IpvsKernel) -> None:
    before = quiescent.read()
    memory.refuse = lambda step: 22 if getattr(step, "destination", destination(9)).key == first(4) else 0
    wanted = table(desired(4), desired(2, drained=True), desired(1, weight=9), ordered=True)
    with pytest.raises(Exception, match=r"(were undone|was changed)$"):
        converge(kernel, wanted, check_mode=False)
    assert in_kernel(memory) == [(1, 0), (2, 5), (3, 5)]
    assert entry(kernel).destinations[0] == destination(1, weight=7, held=True)
    assert quiescent.read().mark(KEY, first(1)) == before.mark(KEY, first(1))


def test_saved_services_get_their_marks_back() -> None:
    saved = table(desired(1, weight=5), desired(2, weight=0), desired(3, weight=5)).services[0]
    marks = Marks().with_mark(KEY, first(1), Mark(5, held=HELD)).with_mark(KEY, first(2), Mark(3, drained=True))
    destinations = quiescent.with_marks(saved, marks).destinations
    assert destinations
    assert [dict(each.given) for each in destinations] == [
        {"weight": 5, "drained": False, "held": True, "share": 100},
        # Earlier versions saved weight 0 for a drained destination.
        {"weight": 3, "drained": True, "held": False, "share": 100},
        {"weight": 5},
    ]


def test_a_restored_table_has_them(memory: MemoryKernel, kernel: IpvsKernel) -> None:
    marks = quiescent.read()
    memory.services.clear()
    memory.destinations.clear()
    service = DesiredService("", KEY, {"scheduler": "rr"}, destinations=tuple(desired(number, weight=7) for number in (1, 2)), ordered=True)
    converge(kernel, DesiredTable((quiescent.with_marks(service, marks),)), check_mode=False)
    assert in_kernel(memory) == [(1, 0), (2, 7)]
    assert quiescent.read().mark(KEY, first(1)) == Mark(7, held=HELD)


def test_nothing_is_read_while_nothing_is_quiescent(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quiescent, "read", lambda: pytest.fail("read"))
    kernel = remembering(MemoryKernel())
    service = DesiredService("", KEY, {"scheduler": "rr"}, destinations=(desired(1),))
    converge(kernel, DesiredTable((service,)), check_mode=False)
    assert entry(kernel) == Entry(Service(KEY, "rr"), (destination(1, weight=1),))
    assert not file.exists()


def test_a_share_of_the_weight(memory: MemoryKernel, kernel: IpvsKernel) -> None:
    converge(kernel, table(desired(2, weight=50, share=10)), check_mode=False)
    assert (2, 5) in in_kernel(memory)
    assert entry(kernel).destination(first(2)) == destination(2, weight=50, share=10)
    mark = quiescent.read().mark(KEY, first(2))
    assert mark
    assert (mark.weight, mark.share) == (50, 10)
    since = mark.since
    assert since
    converge(kernel, table(desired(2, share=30)), check_mode=False)
    mark = quiescent.read().mark(KEY, first(2))
    assert mark
    assert (mark.share, mark.since) == (30, since)
    # Another program's weight counts.
    memory.destinations[KEY] = [each._replace(weight=4) if each.key == first(2) else each for each in memory.destinations[KEY]]
    assert entry(kernel).destination(first(2)) == destination(2, weight=4)
