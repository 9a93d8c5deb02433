"""Pages that are made of what is in the repository already.

The gallery of examples/, the zoo of saved_models/, the reference of the
package, the benchmarks of benchmarks/results/.
"""

import ast
import importlib
import inspect
import json
import re
import runpy
import shutil
import textwrap
from pathlib import Path

DOCS = Path(__file__).parent
ROOT = DOCS.parent
MADE = DOCS / "_generated"
TABLE = runpy.run_path(str(ROOT / "benchmarks" / "table.py"))
HEADS = {
    "rbm": "Restricted and deep Boltzmann machines",
    "maxent": "Maximum entropy, Boltzmann machines, lattices",
    "energies": "Energies of any network",
    "adversary": "Likelihood with an adversary",
    "gan": "Adversarial networks",
    "wild_gan": "Adversarial networks",
    "tables": "Adversarial networks",
    "metrics": "Measures",
    "presets": "Presets",
}
# How long things take, on the page Start: a row's file and how it begins.
TIMES = (
    ("maxent/averages", "die with average"),
    ("maxent/averages", "16 spins"),
    ("maxent/inverse_ising", "inverse Ising"),
    ("rbm/speed", "784x500, PCD-1"),
    ("rbm/labels", ""),
    ("rbm/deep", ""),
    ("gan/modes", "ring"),
    ("gan/speed", "networks and loss"),
    ("presets", ""),
)
# Presets whose page draws new samples, by files of docs/play.py.
DRAWN = (
    "gan_glyphs",
    "gan_mnist",
    "gan_mnist_conditional",
    "rbm_digits_8x8",
    "rbm_digits_8x8_adversarial",
)
# Methods for Keras, presets and other parts of the package, not for users.
PLUMBING = set(
    """
    arguments build build_from_config call compile_from_config
    compute_output_shape compute_output_spec default_batch_size endpoints
    from_config get_compile_config get_config is_adapted make_train_function
    make_test_function make_predict_function parameters portable_endpoints
    predict_step preset_config preset_loaded preset_make preset_size
    preset_weights rules test_step train_step why_not stored_log_partition
    add_weight compute_loss compute_metrics get_metrics_result
    load_own_variables load_weights metrics metrics_names predict_on_batch
    save_weights symbolic_call test_on_batch train_on_batch
    save_own_variables on_epoch_begin on_epoch_end on_train_begin on_train_end
    on_train_batch_begin on_train_batch_end set_model needs has_level
    """.split()
)


def write(name, text):
    """One page."""
    path = MADE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def first_sentence(text):
    """The first line of a docstring, as a cell of a table."""
    line = (text or "").strip().partition("\n")[0]
    return line.replace("|", "\\|").replace("<", "&lt;")


def gallery():
    """A page an example: its docstring, its picture, its code."""
    target = MADE / "gallery" / "images"
    target.mkdir(parents=True)
    for picture in (ROOT / "examples").glob("*.png"):
        shutil.copy(picture, target)
    cards = []
    for path in sorted((ROOT / "examples").glob("*.py")):
        code = path.read_text()
        head, _, rest = ast.get_docstring(ast.parse(code)).partition("\n")
        body = code.split('"""', 2)[2].lstrip("\n")
        picture = f"![{head}](images/{path.stem}.png)\n\n"
        if not (target / f"{path.stem}.png").exists():
            picture = ""
        name = path.stem.replace("_", " ")
        write(
            f"gallery/{path.stem}.md",
            f"---\ntitle: {name}\n---\n\n# {head.rstrip('.:')}\n\n"
            f"{rest.strip()}\n\n{picture}"
            f"The code is `examples/{path.name}`:\n\n```python\n{body}```\n",
        )
        shown = f"    [![{name}](images/{path.stem}.png)]({path.stem}.md)\n\n"
        cards.append(
            f"-   **[{name}]({path.stem}.md)**\n\n"
            f"{shown if picture else ''}    {head}\n"
        )
    write(
        "gallery/index.md",
        "# Gallery\n\nScripts in `examples/`, each of which ends in a "
        'picture.\n\n<div class="grid cards" markdown>\n\n'
        + "\n".join(cards)
        + "\n</div>\n",
    )


def zoo():
    """A page a preset, of its card."""
    rows = []
    for path in sorted((ROOT / "saved_models").glob("*/metadata.json")):
        name, card = path.parent.name, json.loads(path.read_text())
        write(f"zoo/{name}.md", _preset(name, card, path.parent))
        size = sum(one.stat().st_size for one in path.parent.iterdir())
        rows.append(
            (
                f"[`{name}`]({name}.md)",
                f"`{card['class']}`",
                card["description"],
                f"{card['parameters']:,}",
                f"{size / 1e6:.1f} MB",
            )
        )
    heads = ("preset", "class", "what", "parameters", "size")
    write(
        "zoo/index.md",
        "# Zoo\n\nTrained models that come with genzoo, loaded by "
        '`gz.from_preset("name")`. Each page is made of the model\'s card, '
        "whose numbers `python -m genzoo.zoo verify` measures again.\n\n"
        f"{TABLE['markdown'](heads, rows)}\n![samples of the presets]"
        "(../gallery/images/gallery.png)\n",
    )


