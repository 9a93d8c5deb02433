"""Whether the order of four families is the same in three seeds.

Runs `examples/compare_families.py` and keeps its tables. Which measures count
as reliable was chosen on seeds 0 to 5, and is tested on other seeds, by
default 6 to 8; exits with 1 if one of them orders the models in another way.

    python benchmarks/families.py [--seeds 6 7 8]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import common

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


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, nargs="+", default=[6, 7, 8])
    options = parser.parse_args()
    tables = {}
    for seed in options.seeds:
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, EXAMPLE, "--seed", str(seed)],
                cwd=folder,
                check=True,
            )
            path = Path(folder) / "compare_families.json"
            tables[seed] = json.loads(path.read_text())
    found = agreeing(list(tables.values()))
    print("the same order in all seeds:", ", ".join(found))
    result = {"seeds": tables, "reliable": RELIABLE, "agreeing": found}
    common.write("families", result)
    failed = [measure for measure in RELIABLE if measure not in found]
    if failed:
        sys.exit(f"not reliable: {', '.join(failed)}")


if __name__ == "__main__":
    main()
