# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived's configuration in the guide and the tasks beside it make the same services."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml
from ansible_collections.lvs.director.plugins.module_utils._options.entries import new_entries

from docs.blocks import blocks

PAGE = "docs/docsite/rst/guide_from_keepalived.rst"
METHODS = {"NAT": "masquerade", "DR": "direct", "TUN": "tunnel"}
# What is about health checks.
NOT_HERE = {"inhibit_on_failure"}


def sections(lines: Iterator[str]) -> list[tuple[list[str], list[Any]]]:
    """Return the words of each line, with what stands in braces after it."""
    found: list[tuple[list[str], list[Any]]] = []
    for line in lines:
        words = line.split()
        if words == ["}"]:
            break
        if words:
            found.append((words[:-1], sections(lines)) if words[-1] == "{" else (words, []))
    return found


def service(words: list[str], inside: list[Any]) -> dict[str, Any]:
    """Return a virtual_server as the options of ipvs_service."""
    said = {one[0]: one[1:] for one, _block in inside if one[0] != "real_server"}
    method, *tunnel = said.pop("lvs_method")
    one: dict[str, Any] = {"scheduler": said.pop("lvs_sched")[0]}
    if words[1] == "fwmark":
        one["fwmark"] = int(words[2])
    else:
        one |= {"address": words[1], "port": int(words[2]), "protocol": said.pop("protocol")[0].lower()}
    if "persistence_timeout" in said:
        one["persistence_timeout"] = int(said.pop("persistence_timeout")[0])
    one["scheduler_flags"] = [flag for flag in list(said) if flag.startswith(("sh-", "mh-", "flag-")) and said.pop(flag) == []]
    forward: dict[str, Any] = {"forward_method": METHODS[method]}
    if tunnel:
        assert [tunnel[0], tunnel[2]] == ["type", "port"]
        forward |= {"tunnel_type": tunnel[1], "tunnel_port": int(tunnel[3])}
    assert said == {}
    servers = [real(*each) for each in inside if each[0][0] == "real_server"]
    one["destinations"] = [{**server, **forward} for server in servers]
    return one


def real(words: list[str], inside: list[Any]) -> dict[str, Any]:
    said = {one[0]: one[1:] for one, _block in inside}
    names = {"weight": "weight", "uthreshold": "upper_threshold", "lthreshold": "lower_threshold"}
    assert set(said) <= {*names, *NOT_HERE}
    values = {names[name]: int(value[0]) for name, value in said.items() if name in names}
    return {"address": words[1], "port": int(words[2]), **values}


def test_both_make_the_same_services() -> None:
    found = blocks(PAGE)
    (theirs,) = (block for block in found if block.kind == "keepalived")
    (ours,) = (block for block in found if (block.kind, block.name) == ("tasks", "keepalived"))
    (task,) = yaml.safe_load(ours.text)
    servers = sections(iter(theirs.text.splitlines()))
    assert {words[0] for words, _block in servers} == {"virtual_server"}
    assert new_entries(service(*one) for one in servers) == new_entries(task["lvs.director.ipvs_table"]["services"])
