# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""How Sphinx makes the docs site; tools.docs runs it."""

from __future__ import annotations

import re
import zlib
from pathlib import Path
from typing import Any

import yaml
from docutils import nodes
from sphinx.application import Sphinx

from tools.artefact import galaxy
from tools.checkout import CACHE, ROOT

project = "lvs.director"
author = project_copyright = "The lvs.director authors"
version = release = str(galaxy()["version"])
html_title = f"lvs.director {version}"

extensions = ["sphinx_antsibull_ext", "sphinx.ext.intersphinx"]

# Where the pages point into Ansible's own documentation. Its list of labels is not fetched: these are all that is needed.
LABELS = {
    "action_plugins": ("plugins/action.html", "Action plugins"),
    "ansible_configuration_settings": ("reference_appendices/config.html", "Ansible Configuration Settings"),
    "common_return_values": ("reference_appendices/common_return_values.html", "Return Values"),
}


def inventory() -> Path:
    """Write those labels in the form of Sphinx's own lists."""
    head = "# Sphinx inventory version 2\n# Project: Ansible\n# Version: latest\n# The remainder of this file is compressed using zlib.\n"
    lines = "".join(f"{label} std:label -1 {page}#{label.replace('_', '-')} {title}\n" for label, (page, title) in LABELS.items())
    file = CACHE / "ansible-labels.inv"
    file.write_bytes(head.encode() + zlib.compress(lines.encode()))
    return file


intersphinx_mapping = {"ansible": ("https://docs.ansible.com/ansible/latest/", str(inventory()))}

# Every reference must lead somewhere.
nitpicky = True
default_role = "any"

highlight_language = "YAML+Jinja"
pygments_style = "ansible"

html_theme = "furo"
html_static_path = ["site.css", "copy.js"]
html_css_files = ["site.css"]
html_js_files = [("copy.js", {"defer": "defer"})]
html_show_sphinx = False
html_show_sourcelink = False
html_copy_source = False
html_use_index = False


# The kinds of pages that antsibull-docs makes, and their sources.
SOURCES = {
    r"docsite/(\w+)": r"docs/docsite/rst/\1.rst",
    r"(\w+)_module": r"plugins/modules/\1.py",
    r"(\w+)_filter": r"plugins/filter/\1.py",
    r"(\w+)_role": r"roles/\1/meta/argument_specs.yml",
    r"index": r"tests/docsite/index.rst",
}


def without_contents(_app: Sphinx, document: nodes.document) -> None:
    """Leave out the contents at the top of a page: the theme has them at its side."""
    for topic in list(document.findall(nodes.topic)):
        if "contents" in topic["classes"]:
            topic.parent.remove(topic)


def with_anchors(app: Sphinx, document: nodes.document) -> None:
    """Give each message an address of its own, and a link to it.

    A message is a line of its own (``| ``), all of it literal.
    """
    if app.env.docname != "docsite/guide_messages":
        return
    for line in document.findall(nodes.line):
        if len(line) == 1 and isinstance(line[0], nodes.literal):
            name = nodes.make_id(line.astext())
            while name in document.ids:
                name += "-2"
            line["ids"].append(name)
            document.ids[name] = line
            line.append(nodes.reference("", "¶", refid=name, classes=["headerlink"], reftitle="Link to this message"))


def source_of(page: str) -> str:
    """Return the file in the checkout of which a page is made, or nothing."""
    for pattern, file in SOURCES.items():
        match = re.fullmatch(pattern, page)
        if match and (ROOT / match.expand(file)).exists():
            return match.expand(file)
    return ""


def with_links(_app: Sphinx, page: str, _template: str, context: dict[str, Any], _document: nodes.document | None) -> None:
    """Link a page to its source, and all pages to the places for reports."""
    file = source_of(page)
    context["theme_source_edit_link"] = f"{galaxy()['repository']}/edit/main/{file}" if file else ""


def footer() -> list[dict[str, str]]:
    links = yaml.safe_load((ROOT / "docs" / "docsite" / "links.yml").read_text(encoding="utf-8"))["extra_links"]
    return [{"name": link["description"], "url": link["url"], "html": link["description"], "class": "footer-link"} for link in links]


html_theme_options = {"footer_icons": footer()}


def setup(app: Sphinx) -> None:
    app.connect("doctree-read", without_contents)
    app.connect("doctree-read", with_anchors)
    app.connect("html-page-context", with_links)
