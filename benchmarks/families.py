"""Whether the order of four families is the same in three seeds.

Runs `examples/compare_families.py` and keeps its tables; reliable measures
are those whose order of models agrees in all seeds.

    python benchmarks/families.py [--seeds 3]
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import common

EXAMPLE = common.HERE.parent / "examples" / "compare_families.py"
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
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    tables = []
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(
                [sys.executable, EXAMPLE, "--seed", str(seed)],
                cwd=folder,
                check=True,
            )
            path = Path(folder) / "compare_families.json"
            tables.append(json.loads(path.read_text()))
    found = agreeing(tables)
    print("the same order in all seeds:", ", ".join(found))
    common.write("families", {"seeds": tables, "agreeing": found})


if __name__ == "__main__":
    main()
