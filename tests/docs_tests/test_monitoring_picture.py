# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of the guide *Monitoring* shows what was recorded in the scenario `monitoring`."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from typing import Any

from tools.monitoring_picture import DATA, DOCUMENT, FIRING, TOOL, picture, recorded, spans
from tools.page_picture import begin, renewed

FULL, OTHER = "10.211.55.253", "10.211.55.252"


def series(values: list[tuple[int, int]], **labels: str) -> dict[str, Any]:
    return {"metric": labels, "values": [[1764370000.0 + 5 * number, str(value)] for number, value in values]}


RECORDED = {
    'ipvs_director:destination_connections:ratio{proto="TCP"}': [
        series([(number, int(10 <= number < 40)) for number in range(60)], remote_address=FULL),
        series([(number, 0) for number in range(60)], remote_address=OTHER),
    ],
    'ipvs_director_destination_full{proto="TCP"}': [
        series([(number, int(12 <= number < 36)) for number in range(60)], remote_address=FULL),
        series([(number, 0) for number in range(60)], remote_address=OTHER),
    ],
    'ipvs_director_destination_maybe_full{proto="TCP"}': [
        series([(number, int(36 <= number < 40)) for number in range(60)], remote_address=FULL),
    ],
    'ALERTS{alertname="IPVSDestinationFull"}': [
        series([(number, 1) for number in range(12, 24)], remote_address=FULL, alertstate="pending"),
        series([(number, 1) for number in range(24, 36)], remote_address=FULL, alertstate="firing"),
    ],
}


def test_the_series_of_the_full_server_are_drawn() -> None:
    found = recorded(RECORDED)
    assert found.server == FULL
    assert spans(found.full) == [(1764370060.0, 1764370180.0)]
    assert spans(found.maybe_full) == [(1764370180.0, 1764370200.0)]
    assert spans(found.firing) == [(1764370120.0, 1764370180.0)]


def test_the_picture_is_well_formed() -> None:
    root = ET.fromstring(picture(RECORDED))
    bars = [element for element in root if element.tag.endswith("rect")]
    assert len(bars) == 4
    (firing,) = (each for each in bars if each.get("fill") == FIRING)
    # 60 of the 190 seconds from 20 seconds before the first connection to 20 seconds after the last.
    assert round(float(firing.attrib["width"])) == round(560 * 60 / 190)


def test_the_guide_has_its_place_and_shows_the_recording() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert begin(TOOL) in document
    if DATA.exists():
        shown = renewed(document, TOOL, picture(json.loads(DATA.read_text(encoding="utf-8"))))
        assert shown == document, "python3 -m tools.monitoring_picture draws it anew"
    else:
        assert renewed(document, TOOL, picture(RECORDED)) != document
