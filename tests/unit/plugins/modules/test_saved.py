# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state restored at boot changes in the same run as the kernel, or the run reports that the two differ."""

from __future__ import annotations

import json
from typing import Any

import pytest
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.lvs.director.plugins.module_utils._model.steps import AddDestination, Step
from ansible_collections.lvs.director.plugins.module_utils._persist.format import Saved, from_text, to_text

from contract.memory import Interface, MemoryKernel, MemoryStore

from .conftest import Run, sides

Options = dict[str, Any]
LAN = [{"addresses": "192.0.2.0/24"}]


def service(number: int, *destinations: int, **options: Any) -> Options:
    listed = [{"address": f"10.0.0.{one}", "forward_method": "masquerade", "upper_threshold": 4} for one in destinations]
    return {"protocol": "tcp", "address": f"192.0.2.{number}", "port": 80, "scheduler": "mh", "destinations": listed, **options}


def key(number: int) -> Options:
    return {"protocol": "tcp", "address": f"192.0.2.{number}", "port": 80}


@pytest.fixture(autouse=True)
def saving(store: MemoryStore) -> None:
    store.table = to_text(Saved())


def saved(store: MemoryStore) -> dict[str, list[int]]:
    """The restored services, as the last numbers of their addresses."""
    assert store.table is not None
    content = json.loads(store.table)
    assert to_text(from_text(store.table)) == store.table
    return {
        one["address"].rpartition(".")[2]: [int(each["address"].rpartition(".")[2]) for each in one["destinations"]]
        for one in content["services"]
    }


def in_step(kernel: MemoryKernel, store: MemoryStore) -> None:
    assert saved(store) == {str(name.address[-1]): [one.key.address[-1] for one in kernel.destinations[name]] for name in kernel.services}


def predicted_then_done(run: Run, kernel: MemoryKernel, store: MemoryStore, name: str, **arguments: Any) -> Options:
    before = store.table
    predicted = run(name, check=True, **arguments)
    assert store.table == before, "check mode saved something"
    done = run(name, **arguments)
    assert predicted == done
    steps = len(kernel.steps)
    again = run(name, **arguments)
    assert not again["changed"]
    assert again["diff"] == []
    assert len(kernel.steps) == steps
    return done


