# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What does not fit into the window of a browser."""

from __future__ import annotations

from browser.chromium import Chromium

# Returns a line for each fault. An element may be wider than its box if the reader can scroll the box sideways: a long line of code,
# or a wide table on a telephone. The window itself must not scroll sideways.
_FAULTS = """
(() => {
  const faults = [];
  const room = document.documentElement.clientWidth;
  const name = (one) => {
    const words = (one.innerText ?? "").trim().replace(/\\s+/g, " ").slice(0, 40);
    return [one.tagName.toLowerCase(), ...one.classList].join(".") + ` "${words}"`;
  };
  const wide = document.documentElement.scrollWidth;
  if (wide > room) {
    faults.push(`the window scrolls sideways: ${wide} px in ${room} px`);
  }
  const kept = (one) => {
    for (let box = one.parentElement; box && box !== document.body; box = box.parentElement) {
      const style = getComputedStyle(box);
      const scrolls = ["auto", "scroll"].includes(style.overflowX) && !box.classList.contains("content");
      // Off the screen until it is opened, or scrolled to.
      if (style.position === "fixed" || scrolls) {
        return true;
      }
    }
    return false;
  };
  for (const one of document.querySelectorAll("body *")) {
    const box = one.getBoundingClientRect();
    const style = getComputedStyle(one);
    const shown = box.width && box.height && style.visibility !== "hidden" && style.position !== "fixed";
    if (!shown || one.closest("svg, .skip-to-content, .visually-hidden")) {
      continue;
    }
    if ((box.right > room + 1 || box.left < -1) && !kept(one)) {
      faults.push(`${name(one)} ends at ${Math.round(box.right)} px of ${room} px`);
    }
    const scrolls = style.overflowY === "auto" || style.overflowY === "scroll";
    if (one.closest("article") && scrolls && one.scrollHeight > one.clientHeight + 1) {
      faults.push(`${name(one)} has a scroll bar of its own`);
    }
    if (one.classList.contains("table-wrapper") && room > 1000 && one.scrollWidth > one.clientWidth + 1) {
      faults.push(`${name(one)} is too wide: ${one.scrollWidth} px in ${one.clientWidth} px`);
    }
    if (style.overflowX === "hidden" && one.scrollWidth > one.clientWidth + 1) {
      faults.push(`${name(one)} is cut off: ${one.scrollWidth} px in ${one.clientWidth} px`);
    }
  }
  const columns = [".sidebar-drawer", ".content", ".toc-drawer"].map((name) => document.querySelector(name)).filter((one) => one &&
    getComputedStyle(one).position !== "fixed").map((one) => [one.className, one.getBoundingClientRect()]).filter(([, box]) => box.width);
  for (let number = 1; number < columns.length; number++) {
    if (columns[number][1].left < columns[number - 1][1].right - 1) {
      faults.push(`${columns[number][0]} overlaps ${columns[number - 1][0]}`);
    }
  }
  for (const image of document.images) {
    if (!image.complete || !image.naturalWidth) {
      faults.push(`the picture ${image.getAttribute("src")} is missing`);
    }
  }
  return faults;
})()
"""


def faults(browser: Chromium) -> list[str]:
    """Return what is cut off or missing on the open page."""
    found: list[str] = browser.run(_FAULTS)
    return found