def _preset(name, card, folder):
    parts = [f"---\ntitle: {name}\n---\n\n# `{name}`\n\n{card['description']}."]
    if (folder / "samples.png").exists():
        (MADE / "zoo" / "images").mkdir(parents=True, exist_ok=True)
        shutil.copy(
            folder / "samples.png", MADE / "zoo" / "images" / f"{name}.png"
        )
        parts.append(f"![samples of {name}](images/{name}.png)")
    if name in DRAWN:
        parts.append(_drawing(name, card["class"]))
    call = (
        "classify(images)" if card["class"] == "DigitFeatures" else "sample(64)"
    )
    parts.append(
        "```python\nimport genzoo as gz\n\n"
        f'model = gz.from_preset("{name}")\nmodel.{call}\n```'
    )
    rows = [
        (key.replace("_", " "), TABLE["_with_error"](**number))
        for key, number in card["measured"].items()
    ]
    told = TABLE["markdown"](("measured", "value, standard error"), rows)
    parts.append(f"## Measured\n\n{told}")
    kept = ("class", "parameters", "data", "data_licence", "training")
    kept += (
        "published",
        "use",
        "seen",
        "units",
        "command",
        "seed",
        "date",
        "licence",
    )
    rows = [
        (key.replace("_", " "), _cell(key, card[key]))
        for key in kept
        if card.get(key) is not None
    ]
    rows += [("versions", _cell("", ", ".join(map(" ".join, _pairs(card)))))]
    parts.append(f"## Card\n\n{TABLE['markdown'](('what', ''), rows)}")
    return "\n\n".join(parts) + "\n"


def _drawing(name, kind):
    """A button that draws in the page, by docs/playground/zoo_page.js."""
    width = "walk" if kind == "GAN" else "wide"
    return (
        f'<div class="play" id="drawing" data-preset="{name}" '
        f'data-kind="{kind}">\n'
        '<p class="row"><button id="draw" class="md-button">'
        "Draw new samples here</button></p>\n"
        f'<canvas id="drawn" class="ink {width}" role="img" '
        'aria-label="new samples"></canvas>\n'
        '<output id="told"></output>\n</div>\n\n'
        '<script data-playground type="module" '
        'src="../../playground/zoo_page.js"></script>'
    )


def _pairs(card):
    return card.get("versions", {}).items()


def _cell(key, value):
    if key == "parameters":
        return f"{value:,}"
    text = value if isinstance(value, str) else json.dumps(value)
    text = text.replace("|", "\\|")
    return f"`{text}`" if key in ("class", "command") else text


def rooms():
    """Public names by room, as `__all__` says, each at one place."""
    package = importlib.import_module("genzoo")
    found, seen = {}, set()
    for room in package.__all__:
        module = getattr(package, room)
        if not inspect.ismodule(module):
            continue
        names = getattr(module, "__all__", None)
        if names is None:
            names = _defined(module)
        found[room] = {name: getattr(module, name) for name in names}
        seen |= {id(thing) for thing in found[room].values()}
    own = {
        name: getattr(package, name)
        for name in package.__all__
        if callable(getattr(package, name))
        and id(getattr(package, name)) not in seen
    }
    return {"genzoo": own, **found}


def _defined(module):
    return [
        name
        for name, thing in vars(module).items()
        if not name.startswith("_")
        and callable(thing)
        and (getattr(thing, "__module__", None) or "").startswith("genzoo")
    ]


def methods(cls):
    """The names of a class that are for users, from all bases of ours."""
    found = {}
    for base in cls.__mro__:
        if not base.__module__.startswith("genzoo"):
            continue
        for name, part in vars(base).items():
            what = getattr(part, "__func__", part)
            told = inspect.isroutine(what) or isinstance(part, property)
            if name.startswith("_") or name in PLUMBING or not told:
                continue
            if what.__doc__:
                found.setdefault(name)
    return sorted(found)


