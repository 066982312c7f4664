# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""ipvs_sysctl, on files in the place of a kernel's parameters."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.lvs.director.plugins.module_utils._machine import sysctl

from .conftest import Run

SETTINGS = {"net.ipv4.ip_forward": 1, "net.ipv4.conf.*.send_redirects": 0, "net.ipv4.vs.sync_threshold": "4 60"}


@pytest.fixture(autouse=True)
def kernel_parameters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a kernel in which forwarding changes interfaces' parameters, as in the real one."""
    root = tmp_path / "sys"
    for name, value in {
        "net/ipv4/ip_forward": "0",
        "net/ipv4/vs/sync_threshold": "3\t50",
        "net/ipv4/vs/sloppy_tcp": "0",
        **{f"net/ipv4/conf/{each}/forwarding": "0" for each in ("all", "default", "eth0")},
        **{f"net/ipv4/conf/{each}/send_redirects": "1" for each in ("all", "default", "eth0")},
        "net/ipv4/conf/all/accept_redirects": "1",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(value + "\n")
    plain = sysctl._write

    def write(path: Path, text: str) -> None:
        plain(path, text)
        if path.name == "ip_forward":
            (root / "net/ipv4/conf/all/accept_redirects").write_text("0\n" if text == "1" else "1\n")
            for each in root.glob("net/ipv4/conf/*/forwarding"):
                each.write_text(text + "\n")

    (tmp_path / "etc").mkdir()
    monkeypatch.setattr(sysctl, "ROOT", root)
    monkeypatch.setattr(sysctl, "EARLIER", str(tmp_path / "state" / "sysctls.json"))
    monkeypatch.setattr(sysctl, "AT_BOOT", str(tmp_path / "etc" / "sysctl.d" / "zz.conf"))
    monkeypatch.setattr(sysctl, "_write", write)


def everything() -> dict[str, str]:
    return {str(path.relative_to(sysctl.ROOT)): " ".join(path.read_text().split()) for path in sysctl.ROOT.rglob("*") if path.is_file()}


def of(name: str) -> str:
    return everything()[name.replace(".", "/")]


def steps(run: Run, settings: dict[str, Any] | None = None, *, check: bool = False) -> list[str]:
    result = run("ipvs_sysctl", sysctls=SETTINGS if settings is None else settings, check=check)
    assert not result.get("failed"), result["msg"]
    found: list[str] = result["steps"]
    assert result["changed"] == bool(found)
    return found


def refusal(run: Run, settings: dict[str, Any], *, check: bool = False) -> str:
    before = everything()
    result = run("ipvs_sysctl", sysctls=settings, check=check)
    assert result["failed"], result
    assert everything() == before
    assert not Path(sysctl.AT_BOOT).exists()
    return str(result["msg"])


def absent(run: Run, *, check: bool = False) -> list[str]:
    found: list[str] = run("ipvs_sysctl", state="absent", check=check)["steps"]
    return found


def test_parameters_are_set_now_and_at_boot(run: Run) -> None:
    before = everything()
    predicted = steps(run, check=True)
    assert everything() == before
    assert not Path(sysctl.EARLIER).exists()
    assert not Path(sysctl.AT_BOOT).exists()
    assert steps(run) == predicted
    assert predicted == [
        "net/ipv4/ip_forward: 0 -> 1",
        *(f"net/ipv4/conf/{each}/send_redirects: 1 -> 0" for each in ("all", "default", "eth0")),
        "net/ipv4/vs/sync_threshold: 3 50 -> 4 60",
        f"write {sysctl.AT_BOOT}",
    ]
    lines = Path(sysctl.AT_BOOT).read_text().splitlines()[1:]
    assert lines == ["net.ipv4.ip_forward = 1", "net.ipv4.conf.*.send_redirects = 0", "net.ipv4.vs.sync_threshold = 4 60"]
    assert Path(sysctl.AT_BOOT).stat().st_mode & 0o777 == 0o644
    assert Path(sysctl.EARLIER).stat().st_mode & 0o777 == 0o600
    assert steps(run) == steps(run, check=True) == []


def test_parameters_are_restored(run: Run) -> None:
    before = everything()
    steps(run)
    steps(run, {**SETTINGS, "net.ipv4.vs.sync_threshold": "5 70"})
    deployed = everything()
    predicted = absent(run, check=True)
    assert everything() == deployed
    assert "net/ipv4/vs/sync_threshold: 5 70 -> 3 50" in predicted
    assert absent(run) == predicted
    assert everything() == before
    assert not Path(sysctl.AT_BOOT).exists()
    assert not Path(sysctl.EARLIER).parent.exists()
    assert absent(run) == []


def test_parameters_changed_by_others_stay(run: Run) -> None:
    steps(run)
    (sysctl.ROOT / "net/ipv4/vs/sync_threshold").write_text("9 90")
    absent(run)
    assert of("net.ipv4.vs.sync_threshold") == "9 90"
    assert of("net.ipv4.ip_forward") == "0"


def test_a_new_interface_gets_the_earlier_default(run: Run) -> None:
    steps(run)
    (sysctl.ROOT / "net/ipv4/conf/eth9").mkdir()
    (sysctl.ROOT / "net/ipv4/conf/eth9/send_redirects").write_text("0")
    absent(run)
    assert of("net.ipv4.conf.eth9.send_redirects") == "1"


def test_a_parameter_changed_by_another_is_set_again(run: Run) -> None:
    """It is right before; forwarding makes it wrong."""
    assert len(steps(run, {"net.ipv4.conf.all.accept_redirects": 1, "net.ipv4.ip_forward": 1})) == 2
    assert of("net.ipv4.conf.all.accept_redirects") == "1"


def test_a_full_name_overrides_a_pattern(run: Run) -> None:
    for settings in (
        {"net.ipv4.conf.*.send_redirects": 0, "net.ipv4.conf.eth0.send_redirects": 1},
        {"net.ipv4.conf.eth0.send_redirects": 1, "net.ipv4.conf.*.send_redirects": 0},
    ):
        steps(run, settings)
        assert (of("net.ipv4.conf.eth0.send_redirects"), of("net.ipv4.conf.all.send_redirects")) == ("1", "0")
        assert steps(run, settings) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("5 70", "5 70"),
        ("5\t70\n", "5 70"),
        ([5, 70], "5 70"),
        (["5", 70], "5 70"),
        (["5 70"], "5 70"),
        (True, "1"),
        (False, "0"),
        ([True, 0], "1 0"),
        (7, "7"),
    ],
)
def test_values_are_compared_word_by_word(run: Run, value: Any, text: str) -> None:
    steps(run, {"net.ipv4.vs.sync_threshold": value})
    assert of("net.ipv4.vs.sync_threshold") == text
    assert Path(sysctl.AT_BOOT).read_text().endswith(f"\nnet.ipv4.vs.sync_threshold = {text}\n")
    assert steps(run, {"net.ipv4.vs.sync_threshold": value}) == []


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("net.ipv4.vs.sync_threshold", None, "None is not a value"),
        ("net.ipv4.vs.sync_threshold", {"a": 1}, "is not a value"),
        ("net.ipv4.vs.sync_threshold", [1, None], "is not a value"),
        ("net.ipv4.vs.sync_threshold", [], "the value is empty"),
        ("net.ipv4.vs.sync_threshold", " ", "the value is empty"),
        *(
            (name, 1, "this is not the name of a kernel parameter")
            for name in (
                "../../x",
                "net/../../x",
                "net/../net/ipv4/ip_forward",
                "/net/ipv4/ip_forward",
                "",
                ".",
                "net..x",
                "**",
                "a b",
                "-net.ipv4.x",
                "a=b",
            )
        ),
        ("net.ipv4.ip_forwarding", 1, "Is net.ipv4.ip_forward meant?"),
        ("net.ipv9.x", 1, "has no parameter net.ipv9.x"),
        ("net.ipv4", 1, "has no parameter net.ipv4"),
        ("net/ipv4/ip_forward", 0, "this is the parameter net.ipv4.ip_forward, which is to be '1'"),
    ],
)
def test_impossible_values_are_refused_before_any_change(run: Run, name: str, value: Any, words: str, check: bool) -> None:
    message = refusal(run, {"net.ipv4.ip_forward": 1, name: value}, check=check)
    assert message.startswith(f"sysctls[{name}]: ")
    assert words in message


