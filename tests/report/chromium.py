"""A real browser for the tests of HTML pages, and what a page must not do in it."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
SCREENSHOTS = Path(__file__).parents[2] / "screenshots"
DEADLINE = 60.0


class Browser:
    """Chromium over the DevTools protocol on a pair of pipes: JSON messages, each ended by a zero byte."""

    def __init__(self, profile: Path) -> None:
        assert CHROMIUM is not None
        read_commands, self._to = os.pipe()
        self._from, write_answers = os.pipe()

        def pipes_on_3_and_4() -> None:
            commands, answers = os.dup(read_commands), os.dup(write_answers)
            os.dup2(commands, 3)
            os.dup2(answers, 4)

        flags = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars")
        self._log = (profile.parent / "chromium.log").open("wb")
        self._child = subprocess.Popen(
            [CHROMIUM, *flags, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=pipes_on_3_and_4,  # noqa: PLW1509 (dup alone runs between fork and exec)
            close_fds=False,
        )
        os.close(read_commands)
        os.close(write_answers)
        self._buffer = b""
        self._next = 0
        self.events: list[dict[str, Any]] = []
        target = self("Target.createTarget", url="about:blank")["targetId"]
        self._session: str | None = None
        self._session = self("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Security"):
            self(f"{domain}.enable")

    _session: str | None = None

    def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        """Run a command and return its result."""
        self._next += 1
        message: dict[str, Any] = {"id": self._next, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._next:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def wait(self, method: str) -> dict[str, Any]:
        """The next event of this kind that has not been looked at."""
        while True:
            for event in self.events:
                if event.get("method") == method and not event.get("seen"):
                    event["seen"] = True
                    return event
            self.events.append(self._receive())

    def open(self, page: Path, *, width: int, height: int, dark: bool = False) -> None:
        """Load a page and collect its events from the start."""
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self("Emulation.setEmulatedMedia", features=scheme)
        self("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.events.clear()
        self("Page.navigate", url=page.as_uri())
        self.wait("Page.loadEventFired")

    def run(self, expression: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """The whole page as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(self("Page.captureScreenshot", captureBeyondViewport=True)["data"]))

    def close(self) -> None:
        """End the browser."""
        self._session = None
        with contextlib.suppress(OSError, AssertionError, TimeoutError):
            self("Browser.close")
        try:
            self._child.wait(10)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        os.close(self._to)
        os.close(self._from)
        self._log.close()

    def _receive(self) -> dict[str, Any]:
        end = time.monotonic() + DEADLINE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                raise TimeoutError(f"no answer from Chromium in {DEADLINE:g} s")
            chunk = os.read(self._from, 1 << 20)
            if not chunk:
                raise ConnectionError("Chromium ended")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        parsed: dict[str, Any] = json.loads(message)
        return parsed


def complaints(events: list[dict[str, Any]], page: Path) -> list[str]:
    """Console messages, exceptions, log entries, and requests other than the page itself."""
    found = []
    for event in events:
        method, params = event.get("method"), event.get("params", {})
        if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            found.append(json.dumps(params)[:300])
        elif method == "Network.requestWillBeSent" and params["request"]["url"] not in (page.as_uri(), "data:,"):
            found.append(f"request: {params['request']['url']}")
        elif method == "Page.javascriptDialogOpening":
            found.append("a dialog opened")
    return found


def settle(browser: Browser) -> None:
    """Two frames later every observer has run."""
    browser.run("new Promise(r => requestAnimationFrame(() => requestAnimationFrame(() => r(1))))")
