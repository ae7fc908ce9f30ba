"""Headless Chromium over its DevTools pipe: enough to open a page and ask it things. No driver is needed.

https://chromedevtools.github.io/devtools-protocol/
"""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")


def chromium() -> str | None:
    """Where Chromium is, if it is here."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Pipe:
    """The way to a browser and back, for one call at a time."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._number, self._rest = 0, b""

    def call(self, method: str, session: str = "", **parameters: Any) -> Any:
        """What a method of the protocol answers."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            found = json.loads(self._read())
            if found.get("id") == self._number:
                assert "error" not in found, found
                return found["result"]

    def _read(self) -> bytes:
        while b"\0" not in self._rest:
            part = os.read(self._back, 1 << 16)
            assert part, "the browser is gone"
            self._rest += part
        message, _, self._rest = self._rest.partition(b"\0")
        return message


class Browser:
    """One page of a browser, in a context of its own: it shares no cookie with another."""

    def __init__(self, pipe: Pipe) -> None:
        self._pipe = pipe
        context = pipe.call("Target.createBrowserContext")["browserContextId"]
        target = pipe.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        self._session = pipe.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

    def another(self) -> Browser:
        """A page of somebody else."""
        return Browser(self._pipe)

    def open(self, url: str) -> None:
        """Go to an address, and wait until its parts are there."""
        self._call("Page.enable")
        self._call("Page.navigate", url=url)
        while self.run("document.readyState") != "complete":  # a promise comes to nothing where scripts are off
            time.sleep(0.02)

    def run(self, script: str) -> Any:
        """The value that an expression comes to in the page, once it is there."""
        found = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def as_medium(self, medium: str) -> None:
        """Show the page as it is printed (`print`); '': as on a screen."""
        self._call("Emulation.setEmulatedMedia", media=medium)

    def without_scripts(self) -> None:
        """Run no script of a page from now on."""
        self._call("Emulation.setScriptExecutionDisabled", value=True)

    def with_authenticator(self) -> None:
        """Have a device that makes passkeys, and whose owner says yes to each."""
        self._call("WebAuthn.enable")
        yes = ("hasResidentKey", "hasUserVerification", "isUserVerified", "automaticPresenceSimulation")
        options = {"protocol": "ctap2", "transport": "internal", **dict.fromkeys(yes, True)}
        self._call("WebAuthn.addVirtualAuthenticator", options=options)

    def picture(self) -> bytes:
        """The whole page as a PNG."""
        found = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        return base64.b64decode(found["data"])

    def drag(self, selector: str, points: list[tuple[int, int]]) -> None:
        """Draw with the pointer over an element: from its corner, through each point."""
        self.run(f"document.querySelector({selector!r}).scrollIntoView()")
        left, top = self.run(f"(r => [r.left, r.top])(document.querySelector({selector!r}).getBoundingClientRect())")
        kinds = ["mousePressed", *["mouseMoved"] * (len(points) - 1), "mouseReleased"]
        for kind, (x, y) in zip(kinds, [*points, points[-1]], strict=True):
            place = {"x": left + x, "y": top + y, "button": "left", "buttons": 1, "clickCount": 1}
            self._call("Input.dispatchMouseEvent", type=kind, **place)

    def _call(self, method: str, **parameters: Any) -> Any:
        return self._pipe.call(method, self._session, **parameters)


@contextmanager
def browsing(program: str, home: Path) -> Iterator[Browser]:
    """A browser with a profile of its own, that ends with this."""
    (theirs, to), (back, own) = os.pipe(), os.pipe()
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    command += [f"--user-data-dir={home}", "--remote-debugging-pipe", "about:blank"]
    # It reads from the descriptor 3 and writes to 4; both may be in use here.
    start = f"import os, fcntl; a, b = (fcntl.fcntl(n, fcntl.F_DUPFD, 10) for n in ({theirs}, {own}));"
    start += f"os.dup2(a, 3); os.dup2(b, 4); os.execvp({program!r}, {command!r})"
    errors = (home.parent / "chromium.log").open("wb")
    process = subprocess.Popen([sys.executable, "-c", start], pass_fds=(theirs, own), stderr=errors, stdout=errors)
    os.close(theirs)
    os.close(own)
    try:
        yield Browser(Pipe(to, back))
    finally:
        process.terminate()
        process.wait(timeout=20)
        os.close(to)
        os.close(back)
        errors.close()