def test_two_names_of_a_parameter_may_agree(run: Run) -> None:
    assert len(steps(run, {"net.ipv4.ip_forward": 1, "net/ipv4/ip_forward": "1"})) == 2


@pytest.mark.parametrize("check", [True, False])
def test_a_write_only_parameter_is_refused(run: Run, check: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    flush = sysctl.ROOT / "net/ipv4/flush"
    flush.write_text("")
    plain = Path.read_text

    def read_text(path: Path, *rest: Any, **options: Any) -> str:
        if path == flush:
            raise PermissionError(13, "Permission denied")
        return plain(path, *rest, **options)

    monkeypatch.setattr(Path, "read_text", read_text)
    result = run("ipvs_sysctl", sysctls={"net.ipv4.ip_forward": 1, "net.ipv4.flush": 1}, check=check)
    assert result["msg"].startswith("sysctls[net.ipv4.flush]: it cannot be read (Permission denied)")
    assert (sysctl.ROOT / "net/ipv4/ip_forward").read_text() == "0\n"


def test_a_refused_value_leaves_everything_unchanged(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Path.write_text

    def write_text(path: Path, text: str, *rest: Any, **options: Any) -> int:
        if path.name == "sloppy_tcp":
            raise OSError(22, "Invalid argument")
        return plain(path, text, *rest, **options)

    monkeypatch.setattr(Path, "write_text", write_text)
    message = refusal(run, {**SETTINGS, "net.ipv4.vs.sloppy_tcp": 9})
    assert message == f"The kernel refuses '9' for {sysctl.ROOT}/net/ipv4/vs/sloppy_tcp: Invalid argument. Everything is as it was before"
    assert not Path(sysctl.EARLIER).exists()
    steps(run)
    record = Path(sysctl.EARLIER).read_text()
    assert run("ipvs_sysctl", sysctls={"net.ipv4.vs.sync_threshold": "8 8", "net.ipv4.vs.sloppy_tcp": 9})["failed"]
    assert Path(sysctl.EARLIER).read_text() == record


def test_a_value_that_the_kernel_changes_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Path.write_text
    monkeypatch.setattr(Path, "write_text", lambda path, text, **options: plain(path, "255" if text == "0xff" else text, **options))
    assert "was set to '0xff', but the kernel made it '255'" in refusal(run, {"net.ipv4.vs.sloppy_tcp": "0xff"})


def test_in_check_mode_the_parameters_of_ip_vs_may_be_missing(run: Run) -> None:
    for path in (sysctl.ROOT / "net/ipv4/vs").iterdir():
        path.unlink()
    (sysctl.ROOT / "net/ipv4/vs").rmdir()
    assert len(steps(run, check=True)) == 5
    assert "has no parameter net.ipv4.vs.sync_threshold" in refusal(run, SETTINGS)


@pytest.mark.parametrize(
    "text", ["{", "[]", "[7]", '{"net/ipv4/ip_forward": "01"}', '{"net/ipv4/ip_forward": ["0"]}', '{"../../x": ["0", "1"]}', '{"a": 7}']
)
def test_a_damaged_record_is_named(run: Run, text: str) -> None:
    Path(sysctl.EARLIER).parent.mkdir()
    Path(sysctl.EARLIER).write_text(text)
    for arguments in ({"state": "absent"}, {"sysctls": SETTINGS}):
        message = run("ipvs_sysctl", **arguments)["msg"]
        assert message.startswith(f"Cannot read {sysctl.EARLIER}, the record of earlier kernel parameters: ")
    assert of("net.ipv4.ip_forward") == "0"


def test_the_record_of_0_1_0_is_read(run: Run) -> None:
    Path(sysctl.EARLIER).parent.mkdir()
    Path(sysctl.EARLIER).write_text(json.dumps({"net/ipv4/vs/sloppy_tcp": ["1", "0"]}))
    assert absent(run) == ["net/ipv4/vs/sloppy_tcp: 0 -> 1", f"remove {sysctl.EARLIER}"]


def test_an_unlisted_parameter_keeps_its_value(run: Run) -> None:
    steps(run)
    assert steps(run, {}) == [f"remove {sysctl.AT_BOOT}"]
    assert of("net.ipv4.ip_forward") == "1"
    absent(run)
    assert of("net.ipv4.ip_forward") == "0"


def test_without_parameters_nothing_is_written(run: Run) -> None:
    assert steps(run, {}) == absent(run) == []
    assert "sysctls" in run("ipvs_sysctl")["msg"]
