"""The README's tables, joined from the rows in the committed json.

python benchmarks/table.py            # print them
python benchmarks/table.py --write    # put them into README.md
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
maxent/averages maxent/potts maxent/potts_chains maxent/inverse_ising
maxent/ising_phases maxent/ising_sampling maxent/lattices energies adversary
wild_gan tables gan/modes gan/mnist gan/speed gan/stacked
metrics presets scale
""".split()


def load(name):
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def markdown(heads, rows):
    """A table, without a space in an empty head."""
    lines = [f"|{'|'.join(f' {head} ' if head else ' ' for head in heads)}|"]
    lines += ["|---" * len(heads) + "|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def table():
    """What was measured, by each benchmark's own rows."""
    rows = [row.values() for name in ORDER for row in load(name)["rows"]]
    found = [load(name)["machine"] for name in ORDER]
    machine = load("rbm/speed")["machine"]
    processors = " or ".join(sorted({one["processor"] for one in found}))
    return markdown(("what", "genzoo", "beside it"), rows) + (
        f"\nMeasured on {processors}, as each json says, "
        f"Python {machine['python']}, "
        f"TensorFlow {machine['tensorflow']}, Keras {machine['keras']}, one "
        "thread each, by the scripts in `benchmarks/`, the peers in the same "
        "run. The best round of each contender counts.\n"
    )


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


def presets():
    """The presets and what their cards show."""
    rows = []
    for path in sorted((HERE.parent / "saved_models").glob("*/metadata.json")):
        card = json.loads(path.read_text())
        numbers = ", ".join(
            f"{name.replace('_', ' ')} {_with_error(**number)}"
            for name, number in card["measured"].items()
        )
        rows.append((f"`{path.parent.name}`", card["description"], numbers))
    return markdown(("preset", "what", "measured"), rows)


def _with_error(value, stderr, **_):
    if value == round(value):
        return f"{value:.0f}"
    if abs(value) < 1e-3:
        return f"{value:.1e} ± {stderr:.1e}"
    # Two digits of the error.
    places = max(0, 1 - math.floor(math.log10(stderr)))
    return f"{value:.{places}f} ± {stderr:.{places}f}"


if __name__ == "__main__":
    text = README.read_text()
    for name, make in (
        ("families", families),
        ("presets", presets),
        ("measurements", table),
    ):
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
        head, rest = text.split(begin)
        text = head + begin + make() + end + rest.split(end)[1]
        print(make())
    if "--write" in sys.argv:
        README.write_text(text)
