"""Opens the playground in a headless Chromium.

python docs/browser.py --shots FOLDER

A page must show samples, or a button that draws them, log no error, be no wider
than its window, and ask no other host for anything. What is measured is
printed; the folder, if given, keeps pictures: wide, dark, and of a phone.
"""

import argparse
import base64
import contextlib
import fcntl
import functools
import http.server
import json
import os
import re
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path

SITE = Path(__file__).parents[1] / "site"
FLAGS = (
    "--headless=new",
    # Which root must not have.
    "--no-sandbox",
    "--remote-debugging-pipe",
    "--no-first-run",
    "--disable-background-networking",
)
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
# Seconds until a page must have shown something.
PATIENCE = 60
# Width and height, and the colours that are preferred.
WINDOWS = {
    "wide": (1280, 900, "light"),
    "dark": (1280, 900, "dark"),
    "phone": (390, 844, "light"),
}
# What is done on each page, and what must then be true.
DEEDS = {
    "zoo": ("at('draw').click()", "at('drawn').hasAttribute('height')"),
    "playground/die": (
        "at('mean').value = 2; at('mean').dispatchEvent(new Event('input'));",
        "at('multiplier-told').textContent.includes('0.629')",
    ),
    "playground/gan": (
        "at('cluster').click(); at('walk-again').click();"
        "at('classes').children[8].click();",
        "at('clustered-told').textContent.includes('40 digits in')",
    ),
    "playground/ising": (
        "document.querySelector('[data-temperature=\"3.5\"]').click();",
        "at('energy-plot').querySelectorAll('circle').length === 1",
    ),
    "playground/modes": (
        "at('teacher').value = 'adversary';"
        "at('teacher').dispatchEvent(new Event('change'));",
        "Number(at('told').textContent.match(/after (\\d+)/)[1]) > 20",
    ),
    "playground/rbm": (
        "for (const id of ['draw', 'run', 'example', 'again', 'run'])"
        " at(id).click();"
        "const [cell] = at('painted').children;"
        "for (const key of ['ArrowDown', ' '])"
        " cell.dispatchEvent("
        "new KeyboardEvent('keydown', { key, bubbles: true }));"
        "at('known').value = 'left';"
        "at('known').dispatchEvent(new Event('change'));",
        "at('hidden').children.length === 20"
        " && at('log-prob').textContent.includes('nats')"
        " && at('painted').firstChild.ariaPressed === 'true'"
        " && document.activeElement === at('painted').children[8]",
    ),
}
# The largest difference between pixels here and those of Python.
SAME = """
import("../gan.js").then(async ({ load }) => {
  const answer = await fetch("../models/checks.json");
  const gaps = [0];
  for (const [name, check] of Object.entries(await answer.json())) {
    const gan = await load(name);
    const drawn = await gan.draw(check.latents, check.labels);
    check.pixels.forEach((row, n) =>
      row.forEach((pixel, i) => gaps.push(Math.abs(pixel - drawn[n][i]))));
  }
  return [gaps.length - 1, gaps.reduce((x, y) => Math.max(x, y))];
})
"""


class Browser:
    """Chromium, spoken to by its DevTools protocol through two pipes.

    Args:
        executable: its path.
        folder: an empty folder for its profile.
    """

    def __init__(self, executable, folder):
        theirs, self._to = map(_above, os.pipe())
        self._from, back = map(_above, os.pipe())
        self._process = os.posix_spawn(
            executable,
            [executable, *FLAGS, f"--user-data-dir={folder}", "about:blank"],
            os.environ,
            # Where Chromium looks for the two pipes.
            file_actions=[
                (os.POSIX_SPAWN_DUP2, theirs, 3),
                (os.POSIX_SPAWN_DUP2, back, 4),
                (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0),
            ],
        )
        os.close(theirs)
        os.close(back)
        self._answers = b""
        self._count = 0
        self.events = []

    def call(self, method, session=None, **parameters):
        """The answer to a command; events until then are kept."""
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._next()
            if answer.get("id") != self._count:
                self.events.append(answer)
            elif "error" in answer:
                raise RuntimeError(f"{method}: {answer['error']['message']}")
            else:
                return answer["result"]

    def _next(self):
        while b"\0" not in self._answers:
            part = os.read(self._from, 1 << 16)
            if not part:
                raise RuntimeError("the browser ended")
            self._answers += part
        text, _, self._answers = self._answers.partition(b"\0")
        return json.loads(text)

    def close(self):
        """Ends the browser."""
        with contextlib.suppress(RuntimeError, OSError):
            self.call("Browser.close")
        os.waitpid(self._process, 0)
        os.close(self._to)
        os.close(self._from)


