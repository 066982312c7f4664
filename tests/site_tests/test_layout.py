# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The docs site in a browser: nothing is cut off, and its buttons and links do what they say. `make docs` has built it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from browser.chromium import Chromium
from browser.layout import faults
from tools.checkout import ROOT
from tools.docs import SITE

# A laptop, a desktop, a telephone held sideways; and just beside the widths at which the theme hides a column (82em, 67em, 63em, 48em).
WIDTHS = (1366, 1440, 500, 360, 1280, 1312, 1330, 1000, 780, 1920)
PAGES = sorted(str(page.relative_to(SITE)) for page in SITE.rglob("*.html"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    with Chromium() as one:
        yield one


def test_the_site_is_there() -> None:
    assert {"index.html", "changelog.html", "ipvs_table_module.html", "docsite/guide_messages.html"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_cut_off(page: str, browser: Chromium) -> None:
    browser.resize(WIDTHS[0])
    browser.open(SITE / page)
    found = []
    for width in WIDTHS:
        browser.resize(width)
        found += [f"at {width} px {fault}" for fault in faults(browser)]
    assert found == []


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<b style="margin-right: -9px; float: right">x</b>', "the window scrolls sideways: 509 px in 500 px"),
        ('<div class="content" style="overflow-x: auto"><p style="width: 600px">x</p></div>', 'p "x" ends at 600 px of 500 px'),
        ('<div style="overflow: hidden; width: 99px"><p style="width: 200px">x</p></div>', 'div "x" is cut off: 200 px in 99 px'),
        ('<article><div style="overflow-y: auto; height: 9px">x<br>y</div></article>', 'div "x y" has a scroll bar of its own'),
        ('<img src="none.png" alt="" width="9" height="9">', "the picture none.png is missing"),
        ('<div style="overflow-x: auto"><p style="width: 600px">x</p></div>', None),
    ],
)
def test_faults_are_found(html: str, fault: str | None, browser: Chromium, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text(f'<!doctype html><meta charset="utf-8"><style>body {{ margin: 0 }}</style>{html}')
    browser.resize(500)
    browser.open(page)
    found = faults(browser)
    assert (fault in found) if fault else found == []


def test_the_sidebar_has_headings_and_short_names(browser: Chromium) -> None:
    browser.resize(1366)
    browser.open(SITE / "index.html")
    headings = browser.run("[...document.querySelectorAll('.sidebar-tree .caption')].map((one) => one.textContent)")
    titles = [section["title"] for section in yaml.safe_load((ROOT / "docs/docsite/extra-docs.yml").read_text())["sections"]]
    assert headings == [*titles, "Modules", "Roles", "Filters", "Releases"]
    names = browser.run("[...document.querySelectorAll('.sidebar-tree a')].map((one) => one.innerText)")
    modules = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
    assert next(name for name in names if name in modules) == "ipvs_table"
    assert set(modules) <= set(names)
    assert [name for name in names if len(name) > 40] == []


def copied(browser: Chromium, number: int = 0) -> str:
    """Return what the copy button of a page's block of code copies."""
    clipboard = "{value: {writeText: (text) => { window.copiedText = text; }}, configurable: true}"
    browser.run(f"Object.defineProperty(navigator, 'clipboard', {clipboard})")
    browser.run(f"document.querySelectorAll('.copy')[{number}].click()")
    text: str = browser.run("window.copiedText")
    return text


def test_commands_are_copied_without_prompt(browser: Chromium) -> None:
    browser.open(SITE / "docsite" / "guide_getting_started.html")
    texts = [copied(browser, number) for number in range(browser.run("document.querySelectorAll('.copy').length"))]
    assert "ansible-playbook -i inventory.yml director.yml --check --diff\nansible-playbook -i inventory.yml director.yml\n" in texts
    assert [text for text in texts if re.match(r"[$#] ", text)] == []


def test_playbooks_are_copied_as_they_are(browser: Chromium) -> None:
    browser.open(SITE / "docsite" / "guide_getting_started.html")
    texts = [copied(browser, number) for number in range(browser.run("document.querySelectorAll('.copy').length"))]
    (playbook,) = (yaml.safe_load(text) for text in texts if "ipvs_director_vips" in text)
    assert playbook[0]["roles"] == ["lvs.director.ipvs_director"]


def test_every_message_has_an_address(browser: Chromium) -> None:
    browser.open(SITE / "docsite" / "guide_messages.html")
    source = (ROOT / "docs" / "docsite" / "rst" / "guide_messages.rst").read_text(encoding="utf-8")
    links = browser.run("[...document.querySelectorAll('.line > a.headerlink')].map((one) => one.getAttribute('href'))")
    assert len(links) == len(re.findall(r"^\| ``.+``$", source, re.MULTILINE))
    assert len(set(links)) == len(links)
    to_itself = "(one) => document.querySelector(one.getAttribute('href')) === one.parentElement"
    assert browser.run(f"[...document.querySelectorAll('.line > a.headerlink')].every({to_itself})")


@pytest.mark.parametrize(
    ("page", "file"),
    [
        ("docsite/guide_pair.html", "docs/docsite/rst/guide_pair.rst"),
        ("ipvs_table_module.html", "plugins/modules/ipvs_table.py"),
        ("ipvs_director_role.html", "roles/ipvs_director/meta/argument_specs.yml"),
        ("index.html", "tests/docsite/index.rst"),
    ],
)
def test_a_page_links_to_its_source(page: str, file: str, browser: Chromium) -> None:
    browser.open(SITE / page)
    assert browser.run("document.querySelector('.edit-this-page a').href").endswith(f"/edit/main/{file}")
    links = yaml.safe_load((ROOT / "docs" / "docsite" / "links.yml").read_text())["extra_links"]
    assert browser.run("[...document.querySelectorAll('.footer-link')].map((one) => one.href)") == [link["url"] for link in links]