def reference():
    """A page a public class or function, for mkdocstrings to fill."""
    lines = []
    for room, things in sorted(rooms().items()):
        path = "genzoo" if room == "genzoo" else f"genzoo.{room}"
        doc = inspect.getdoc(importlib.import_module(path))
        rows = [
            (f"[`{name}`]({name}.md)", _told(thing))
            for name, thing in sorted(things.items())
        ]
        table = TABLE["markdown"](("name", "what"), rows)
        write(
            f"reference/{room}/index.md",
            f"---\ntitle: {path}\n---\n\n# `{path}`\n\n"
            f"{first_sentence(doc)}\n\n{table}",
        )
        lines.append((f"[`{path}`]({room}/index.md)", first_sentence(doc)))
        for name, thing in things.items():
            page = _page(path, name, thing, things.values())
            write(f"reference/{room}/{name}.md", page)
    write(
        "reference/index.md",
        "# Reference\n\nWhat a user calls, a page each.\n\n"
        + TABLE["markdown"](("room", "what"), lines),
    )


def _told(thing):
    is_value = not (callable(thing) or inspect.ismodule(thing))
    return f"{thing}" if is_value else first_sentence(inspect.getdoc(thing))


def _shown(cls, others):
    """Its methods, less those that a base on a page beside it has told.

    Of losses, units and features users call none; who writes one, looks there.
    Of models everything is told, wherever it is from.
    """
    bases = [base for base in cls.__mro__[1:] if base in others]
    if any(base.__name__ == "GenerativeModel" for base in bases):
        bases = []
    told = {name for base in bases for name in methods(base)}
    return [name for name in methods(cls) if name not in told]


def _page(path, name, thing, others):
    options = "      members: false\n"
    if inspect.isclass(thing) or inspect.ismodule(thing):
        names = (
            _shown(thing, others) if inspect.isclass(thing) else _defined(thing)
        )
        if names:
            listed = "".join(f"        - {one}\n" for one in names)
            options = f"      inherited_members: true\n      members:\n{listed}"
    return (
        f"---\ntitle: {name}\n---\n\n::: {path}.{name}\n    options:\n{options}"
    )


def benchmarks():
    """What was measured, by kind, and the table of families."""
    parts = {}
    for name in TABLE["ORDER"]:
        found = TABLE["load"](name)
        head = HEADS.get(name.partition("/")[0], "Size and speed")
        rows = [
            (*row.values(), f"`{name}`, {found['machine']['processor']}")
            for row in found["rows"]
        ]
        parts.setdefault(head, []).extend(rows)
    heads = ("what", "genzoo", "beside it", "script, processor")
    text = "\n".join(
        f"## {head}\n\n{TABLE['markdown'](heads, rows)}"
        for head, rows in parts.items()
    )
    write(
        "benchmarks.md",
        "# Benchmarks\n\nEach row is measured by a script in `benchmarks/`, "
        "the peers in the same run, and kept as json in "
        f"`benchmarks/results/`, of which this page is made. "
        f"{TABLE['measured']()}\n{text}\n"
        "## Four families on the same digits\n\n"
        f"{TABLE['families']()}\n"
        "![samples of four families](gallery/images/compare_families.png)\n",
    )


def times():
    """How long things take, a table of chosen rows."""
    rows = [(row["what"], row["genzoo"]) for row in TABLE["chosen"](TIMES)]
    return TABLE["markdown"](("what", "measured"), rows)


def project():
    """The changelog, how to contribute, security, and the tables of Start."""
    for name in ("CHANGELOG", "SECURITY"):
        text = (ROOT / f"{name}.md").read_text()
        write(f"{name.lower()}.md", text)
    text = (ROOT / "CONTRIBUTING.md").read_text()
    # Drawing the house would load a script from another host.
    text = re.sub(r"```mermaid", "```text", text)
    write("contributing.md", text)
    start = MADE / "start.md"
    start.write_text(start.read_text().replace("{{ times }}", times()))
    cite = MADE / "cite.md"
    citation = textwrap.indent((ROOT / "CITATION.cff").read_text(), "    ")
    cite.write_text(cite.read_text().replace("{{ citation }}", citation))


def indices():
    """Contents of the course and the guides."""
    for room, head in (
        (
            "course",
            "# The lecture as a course\n\nTwelve chapters, from two ways to "
            "learn to images. Each says the formula, the call that computes "
            "it, the number and the picture. Every page is a program that ran "
            "when this site was built, its numbers held by assertions; each "
            "can be had as a notebook, and ends with exercises whose answers "
            "are folded. Some of it can be touched: "
            "[the playground](../playground/index.md).\n",
        ),
        ("guides", "# Guides\n\nShort, each of them a program that ran.\n"),
    ):
        lines = []
        for path in sorted((MADE / room).glob("*.md")):
            if path.stem == "index":
                continue
            line = path.read_text().split("title: ", 1)[1].partition("\n")[0]
            title = json.loads(line)
            lines.append(f"- [{title}]({path.name})")
        write(f"{room}/index.md", head + "\n" + "\n".join(lines) + "\n")


if __name__ == "__main__":
    indices()
    gallery()
    zoo()
    reference()
    benchmarks()
    project()
