"""The picture of the house in CONTRIBUTING.md: rooms, and who imports whom.

python tools/house.py            # print it
python tools/house.py --write    # put it into CONTRIBUTING.md
"""

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "genzoo"
PAGE = ROOT / "CONTRIBUTING.md"
BEGIN, END = "<!-- house: begin -->\n", "<!-- house: end -->\n"


def room(path):
    """The room of a file of the package."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """The rooms that a file imports when it is imported itself."""
    tree = ast.parse(path.read_text())
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in ast.walk(function)
    }
    found = set()
    for node in ast.walk(tree):
        if id(node) in inside:
            continue
        if isinstance(node, ast.ImportFrom) and node.module:
            package, *rest = node.module.split(".")
            if package == "genzoo":
                found.update(rest[:1] or [name.name for name in node.names])
        elif isinstance(node, ast.Import):
            names = [name.name.split(".") for name in node.names]
            found.update(n[1] for n in names if n[0] == "genzoo" and n[1:])
    return found


def arrows():
    """A dict from each room to those that it imports."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = room(path)
        if not name.startswith("_"):
            found.setdefault(name, set()).update(imported(path) - {name})
    return {
        name: {o for o in others if not o.startswith("_")}
        for name, others in found.items()
    }


def direct(found):
    """The arrows that no longer way says already."""

    def below(name, seen=()):
        return {
            deeper
            for other in found[name]
            if other not in seen
            for deeper in (other, *below(other, (*seen, other)))
        }

    return {
        name: {
            other
            for other in others
            if not any(other in below(middle) for middle in others - {other})
        }
        for name, others in found.items()
    }


def picture():
    """The house as a Mermaid diagram, which GitHub draws."""
    lines = ["```mermaid", "flowchart TD"]
    for name, others in sorted(direct(arrows()).items()):
        lines += [f"    {name} --> {other}" for other in sorted(others)]
    return "\n".join([*lines, "```"]) + "\n"


def main():
    text = PAGE.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    if "--write" in sys.argv:
        PAGE.write_text(head + BEGIN + picture() + END + tail)
    print(picture())


if __name__ == "__main__":
    sys.setrecursionlimit(10_000)
    main()
