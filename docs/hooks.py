"""Of mkdocs: `folder/*` in the navigation stands for its pages."""

from pathlib import Path


def on_config(config):
    """Puts pages in place of stars, the index first."""
    folder = Path(config["docs_dir"])
    config["nav"] = [_filled(entry, folder) for entry in config["nav"]]
    return config


def _filled(entry, folder):
    if isinstance(entry, str):
        return entry
    ((name, value),) = entry.items()
    if isinstance(value, list):
        return {name: [_filled(one, folder) for one in value]}
    if value.endswith("/*"):
        return {name: _pages(folder / value.removesuffix("/*"), folder)}
    return entry


def _pages(place, folder):
    pages = sorted(
        place.glob("*.md"), key=lambda path: (path.stem != "index", path)
    )
    found = [str(path.relative_to(folder)) for path in pages]
    rooms = sorted(path for path in place.iterdir() if any(path.glob("*.md")))
    return found + [{room.name: _pages(room, folder)} for room in rooms]