def test_a_run_that_changes_the_kernel_saves(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    for services in ([service(1, 1, 2, 3), service(2)], [service(2, 4), service(1, 3, 1)], [service(2, 4)], []):
        done = predicted_then_done(run, kernel, store, "ipvs_table", services=services, purge=True, scope=LAN)
        assert "restored at boot" not in str(done["diff"]), "what becomes of the kernel says all"
        in_step(kernel, store)


def test_the_modules_of_one_service(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    assert predicted_then_done(run, kernel, store, "ipvs_service", **service(1, 1, 2))["changed"]
    in_step(kernel, store)
    assert predicted_then_done(run, kernel, store, "ipvs_destination", service=key(1), address="10.0.0.2", weight=7)["changed"]
    assert '"address": "10.0.0.2", "port": 80, "forward_method": "masquerade", "weight": 7' in str(store.table)
    assert run("ipvs_destination", service=key(1), address="10.0.0.2", state="drained", drain_timeout=0)["changed"]
    assert '"address": "10.0.0.2", "port": 80, "forward_method": "masquerade", "weight": 7' in str(store.table), (
        "the weight to come back with"
    )
    assert run("ipvs_destination", service=key(1), address="10.0.0.2")["changed"]
    assert predicted_then_done(run, kernel, store, "ipvs_destination", service=key(1), address="10.0.0.1", state="absent")["changed"]
    in_step(kernel, store)
    assert predicted_then_done(run, kernel, store, "ipvs_service", **key(1), state="absent")["changed"]
    assert saved(store) == {}


def test_a_difference_to_the_saved_table_is_a_change(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    """As after a crash between the kernel and the file, or where the file is new on a machine that has a table."""
    run("ipvs_service", **service(1, 1, 2))
    run("ipvs_service", **service(2))
    in_step_text = store.table
    store.table = to_text(Saved())
    done = predicted_then_done(run, kernel, store, "ipvs_service", **service(1, 1, 2))
    assert done["changed"]
    (changed,) = done["diff"]
    assert changed["before_header"] == changed["after_header"] == "tcp 192.0.2.1:80, restored at boot"
    assert changed["before"] == ""
    assert changed["after"].startswith('{"protocol": "tcp", "address": "192.0.2.1", "port": 80,\n')
    assert saved(store) == {"1": [1, 2]}
    assert predicted_then_done(run, kernel, store, "ipvs_table", services=[service(1, 1, 2), service(2)])["changed"]
    assert store.table == in_step_text
    # And the reverse: a saved service is no longer in the kernel, nor wanted.
    kernel.services.clear()
    done = predicted_then_done(run, kernel, store, "ipvs_table", services=[], purge=True, scope=[{"addresses": "192.0.2.1"}])
    assert done["changed"]
    assert [one["before_header"] for one in done["diff"]] == ["tcp 192.0.2.1:80, restored at boot"]
    assert saved(store) == {"2": []}


def test_foreign_entries_are_not_saved(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    saved_text, store.table = store.table, None
    run("ipvs_service", **service(1, 1, 2))
    store.table = saved_text
    run("ipvs_service", **service(2, 3))
    assert run("ipvs_destination", service=key(1), address="10.0.0.2", weight=3)["changed"]
    assert not run("ipvs_destination", service=key(1), address="10.0.0.2", weight=3)["changed"]
    assert saved(store) == {"2": [3]}
    run("ipvs_table", services=[service(2, 3)], purge=True, scope=LAN)
    assert saved(store) == {"2": [3]}


def test_without_a_saved_table_nothing_is_saved(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    store.table = None
    run("ipvs_service", **service(1, 1, 2))
    run("ipvs_timeouts", udp=250)
    assert not run("ipvs_service", **service(1, 1, 2))["changed"]
    assert store.table is None


def test_a_full_disk_is_found_before_anything_is_changed(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    store.disk_full = True
    for name, arguments in (("ipvs_service", service(1, 1)), ("ipvs_timeouts", {"udp": 250})):
        result = run(name, **arguments)
        assert "No space left on device" in result["msg"]
    assert not kernel.steps


def test_refused_changes_are_not_saved(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    run("ipvs_service", **service(1, 1))
    before = store.table

    def refuse(step: Step) -> int:
        return 22 if isinstance(step, AddDestination) and step.destination.key.address[-1] == 9 else 0

    kernel.refuse = refuse
    assert run("ipvs_service", **service(1, 9, 2))["failed"]
    assert store.table == before
    in_step(kernel, store)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is not JSON"),
        ("{}", "its version is not 1"),
        (to_text(Saved()).replace("1,", "2,"), "its version is not 1"),
        (to_text(Saved())[:40], "it is not JSON"),
        (to_text(Saved()).replace("[]", "7"), "sync_daemons is not a list of daemons"),
        (to_text(Saved({"{": "{,"})), "it is not JSON"),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(run: Run, kernel: MemoryKernel, store: MemoryStore, text: str, reason: str) -> None:
    store.table = text
    for name, arguments in (("ipvs_service", service(1, 1)), ("ipvs_timeouts", {"udp": 250})):
        result = run(name, **arguments)
        assert result["msg"].startswith("Cannot read /var/lib/lvs.director/table.json, from which the table is restored at boot: " + reason)
    assert store.table == text
    assert not kernel.steps


def test_a_purge_removes_saved_services_too(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    """As after a crash, or after somebody has flushed the table."""
    run("ipvs_table", services=[service(1, 1), {"fwmark": 7, "family": "ipv6"}, {"fwmark": 99}])
    kernel.services.clear()
    done = predicted_then_done(run, kernel, store, "ipvs_table", services=[], purge=True, scope=[{"fwmarks": "1-9"}])
    (changed,) = done["diff"]
    assert changed["before_header"] == "fwmark 7 (ipv6), restored at boot"
    assert changed["before"].startswith('{"fwmark": 7, "family": "ipv6",\n')
    assert changed["after"] == ""
    assert [one.get("fwmark") for one in json.loads(str(store.table))["services"]] == [None, 99]


def test_an_invalid_name_is_found_before_a_purge(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    run("ipvs_table", services=[service(1, 1), service(2, 1)])
    kernel.services.clear()
    kernel.steps.clear()
    store.table = str(store.table).replace('"192.0.2.2"', '"192.0.2"')
    before = store.table
    result = run("ipvs_table", services=[], purge=True, scope=LAN)
    assert '{"protocol": "tcp", "address": "192.0.2", "port": 80 does not name a service. Nothing was changed' in result["msg"]
    assert store.table == before


def test_a_damaged_service_is_found_by_the_task_that_changes_it(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    run("ipvs_service", **service(1, 1, 2))
    kernel.steps.clear()
    store.table, store.fallback = str(store.table).replace('"mh"', "mh"), frozenset({"tcp 192.0.2.1:80"})
    result = run("ipvs_destination", service=key(1), address="10.0.0.2", weight=0)
    assert "Cannot read /var/lib/lvs.director/table.json, from which the table is restored at boot: it is not JSON" in result["msg"]
    assert not kernel.steps


def test_a_hand_edited_file_may_have_another_layout(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    run("ipvs_table", services=[service(1, 1, 2), {"fwmark": 7, "family": "ipv6"}])
    text = store.table
    assert text
    store.table = json.dumps(json.loads(text), indent=4)
    assert not run("ipvs_table", services=[service(1, 1, 2), {"fwmark": 7, "family": "ipv6"}])["changed"]
    assert run("ipvs_timeouts", udp=250)["changed"]
    text = text.replace('"timeouts": {}', '"timeouts": {"udp": 250}')
    assert store.table == text.replace('"earlier_timeouts": {}', '"earlier_timeouts": {"udp": 300}')


def test_timeouts_and_sync_daemons(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    kernel.interfaces["eth1"] = Interface(1500)
    now, at_boot = predicted_then_done(run, kernel, store, "ipvs_timeouts", udp=250)["diff"]
    assert [one["after_header"] for one in (now, at_boot)] == ["timeouts", "timeouts, restored at boot"]
    assert (at_boot["before"], at_boot["after"]) == ("{}\n", '{"udp": 250}\n')
    predicted_then_done(run, kernel, store, "ipvs_timeouts", tcp=800)
    predicted_then_done(run, kernel, store, "ipvs_sync_daemon", daemon="master", interface="eth1", sync_id=7)
    predicted_then_done(run, kernel, store, "ipvs_sync_daemon", daemon="backup", interface="eth1")
    content = json.loads(str(store.table))
    assert content["timeouts"] == {"udp": 250, "tcp": 800}
    run("ipvs_timeouts", udp=260)
    assert json.loads(str(store.table))["earlier_timeouts"] == {"udp": 300, "tcp": 900}
    assert [(one["state"], one["sync_id"]) for one in content["sync_daemons"]] == [("master", 7), ("backup", 0)]
    # The kernel is right, only the file differs.
    store.table = to_text(Saved())
    assert predicted_then_done(run, kernel, store, "ipvs_timeouts", udp=260)["changed"]
    assert predicted_then_done(run, kernel, store, "ipvs_sync_daemon", daemon="master", interface="eth1")["changed"]
    predicted_then_done(run, kernel, store, "ipvs_sync_daemon", daemon="master", state="absent")
    assert json.loads(str(store.table))["sync_daemons"] == []


def test_the_fallback_scheduler_is_not_saved(run: Run, kernel: MemoryKernel, store: MemoryStore) -> None:
    """A service was restored with another scheduler, and other weights: a task about one weight saves that weight alone."""
    run("ipvs_service", **service(1, 1, 2, 3))
    before = str(store.table)
    store.table = None
    weights = [{"address": f"10.0.0.{one}", "weight": 4 - one} for one in (1, 2, 3)]
    run("ipvs_service", **{**service(1), "scheduler": "fo", "destinations": weights})
    store.table, store.fallback = before, frozenset({"tcp 192.0.2.1:80"})
    assert not run("ipvs_destination", service=key(1), address="10.0.0.1")["changed"]
    done = predicted_then_done(run, kernel, store, "ipvs_destination", service=key(1), address="10.0.0.2", weight=0)
    assert done["changed"]
    assert '"scheduler": "mh"' in sides(done)[1]
    first, second, third = before.split('"weight": 1')[0:3]
    assert store.table == f'{first}"weight": 1{second}"weight": 0{third}"weight": 1' + before.split('"weight": 1')[3]
    store.fallback = frozenset()
    assert predicted_then_done(run, kernel, store, "ipvs_destination", service=key(1), address="10.0.0.2", weight=0)["changed"]
    assert '"scheduler": "fo"' in store.table


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The warnings. AnsibleModule would keep them between runs, which share a process here."""
    warnings: list[str] = []
    monkeypatch.setattr(AnsibleModule, "warn", lambda _module, text: warnings.append(text))
    return warnings


def test_services_with_the_fallback_scheduler_are_a_warning(run: Run, kernel: MemoryKernel, store: MemoryStore, told: list[str]) -> None:
    for number in (1, 2):
        run("ipvs_service", **service(number, 1, 2))
    before, store.table = store.table, None
    run("ipvs_service", **{**service(1), "scheduler": "fo"})
    store.table, store.fallback = before, frozenset({"tcp 192.0.2.1:80"})
    run("ipvs_info")
    assert len(told) == 1
    assert told[0].startswith('Service tcp 192.0.2.1:80 has scheduler "fo", and weights')
    assert 'because its own, "mh", was missing' in told[0]
    # The run that repairs it reports its findings, and the next one reports nothing.
    run("ipvs_service", **service(1, 1, 2))
    assert told == told[:1] * 2
    run("ipvs_info")
    assert len(told) == 2


def test_a_damaged_file_does_not_prevent_a_run_that_only_warns(run: Run, kernel: MemoryKernel, store: MemoryStore, told: list[str]) -> None:
    run("ipvs_service", **service(1, 1, 2))
    store.table, store.fallback = "nonsense", frozenset({"tcp 192.0.2.1:80"})
    assert run("ipvs_info")["services"]
    assert not told


def test_the_time_of_a_run_is_kept_though_nothing_changes(run: Run, store: MemoryStore) -> None:
    """For the metrics. The file's own time does not tell: a run that changes nothing does not write it."""
    run("ipvs_table", check=True, services=[service(1, 1)])
    assert store.runs == {}
    run("ipvs_table", services=[service(1, 1)])
    run("ipvs_service", **service(2, 1))
    run("ipvs_destination", service=key(2), address="10.0.0.2", forward_method="masquerade")
    assert store.runs.keys() == {"ipvs_table", "ipvs_service", "ipvs_destination"}
    store.runs.clear()
    assert run("ipvs_table", services=[{**key(1), "scheduler": "none of these"}])["failed"]
    assert store.runs == {}
    assert not run("ipvs_table", services=[service(1, 1)])["changed"]
    assert store.runs.keys() == {"ipvs_table"}
