"""Sources of pages: `.py` files in jupytext's percent format.

`# %% [markdown]` begins a cell of text, whose lines are comments; `# %%` one of
code. `tags=["answer"]` hides a cell behind a fold, `tags=["check"]` holds the
text's numbers by assertions: it runs, and is not shown.
"""

import contextlib
import dataclasses
import io
import json
import re
import time
import traceback
import warnings

_HEAD = re.compile(
    r"# %%\s*(?P<title>[^\[]*?)\s*(?P<kind>\[markdown\])?"
    r"\s*(?:tags=(?P<tags>\[.*\]))?\s*"
)


@dataclasses.dataclass
class Cell:
    """Text or code, with what it printed and the pictures that it drew."""

    code: bool
    title: str
    tags: tuple[str, ...]
    source: str
    line: int
    printed: str = ""
    seconds: float = 0.0
    pictures: list[str] = dataclasses.field(default_factory=list)


def parse(path):
    """The cells of a file."""
    cells, lines, head = [], [], None

    def close():
        source = "\n".join(lines).strip("\n")
        if head is None:
            if source:
                raise ValueError(f"{path}: begins without a # %% line")
            return
        found, line = head
        is_code = found["kind"] is None
        if not is_code:
            source = re.sub(r"^# ?", "", source, flags=re.MULTILINE)
        tags = tuple(json.loads(found["tags"] or "[]"))
        cells.append(Cell(is_code, found["title"], tags, source, line))

    for number, text in enumerate(path.read_text().splitlines(), 1):
        if text.startswith("# %%"):
            close()
            found = _HEAD.fullmatch(text)
            if not found:
                raise ValueError(f"{path}:{number}: not a cell's head: {text}")
            head, lines = (found, number), []
        else:
            lines.append(text)
    close()
    return cells


def title(cells):
    """The first heading."""
    return re.search(r"^# (.+)$", cells[0].source, re.MULTILINE)[1]


def execute(path, cells, folder):
    """Runs code cells one after the other, and fills in what came of them.

    What is printed is kept, and every matplotlib figure is written to `folder`
    and closed. A warning is an error: nobody should read one on the site.
    """
    import keras
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    keras.utils.set_random_seed(0)
    names = {"__name__": "__main__"}
    for number, cell in enumerate(cells):
        if not cell.code:
            continue
        printed, began = io.StringIO(), time.process_time()
        try:
            with (
                contextlib.redirect_stdout(printed),
                warnings.catch_warnings(),
                plt.rc_context({"savefig.dpi": 110, "font.size": 10}),
            ):
                warnings.filterwarnings("error", module="genzoo|__main__")
                _run(cell, path, names)
                for figure in plt.get_fignums():
                    name = f"{path.stem}-{number}-{figure}.png"
                    plt.figure(figure).savefig(
                        folder / name, bbox_inches="tight"
                    )
                    cell.pictures.append(name)
                plt.close("all")
        except Exception as error:
            told = "".join(traceback.format_exception(error)[-3:])
            raise RuntimeError(
                f"{path}:{cell.line}: this cell fails.\n{told}"
            ) from error
        cell.seconds = time.process_time() - began
        cell.printed = printed.getvalue().rstrip("\n")
        if " object at 0x" in cell.printed:
            raise RuntimeError(
                f"{path}:{cell.line}: prints an address: {cell.printed}"
            )


def _run(cell, path, names):
    # Lines are counted as in the file.
    source = "\n" * cell.line + cell.source
    exec(compile(source, str(path), "exec"), names)


def markdown(cells, images):
    """The page, with pictures at `images`; answers are folded."""
    parts, answer = [], []

    def close():
        if answer:
            text = "\n\n".join(answer)
            body = re.sub(r"^(?=.)", "    ", text, flags=re.MULTILINE)
            parts.append(f'??? success "Answer"\n\n{body}')
            answer.clear()

    for cell in cells:
        if "check" in cell.tags:
            continue
        if "answer" in cell.tags:
            answer.append(_shown(cell, images))
        else:
            close()
            parts.append(_shown(cell, images))
    close()
    return "\n\n".join(parts) + "\n"


def _shown(cell, images):
    if not cell.code:
        return cell.source
    parts = [f"```python\n{cell.source}\n```"]
    if cell.printed:
        parts.append(
            f'```text {{.printed title="prints"}}\n{cell.printed}\n```'
        )
    label = cell.title or "what the code above draws"
    parts += [f"![{label}]({images}/{name})" for name in cell.pictures]
    if cell.title and cell.pictures:
        parts.append(f"*{cell.title}.*{{.caption}}")
    return "\n\n".join(parts)


def notebook(cells):
    """The same as a Jupyter notebook without outputs, as json."""
    shown = [cell for cell in cells if "check" not in cell.tags]
    made = []
    for number, cell in enumerate(shown):
        metadata = {}
        if cell.tags:
            metadata["tags"] = list(cell.tags)
        if "answer" in cell.tags:
            metadata |= {"jupyter": {"source_hidden": True}, "cellView": "form"}
        one = {
            "cell_type": "code" if cell.code else "markdown",
            "id": f"cell-{number}",
            "metadata": metadata,
            "source": cell.source.splitlines(keepends=True),
        }
        if cell.code:
            one |= {"execution_count": None, "outputs": []}
        made.append(one)
    kernel = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    return json.dumps(
        {
            "cells": made,
            "metadata": {"kernelspec": kernel},
            "nbformat": 4,
            "nbformat_minor": 5,
        },
        indent=1,
    )