def _above(descriptor):
    """The same file, at a number that is not in the way."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


class Tab:
    """A page that is open.

    Args:
        browser: the `Browser`.
        width, height: of the window.
        scheme: the colours that are preferred, "light" or "dark".
    """

    def __init__(self, browser, width, height, scheme):
        self.browser = browser
        # A context of its own: what a page stores is not known to the next.
        self._context = browser.call("Target.createBrowserContext")
        target = browser.call(
            "Target.createTarget", url="about:blank", **self._context
        )
        self._session = browser.call(
            "Target.attachToTarget", targetId=target["targetId"], flatten=True
        )["sessionId"]
        for room in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{room}.enable")
        self.call("Network.setCacheDisabled", cacheDisabled=True)
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])

    def call(self, method, **parameters):
        """A command to this page."""
        return self.browser.call(method, self._session, **parameters)

    def evaluate(self, text):
        """The value of an expression in the page."""
        text = f"{{const at = (id) => document.getElementById(id);{text}}}"
        found = self.call(
            "Runtime.evaluate",
            expression=text,
            returnByValue=True,
            awaitPromise=True,
        )
        if "exceptionDetails" in found:
            raise RuntimeError(f"{text}: {found['exceptionDetails']}")
        return found["result"].get("value")

    def wait(self, text, seconds=PATIENCE):
        """Waits until an expression is true; its value, or None."""
        end = time.time() + seconds
        while time.time() < end:
            value = self.evaluate(text)
            if value:
                return value
            time.sleep(0.05)
        return None

    def shot(self, path):
        """A picture of the whole page."""
        found = self.call(
            "Page.captureScreenshot", format="png", captureBeyondViewport=True
        )
        Path(path).write_bytes(base64.b64decode(found["data"]))

    def close(self):
        """Closes it; what `told` says of it."""
        self.browser.call("Target.disposeBrowserContext", **self._context)
        return told(self.events())

    def events(self):
        """What the browser told of this page."""
        return [
            event
            for event in self.browser.events
            if event.get("sessionId") == self._session
        ]


def told(events):
    """(errors, addresses by request, bytes by request) of a page's events."""
    errors, asked, received = [], {}, {}
    for event in events:
        found = event.get("params", {})
        match event.get("method"):
            case "Runtime.exceptionThrown":
                details = found["exceptionDetails"]
                thrown = details.get("exception", {}).get("description")
                errors.append(thrown or details["text"])
            case "Runtime.consoleAPICalled":
                if found["type"] in ("error", "warning", "assert"):
                    errors.append(json.dumps(found["args"]))
            case "Log.entryAdded":
                entry = found["entry"]
                if entry["level"] in ("error", "warning"):
                    errors.append(f"{entry['text']} {entry.get('url', '')}")
            case "Network.requestWillBeSent":
                asked[found["requestId"]] = found["request"]["url"]
            case "Network.loadingFinished":
                received[found["requestId"]] = int(found["encodedDataLength"])
            case "Network.loadingFailed":
                errors.append(f"not loaded: {found['errorText']}")
    return errors, asked, received


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files, and says nothing of it."""

    def log_message(self, *_):
        """Nothing."""


@contextlib.contextmanager
def served(folder):
    """The address at which a folder is served."""
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def visit(browser, home, page, window, shot=None, deeds=DEEDS):
    """Opens a page and does its deeds; what is wrong, and a line of numbers."""
    tab = Tab(browser, *WINDOWS[window])
    tab.call("Page.navigate", url=f"{home}/{page}/")
    wrong = []
    first = tab.wait("document.body?.dataset.ready")
    since = tab.evaluate("document.body.dataset.since")
    received = own_bytes(tab)
    if first is None:
        wrong.append(f"no samples after {PATIENCE} s")
    else:
        deed, after = deeds[page if page in deeds else page.split("/")[0]]
        tab.evaluate(deed)
        if not tab.wait(after, 20):
            wrong.append(f"not true after 20 s: {after}")
    if page == "playground/gan":
        count, gap = tab.evaluate(SAME)
        print(f"    {count} pixels, at most {gap:.1e} from those of Python")
        if not (count and gap < 1e-5):
            wrong.append("other pixels than Python's")
    over = tab.evaluate("document.documentElement.scrollWidth - innerWidth")
    if over > 0:
        wrong.append(f"{over} pixels wider than the window")
    if shot:
        time.sleep(1)
        tab.shot(shot)
    errors, asked, _ = tab.close()
    wrong += errors
    own = (f"{home}/", "data:", "blob:", "about:")
    asked = asked.values()
    wrong += [f"asks {url}" for url in asked if not url.startswith(own)]
    return wrong, (first, since, received)


def own_bytes(tab):
    """(bytes of scripts and models, bytes of all) that a page received."""
    _, asked, received = told(tab.events())
    own = [
        size
        for request, size in received.items()
        if re.search("/(playground|onnxruntime)/.*[^/]$", asked[request])
    ]
    return sum(own), sum(received.values())


def pages(site):
    """The pages with something to wait for."""
    return [
        str(path.parent.relative_to(site))
        for path in sorted(site.rglob("index.html"))
        if "data-playground" in path.read_text()
    ]


def main():
    """All pages; exits with 1 if anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--shots", type=Path)
    options = parser.parse_args()
    executable = next(filter(None, map(shutil.which, NAMES)), None)
    if executable is None:
        print(f"The playground is not tried: there is none of {NAMES}.")
        return
    if options.shots:
        options.shots.mkdir(parents=True, exist_ok=True)
    found = pages(SITE)
    if not found:
        raise SystemExit("docs/browser.py: site/ has no page to play with.")
    is_wrong = False
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        served(SITE) as home,
    ):
        browser = Browser(executable, folder)
        for page in found:
            for window in WINDOWS if options.shots else ("wide",):
                name = f"{page.replace('/', '-')}-{window}.png"
                shot = options.shots and options.shots / name
                wrong, numbers = visit(browser, home, page, window, shot)
                first, since, (own, received) = numbers
                print(
                    f"{page:36} {window:5} ready {first} ms after its script "
                    f"began, {since} ms after the page did; {own:,} bytes of "
                    f"scripts and models, {received:,} of all",
                    flush=True,
                )
                for line in wrong:
                    print("    wrong:", line)
                is_wrong |= bool(wrong)
        browser.close()
    sys.exit(is_wrong)


if __name__ == "__main__":
    main()
