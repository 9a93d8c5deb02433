"""Whether the order of four families is the same in three seeds.

Runs `examples/compare_families.py` and keeps its tables. Which measures count
as reliable was chosen on seeds 0 to 5, and is tested on other seeds, by
default 6 to 8; exits with 1 if one of them orders the models in another way.
Its rows are those of the first seed.

    python -m benchmarks.families [--seeds "6 7 8"]
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import common

EXAMPLE = common.HERE.parent / "examples" / "compare_families.py"
RELIABLE = ("near density", "near precision")
MODELS = ("independent pixels", "Boltzmann machine", "RBM", "GAN")


def order(rows, measure):
    """The models from the lowest value of a measure to the highest."""
    return sorted(MODELS, key=lambda name: rows[name][measure]["value"])


def agreeing(tables):
    """The measures by which all tables order the models alike."""
    first, *others = tables
    return [
        measure
        for measure in first[MODELS[0]]
        if all(
            order(table, measure) == order(first, measure) for table in others
        )
    ]


def rows(found):
    first = next(iter(found["seeds"].values()))
    return [
        {
            "": name,
            **{
                measure: f"{number['value']:.3f} ± {number['stderr']:.3f}"
                for measure, number in measures.items()
                if "stderr" not in measure
            },
        }
        for name, measures in first.items()
    ]


def main():
    options = common.options(__doc__, seeds="6 7 8")
    tables = {}
    for seed in options.seeds.split():
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, EXAMPLE, "--seed", seed],
                cwd=folder,
                check=True,
            )
            path = Path(folder) / "compare_families.json"
            tables[seed] = json.loads(path.read_text())
    found = agreeing(list(tables.values()))
    print("the same order in all seeds:", ", ".join(found))
    result = {"seeds": tables, "reliable": RELIABLE, "agreeing": found}
    common.save(__file__, result, rows)
    failed = [measure for measure in RELIABLE if measure not in found]
    if failed:
        sys.exit(f"not reliable: {', '.join(failed)}")


if __name__ == "__main__":
    main()
