# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Debian's headless Chromium, by its DevTools protocol over a pair of pipes: messages are JSON, and end with a zero byte."""

from __future__ import annotations

import base64
import json
import os
import select
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

PROGRAM = "chromium-headless-shell"
# Seconds for one answer, and for a page to load. A page takes a tenth of a second on an idle core.
PATIENCE = 120.0


class BrowserError(Exception):
    """The browser did not do what it was asked, or ended."""


class Chromium:
    """One browser with one tab; ends with the block that opened it."""

    def __enter__(self) -> Chromium:
        # Its other processes may end after it, and still write there.
        self._folder = tempfile.TemporaryDirectory(prefix="chromium.", ignore_cleanup_errors=True)
        to_browser, self._to = os.pipe()
        self._from, from_browser = os.pipe()
        # It reads descriptor 3 and writes descriptor 4, which the shell sets: here they may be in use. The sandbox, which refuses to
        # work for root, guards against pages of others; these are our own, from the disk.
        shell = f'exec 3<&{to_browser} 4>&{from_browser}; exec "$0" "$@"'
        options = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-pipe")
        self._program = subprocess.Popen(
            ["bash", "-c", shell, PROGRAM, *options, f"--user-data-dir={self._folder.name}"],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._received = b""
        self._number = 0
        self._session: str | None = None
        try:
            target = self.ask("Target.createTarget", url="about:blank")["targetId"]
            self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._end()

    def _end(self) -> None:
        self._program.terminate()
        try:
            self._program.wait(10)
        except subprocess.TimeoutExpired:
            self._program.kill()
            self._program.wait(10)
        os.close(self._to)
        os.close(self._from)
        self._folder.cleanup()

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result.

        :raises BrowserError: the browser refused it, did not answer in time, or ended.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        try:
            os.write(self._to, json.dumps(message).encode() + b"\0")
        except OSError as exc:
            raise BrowserError(f"{PROGRAM} ended: {exc.strerror}") from exc
        limit = time.monotonic() + PATIENCE
        while True:
            answer = self._next(limit, method)
            if answer.get("id") == self._number:
                break
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def _next(self, limit: float, method: str) -> dict[str, Any]:
        """Return the next message, which may be about an event."""
        while b"\0" not in self._received:
            if not select.select([self._from], [], [], max(0.0, limit - time.monotonic()))[0]:
                raise BrowserError(f"{method}: no answer in {PATIENCE:.0f} s")
            part = os.read(self._from, 1 << 16)
            if not part:
                raise BrowserError(f"{PROGRAM} ended with status {self._program.wait(10)}; tests/packages-docs.txt names its package")
            self._received += part
        text, _zero, self._received = self._received.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        return message

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page. A promise is waited for."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return answer["result"].get("value")

    def resize(self, width: int, height: int = 900) -> None:
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def open(self, page: Path) -> None:
        """Open a page from the disk, and wait until all of it is loaded."""
        problem = self.ask("Page.navigate", url=page.resolve().as_uri()).get("errorText")
        if problem:
            raise BrowserError(f"{page}: {problem}")
        limit = time.monotonic() + PATIENCE
        while self.run("location.protocol === 'file:' && document.readyState") != "complete":
            if time.monotonic() > limit:
                raise BrowserError(f"{page}: not loaded in {PATIENCE:.0f} s")
            time.sleep(0.02)

    def picture(self, file: Path, *, whole: bool = False) -> None:
        """Write a PNG of what is in the window, or of the whole page."""
        shot = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(shot["data"]))
