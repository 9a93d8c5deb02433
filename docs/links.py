"""Dead links of site/, and what its pages would load from other hosts.

python docs/links.py
"""

import re
import sys
import urllib.parse
from html.parser import HTMLParser
from pathlib import Path

SITE = Path(__file__).parents[1] / "site"
# What a browser fetches without being asked.
LOADED = {
    ("script", "src"),
    ("img", "src"),
    ("img", "srcset"),
    ("iframe", "src"),
    ("source", "src"),
    ("link", "href"),
}
# Links that only say where something is.
NOT_LOADED = {"canonical", "next", "prev", "alternate"}


class Page(HTMLParser):
    """Where a page leads, what it loads, and what one can link to in it."""

    def __init__(self, text):
        super().__init__()
        self.links, self.loaded, self.anchors = [], [], {""}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        """Keeps what refers to something."""
        found = dict(attributes)
        self.anchors |= {found[key] for key in ("id", "name") if found.get(key)}
        for name, value in attributes:
            if value is None:
                continue
            is_told = NOT_LOADED & set((found.get("rel") or "").split())
            if (tag, name) in LOADED and not is_told:
                self.loaded.append(value)
            if name in ("href", "src"):
                self.links.append(value)


def is_outside(address):
    """Whether it is on another host."""
    return bool(re.match(r"(https?:)?//", address))


def wrong(site=SITE):
    """(dead links, outside requests), each as lines of text."""
    pages = {
        path.resolve(): Page(path.read_text()) for path in site.rglob("*.html")
    }
    if not pages:
        raise SystemExit(f"{site} has no pages; make docs makes them.")
    dead, outside = [], []
    for path, page in pages.items():
        # The page for what is not found is served from anywhere.
        if path.name == "404.html":
            continue
        here = path.relative_to(site.resolve())
        outside += [f"{here}: {x}" for x in page.loaded if is_outside(x)]
        for address in page.links:
            if is_outside(address) or re.match(r"\w+:", address):
                continue
            place, _, anchor = address.partition("#")
            place = urllib.parse.unquote(place.partition("?")[0])
            target = (path.parent / place).resolve() if place else path
            if target.is_dir():
                target /= "index.html"
            anchor = urllib.parse.unquote(anchor)
            if not target.exists() or (
                target in pages and anchor not in pages[target].anchors
            ):
                dead.append(f"{here}: {address}")
    for path in site.rglob("*.css"):
        found = re.findall(
            r"url\(['\"]?((?:https?:)?//[^)]+)", path.read_text()
        )
        outside += [f"{path.relative_to(site)}: {x}" for x in found]
    return dead, outside


if __name__ == "__main__":
    dead, outside = wrong()
    for line in dead:
        print("leads nowhere:", line)
    for line in outside:
        print("from another host:", line)
    print(f"{len(dead)} dead links, {len(outside)} requests to other hosts")
    sys.exit(bool(dead or outside))
