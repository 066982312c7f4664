# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures of the experiment show the recorded run, and that went as expected. The scenario `overload` runs it again."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from ansible_collections.lvs.director.plugins.module_utils._selftest.expected import Expected
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Close, Forget, Open, Reset, SetWeight, Step

from experiment.picture import ordinal
from experiment.recorded import dumped, loaded
from experiment.service import services
from tools.overload_picture import ANIMATION, DATA, PICTURE, draw_all

SERVICE = services()["test"]
TEXT = DATA.read_text(encoding="utf-8")
RECORDS = loaded(TEXT, SERVICE)
SVG = "{http://www.w3.org/2000/svg}"


def chosen(kernel: Expected, step: Step) -> list[str | None]:
    """Take a step as the kernel should, and return the servers that accept a connection."""
    servers: list[str | None] = []
    for action in step.actions:
        match action:
            case Open():
                servers += [kernel.open() for _turn in range(action.count)]
            case Close():
                kernel.close(action.server)
            case Reset():
                kernel.reset(action.server)
            case Forget():
                for server in action.servers:
                    kernel.forget(server)
            case SetWeight():
                kernel.set_weight(action.server, action.weight)
    return servers


def test_the_recording_is_as_expected() -> None:
    kernel = Expected(SERVICE)
    for record in RECORDS:
        assert [connection.server for connection in record.connections] == chosen(kernel, record.step)
        assert record.table.rows == record.expected == kernel.rows()
        assert record.shut == kernel.shut()
        assert record.broken == ()


def test_the_recording_keeps_all_of_a_run() -> None:
    assert dumped(SERVICE, RECORDS) == TEXT


def test_a_recording_of_other_steps_is_refused() -> None:
    data = json.loads(TEXT)
    del data["steps"][3]
    with pytest.raises(ValueError, match="`make demo` records it anew"):
        loaded(json.dumps(data), SERVICE)


def test_the_pictures_are_drawn_from_the_recording(tmp_path: Path) -> None:
    draw_all(tmp_path)
    for picture in (PICTURE, ANIMATION):
        assert (tmp_path / picture.name).read_bytes() == picture.read_bytes(), "python3 -m tools.overload_picture draws them anew"


def test_places_in_the_order() -> None:
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 13, 21, 22, 103, 111)] == (
        "1st 2nd 3rd 4th 11th 12th 13th 21st 22nd 103rd 111th".split()
    )


def test_the_picture_names_each_place_and_who_is_full() -> None:
    text = PICTURE.read_text(encoding="utf-8")
    for words in ("When a real server is full, the next one takes over", "tried 1st", "tried 2nd", "tried 3rd", "tried 4th"):
        assert text.count(f"<!-- {words} -->") == 1


def groups() -> list[tuple[str, bool, list[str]]]:
    """Return the parts of the animation that come and go: name, visible without animation, texts."""
    root = ET.fromstring(ANIMATION.read_text(encoding="utf-8"))
    return [
        (group.attrib["id"], group.get("visibility") != "hidden", [text.text or "" for text in group.iter(f"{SVG}text")])
        for group in root.iter(f"{SVG}g")
    ]


def test_each_greeting_comes_once_in_the_animation() -> None:
    made = [connection for record in RECORDS for connection in record.connections]
    shown = [text for _name, _still, texts in groups() for text in texts if text.startswith("connection ")]
    assert sorted(shown) == sorted(f"connection {each.number}   {each.greeting or each.error}" for each in made)


def test_without_animation_the_next_server_has_taken_over() -> None:
    texts = [text for _name, still, texts in groups() if still for text in texts]
    assert [text for text in texts if text.startswith("Step")] == ["Step 3 of 10: fail over"]
    assert {"connection 6   220 lvs.director experiment [10.211.55.252]", "full", "next", "as expected; fo agrees"} <= set(texts)


def test_each_part_of_the_animation_has_its_moments() -> None:
    style = ANIMATION.read_text(encoding="utf-8")
    assert "prefers-reduced-motion" in style
    for name, _still, _texts in groups():
        assert f"#{name}{{animation-name:{name}}}" in style
        assert re.search(rf"@keyframes {name}\{{0%\{{visibility:(hidden|visible)\}}", style)
