// SPDX-FileCopyrightText: 2026 The lvs.director authors
// SPDX-License-Identifier: GPL-3.0-or-later

// A button on each block of code. Where lines have a prompt, these lines are copied, without it, and their output is not.
"use strict";

function copied(pre) {
  if (!pre.querySelector(".gp")) {
    return pre.textContent;
  }
  const lines = [""];
  for (const node of pre.childNodes) {
    const parts = node.textContent.split("\n");
    if (!node.classList?.contains("gp") && !node.classList?.contains("go")) {
      lines[lines.length - 1] += parts[0];
    }
    lines.push(...parts.slice(1).map(() => ""));
  }
  return lines.map((line) => line.trim()).filter(Boolean).join("\n") + "\n";
}

for (const pre of document.querySelectorAll("div.highlight > pre")) {
  const button = document.createElement("button");
  button.className = "copy";
  button.type = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(copied(pre));
      button.textContent = "Copied";
    } catch {
      // The browser does not allow it: the text is selected for the keyboard.
      getSelection().selectAllChildren(pre);
      button.textContent = "Press Ctrl+C";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
  pre.after(button);
}
