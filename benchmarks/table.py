"""The README's table of measurements, from the committed json.

python benchmarks/table.py            # print it
python benchmarks/table.py --write    # put it into README.md
"""

import json
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
BEGIN, END = "<!-- measurements: begin -->\n", "<!-- measurements: end -->\n"


def load(name):
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def three(values):
    mean = statistics.mean(values)
    each = ", ".join(f"{v:.1f}" for v in values)
    return f"**{mean:.1f}** ({each})"


def table():
    """The table as markdown."""
    quality, speed = load("rbm_quality"), load("rbm_speed")
    best = speed["best"]
    reference = best["scikit-learn float32"]
    ais = quality["ais"]
    within = [v["within_3"] for v in ais.values() if isinstance(v, dict)]
    seconds = min(ais["784x500 CPU-seconds"])

    def cost(name):
        return f"{best[name]:.2f} ({best[name] / reference:.2f} x)"

    mnist, digits = quality["mnist"], quality["digits"]
    numpy = "NumPy loop float32, not centred"
    rows = [
        (
            "784x20, MNIST, PCD-1, 5 epochs: exact test nats, 3 seeds",
            three(mnist["genzoo"]),
            f"scikit-learn {three(mnist['scikit-learn'])}",
        ),
        (
            "64x16, 8x8 digits, PCD-1, 5,010 updates: the same",
            three(digits["genzoo"]),
            f"scikit-learn {three(digits['scikit-learn'])}",
        ),
        (
            "784x20 as above, `mixed_bfloat16`: the same",
            three(mnist["genzoo bfloat16"]),
            "",
        ),
        (
            "784x500, PCD-1, CPU-seconds an epoch, one thread, float32",
            cost("genzoo float32"),
            f"scikit-learn {cost('scikit-learn float32')}; "
            f"NumPy, not centred {cost(numpy)}",
        ),
        (
            "the same in `mixed_bfloat16`",
            cost("genzoo bfloat16"),
            "",
        ),
        (
            "AIS, 100 chains x 1,000 temperatures, on exact models: runs "
            "within 3 of their own standard errors",
            ", ".join(f"{n} of 10" for n in within),
            "",
        ),
        (
            "the same at 784x500, CPU-seconds, forward run, one thread",
            f"{seconds:.2f}",
            "",
        ),
    ]
    lines = ["| what | genzoo | beside it |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    machine = speed["machine"]
    lines += [
        "",
        f"Measured on {machine['processor']}, Python {machine['python']}, "
        f"TensorFlow {machine['tensorflow']}, Keras {machine['keras']}, by "
        "`benchmarks/rbm_quality.py` and `benchmarks/rbm_speed.py`, the peers "
        "in the same run. The best epoch of each contender counts.",
    ]
    return "\n".join(lines) + "\n"


def main():
    text = README.read_text()
    head, rest = text.split(BEGIN)
    _, tail = rest.split(END)
    if "--write" in sys.argv:
        README.write_text(head + BEGIN + table() + END + tail)
    else:
        print(table())


if __name__ == "__main__":
    main()
