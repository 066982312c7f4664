# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)

# Note that this module util is PRIVATE to the collection. It can have breaking changes at any time.

"""The Prometheus text format. Pure.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple, Union

PREFIX = "ipvs_director_"

Labels = Mapping[str, str]
Value = Union[bool, int, float]


class Metric(NamedTuple):
    """A gauge with its help, and its value for each set of labels."""

    name: str  # without PREFIX
    help: str
    samples: Iterable[tuple[Labels, Value]]


def single(name: str, about: str, value: Value) -> Metric:
    """Return a metric without labels."""
    return Metric(name, about, [({}, value)])


def render(metrics: Iterable[Metric]) -> str:
    """Return the text of these metrics, without those that have no sample."""
    lines = []
    for metric in metrics:
        name = PREFIX + metric.name
        samples = [f"{name}{_labels(labels)} {_number(value)}" for labels, value in metric.samples]
        if samples:
            lines += [f"# HELP {name} {_escaped(metric.help)}", f"# TYPE {name} gauge", *samples]
    return "".join(f"{line}\n" for line in lines)


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    pairs = [f'{name}="{_quoted(value)}"' for name, value in labels.items()]
    return f"{{{','.join(pairs)}}}"


def _number(value: Value) -> str:
    return str(int(value)) if value == int(value) else repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', '\\"')
