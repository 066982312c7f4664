# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The run as a picture: one block for each connection that the director counts, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import matplotlib

matplotlib.use("svg")  # no screen, and no search for one
import matplotlib.pyplot as plt
from ansible_collections.lvs.director.plugins.module_utils._selftest.run import Record
from ansible_collections.lvs.director.plugins.module_utils._selftest.scenario import Service
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, Rectangle

INK, FAINT, ACTIVE, SHUT, REFUSED = "#1f2933", "#9aa5b1", "#2f6f9f", "#fbe3d6", "#c2410c"
SIDE = 0.76  # of a block, in units of the grid


def draw(service: Service, records: Sequence[Record], file: Path) -> None:
    plt.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9, "text.color": INK, "svg.hashsalt": "overload"})
    servers = service.destinations
    figure, axes = plt.subplots(len(servers) + 1, 1, sharex=True, figsize=(10.5, 7.2), height_ratios=[0.55] + [1] * len(servers))
    figure.subplots_adjust(left=0.135, right=0.985, top=0.875, bottom=0.145, hspace=0.09)
    figure.text(0.012, 0.955, "When a real server is full, the next one takes over", fontsize=16, weight="bold")
    figure.text(
        0.012,
        0.915,
        f"Connections of each real server behind {service}, scheduler {service.scheduler},"
        " after each step of the experiment, as ipvsadm shows them",
        color="#52606d",
    )
    asked(axes[0], records)
    for place, (axis, server) in enumerate(zip(axes[1:], servers, strict=True), 1):
        upper = server.upper_threshold
        top = upper + 0.9
        # No part reaches out of the axes, to be cut off there: not every viewer of SVG does that.
        for start, end in spans([server.address in record.shut for record in records]):
            axis.add_patch(Rectangle((start - 0.5, 0), end - start, top, facecolor=SHUT, linewidth=0, zorder=0))
        for x, record in enumerate(records):
            blocks(axis, x, record, server.address)
        axis.axhline(upper, color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
        axis.set_ylim(0, top)
        axis.set_yticks([0, upper])
        axis.set_ylabel(
            f"{server.address}\ntried {ordinal(place)}",
            rotation=0,
            ha="right",
            va="center",
            labelpad=18,
        )
    for axis in axes:
        axis.tick_params(length=0, colors="#52606d")
        for side in axis.spines.values():
            side.set_visible(False)
    axes[-1].spines["bottom"].set(visible=True, color=FAINT)
    axes[-1].set_xlim(-0.5, len(records) - 0.5)
    axes[-1].set_xticks(range(len(records)), [f"{n}\n{r.step.name}" for n, r in enumerate(records, 1)])
    figure.legend(
        handles=[
            Patch(facecolor=ACTIVE, label="active"),
            Patch(facecolor="white", edgecolor=ACTIVE, label="inactive: ended, still counted"),
            Patch(facecolor=SHUT, label="takes no new connection (overloaded, or weight 0)"),
            Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (4, 3)), label="upper threshold"),
        ],
        loc="lower left",
        bbox_to_anchor=(0.125, 0.005),
        ncols=4,
        frameon=False,
        handlelength=1.6,
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def ordinal(place: int) -> str:
    """Return 1st for 1."""
    ending = "th" if place % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(place % 10, "th")
    return f"{place}{ending}"


def asked(axis: Axes, records: Sequence[Record]) -> None:
    """The client's actions, above the servers: the number of connections, and refusals."""
    axis.set_ylim(0, 1)
    axis.set_yticks([])
    axis.set_ylabel("client opens", rotation=0, ha="right", va="center", labelpad=18)
    for x, record in enumerate(records):
        refused = any(connection.server is None for connection in record.connections)
        count = len(record.connections)
        text = f"+{count}" if count else "-"
        axis.text(x, 0.62, text, ha="center", va="center", fontsize=11, color=INK if count else FAINT)
        if refused:
            axis.text(x, 0.2, "refused", ha="center", va="center", color=REFUSED, weight="bold")


def spans(flags: Sequence[bool]) -> list[tuple[int, int]]:
    """Where the flag is set: from which step, and up to which."""
    edges = [x for x, (before, now) in enumerate(pairwise([False, *flags, False])) if before != now]
    return list(zip(edges[::2], edges[1::2], strict=True))


def blocks(axis: Axes, x: int, record: Record, server: str) -> None:
    (row,) = [row for row in record.table.rows if row.address == server]
    for level in range(row.active + row.inactive):
        axis.add_patch(
            Rectangle(
                (x - SIDE / 2, level + (1 - SIDE) / 2),
                SIDE,
                SIDE,
                facecolor=ACTIVE if level < row.active else "white",
                edgecolor=ACTIVE,
                linewidth=1.2,
                zorder=2,
            )
        )
