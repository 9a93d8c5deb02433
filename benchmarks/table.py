"""Tables of what was measured, joined from the rows in the committed json.

python benchmarks/table.py            # print the README's
python benchmarks/table.py --write    # put it into README.md

The site has all rows; see docs/pages.py.
"""

import json
import math
import sys
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
ORDER = """
rbm/quality rbm/speed rbm/ais rbm/labels rbm/stack rbm/completion rbm/ratings
rbm/deep
maxent/averages maxent/presences maxent/potts maxent/potts_chains
maxent/inverse_ising maxent/wide_ising
maxent/ising_phases maxent/ising_sampling maxent/lattices
energies scores adversary
wild_gan tables gan/modes gan/mnist gan/speed gan/stacked
metrics presets scale reduced devices
""".split()
# Rows of the README: a file, and how the row begins.
CHOSEN = (
    ("rbm/quality", "784x20"),
    ("rbm/quality", "64x16"),
    ("rbm/speed", "784x500"),
    ("rbm/deep", "deep"),
    ("rbm/labels", "pixels"),
    ("maxent/averages", "die"),
    ("maxent/averages", "16 spins"),
    ("maxent/potts", "planted Potts model, 21 levels, 100"),
    ("maxent/inverse_ising", "inverse"),
    ("maxent/ising_sampling", "Ising 64x64"),
    ("energies", "neural energy, pinwheel"),
    ("wild_gan", "`networks.mlp`"),
    ("gan/modes", "ring"),
    ("gan/mnist", "MNIST"),
    ("gan/speed", "networks"),
    ("metrics", "precision"),
)


def load(name):
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def markdown(heads, rows):
    """A table, without a space in an empty head."""
    lines = [f"|{'|'.join(f' {head} ' if head else ' ' for head in heads)}|"]
    lines += ["|---" * len(heads) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def chosen(places=CHOSEN):
    """The rows that begin so, one for each place."""
    return [
        next(r for r in load(name)["rows"] if r["what"].startswith(begin))
        for name, begin in places
    ]


def measured():
    """By what and how, one line."""
    found = [load(name)["machine"] for name in ORDER]
    machine = load("rbm/speed")["machine"]
    processors = " or ".join(sorted({one["processor"] for one in found}))
    return (
        f"Measured on {processors}, as each json says, "
        f"Python {machine['python']}, "
        f"TensorFlow {machine['tensorflow']}, Keras {machine['keras']}, one "
        "thread each, by the scripts in `benchmarks/`, the peers in the same "
        "run. The best round of each contender counts.\n"
    )


def table():
    """The README's."""
    rows = [row.values() for row in chosen()]
    heads = ("what", "genzoo", "beside it")
    return f"{markdown(heads, rows)}\n{measured()}"


def families():
    """The four families on the first seed, and what all seeds agree on."""
    found = load("families")
    rows, seeds = found["rows"], list(found["seeds"])
    reliable, agreeing = (
        ", ".join(measure for measure in rows[0] if measure in found[key])
        for key in ("reliable", "agreeing")
    )
    return markdown(rows[0], [row.values() for row in rows]) + (
        f"\nSeed {seeds[0]}. Chosen as reliable before seeds "
        f"{', '.join(seeds)} were run: {reliable}. The same order of the "
        f"models in all of them by: {agreeing}.\n"
    )


def _with_error(value, stderr, **_):
    if value == round(value):
        return f"{value:.0f}"
    if abs(value) < 1e-3:
        return f"{value:.1e} ± {stderr:.1e}"
    # Two digits of the error.
    places = max(0, 1 - math.floor(math.log10(stderr)))
    return f"{value:.{places}f} ± {stderr:.{places}f}"


if __name__ == "__main__":
    print(table())
    if "--write" in sys.argv:
        begin, end = (
            "<!-- measurements: begin -->\n",
            "<!-- measurements: end -->",
        )
        head, rest = README.read_text().split(begin)
        README.write_text(head + begin + table() + end + rest.split(end)[1])
