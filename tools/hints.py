"""Public functions of the package whose signatures have no type hints.

python tools/hints.py            # list them
"""

import ast

from house import PACKAGE


def _public(tree):
    """(name, function) of what a user can call, methods by their class."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            yield node.name, node
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and (
                    part.name == "__init__" or not part.name.startswith("_")
                ):
                    yield f"{node.name}.{part.name}", part


def _is_hinted(name, function):
    given = function.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    inside = [arg for arg in every if arg.arg not in ("self", "cls")]
    returns = function.returns is not None or name.endswith("__init__")
    return returns and all(arg.annotation is not None for arg in inside)


def bare():
    """The public functions without hints, as `file:line name`."""
    return [
        f"{path.relative_to(PACKAGE)}:{function.lineno} {name}"
        for path in sorted(PACKAGE.rglob("*.py"))
        for name, function in _public(ast.parse(path.read_text()))
        if not _is_hinted(name, function)
    ]


if __name__ == "__main__":
    print("\n".join(bare()))
