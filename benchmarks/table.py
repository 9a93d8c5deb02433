"""The README's table of measurements, from the committed json.

python benchmarks/table.py            # print it
python benchmarks/table.py --write    # put it into README.md
"""

import json
import math
import statistics
import sys
from pathlib import Path

HERE = Path(__file__).parent
README = HERE.parent / "README.md"
PARTS = ("families", "presets", "measurements")
PRESETS = HERE.parent / "saved_models"


def load(name):
    return json.loads((HERE / "results" / f"{name}.json").read_text())


def three(values):
    mean = statistics.mean(values)
    each = ", ".join(f"{v:.1f}" for v in values)
    return f"**{mean:.1f}** ({each})"


def maxent_rows():
    found = load("maxent")
    ours, theirs = found["genzoo"], found["maxentropy"]
    die, ten, sixteen = (ours[k] for k in ("die", "ising10", "ising16"))
    errors = [ours[k]["multiplier error"] for k in ("gaussian", "exponential")]
    log_z = ours["log Z"].values()
    return [
        (
            "die with average 4.5: residual; warm `fit`",
            f"{die['residual']:.0e}; {die['warm fit wall ms']:.0f} ms",
            f"maxentropy {theirs['die']['residual']:.0e}; "
            f"{theirs['die']['CPU ms']:.1f} ms",
        ),
        (
            "10 spins, 55 averages: residual; the solver's CPU-ms; its steps",
            f"{ten['residual']:.0e}; {ten['solver CPU ms']:.0f} (with `fit` "
            f"{ten['warm fit CPU ms']:.0f}); {ten['Newton steps to 1e-11']}",
            f"maxentropy {theirs['ising10']['residual']:.0e}; "
            f"{theirs['ising10']['CPU ms']:.0f}",
        ),
        (
            "16 spins, 136 averages, 65,536 states: CPU-s of a `fit`, with "
            "the tracing of the first",
            f"{sixteen['warm fit CPU s']:.2f}, "
            f"{sixteen['first fit CPU s']:.2f}",
            "",
        ),
        (
            "Gaussian on R, exponential on [0, 1]: error of the multipliers",
            ", ".join(f"{error:.0e}" for error in errors),
            "",
        ),
        (
            "log Z of 20 spins (glass, lattice), AIS against enumeration: "
            "runs within 0.01 nats or 3 of their standard errors",
            ", ".join(f"{row['within']} of {len(row['AIS'])}" for row in log_z),
            "",
        ),
    ]


def inverse_rows():
    found = load("inverse_ising")

    def told(name):
        row = found[name]
        mean = statistics.mean(row["J"])
        return f"{mean:.4f} in {row['CPU s']:.2f}"

    return [
        (
            "inverse Ising, 8x8, T = 2.4, 10,000 configurations, "
            f"{len(found['pseudolm']['J'])} data sets: RMSE of J in CPU-s",
            told("pseudolikelihood"),
            f"pseudolm {told('pseudolm')}",
        ),
        (
            "the same with an L2 penalty",
            told("pseudolikelihood L2"),
            "",
        ),
        (
            "the same with an L1 penalty",
            told("pseudolikelihood L1"),
            f"scikit-learn {told('scikit-learn L1')}",
        ),
    ]


def phase_rows():
    found = load("ising_phases")
    found.pop("machine")

    def worst(name, key):
        rows = [row for runs in found[name].values() for row in runs]
        return f"{max(abs(row[key]) for row in rows):.1f} %"

    models = ", ".join(
        f"{name} {worst(name, 'energy')} and {worst(name, 'magnetisation')}"
        for name in found
    )
    return [
        (
            "16x16 Ising, T = 1.8, 2.27 and 3, fitted on 10,000 "
            "configurations: largest error of energy and of mean absolute "
            "magnetisation of what is generated",
            models,
            "",
        ),
    ]


def sampling_rows():
    found = load("ising_sampling")
    best = found["best"]
    peer = best["mcising"]

    def told(name):
        return f"{best[name]:.0f} ({best[name] / peer:.1f} x)"

    physics = found["physics"]
    off = [
        abs(row["measured"] - row["exact"])
        for row in physics.values()
        if "asked" in row
    ]
    critical = physics["Tc, 64 x 64, energy"]["standard_errors_apart"]
    return [
        (
            "Ising 64x64 at Tc, energy measured each sweep: million flips a "
            "CPU-s, 1, 32 and 128 lattices",
            ", ".join(
                told(f"genzoo, {n}")
                for n in ("1 lattice", "32 lattices", "128 lattices")
            ),
            f"mcising {peer:.0f}",
        ),
        (
            "energy and magnetisation against Onsager, T = 2 and 3: largest "
            "difference; energy at Tc: standard errors from Kaufman's",
            f"{max(off):.5f}; {abs(critical):.1f}",
            "",
        ),
    ]


def gan_rows():
    names = "gan_modes", "gan_mnist", "gan_speed"
    modes, mnist, speed = map(load, names)

    def reached(name):
        runs = modes[name]
        least = min(run["high_quality"] for run in runs)
        return (
            f"{min(run['modes'] for run in runs):.0f} in each of {len(runs)} "
            f"seeds; at most {max(run['kl'] for run in runs):.4f}; at least "
            f"{100 * least:.0f} % in "
            f"{statistics.mean(run['CPU s'] for run in runs):.0f} CPU-s"
        )

    def judged(name):
        found = mnist[name]
        ours, real = found["samples"], found["train digits"]
        asked = ours.get("as_asked")
        told = "" if asked is None else f"; {100 * asked:.1f} %"
        return (
            f"{ours['frechet']:.1f}; {ours['class_kl']:.4f}; "
            f"{100 * ours['confident']:.1f} %{told}",
            f"real digits {real['frechet']:.1f}; {real['class_kl']:.4f}; "
            f"{100 * real['confident']:.1f} %",
        )

    best = speed["best"]
    reference = best["by hand in Keras"]

    def rate(name):
        return f"{best[name]:.0f} ({best[name] / reference:.2f} x)"

    rows = [
        (
            "ring of 8 Gaussians, `mlp` pair, defaults, a rate that falls: "
            "modes; KL of their histogram; samples within 3 sd",
            reached("ring"),
            "published: VEEGAN 8, 53 %",
        ),
        (
            "grid of 25 Gaussians: the same",
            reached("grid"),
            "published: VEEGAN 24.6, 40 %",
        ),
        (
            "MNIST without labels, `dcgan` pair, 64 clusters, 10,000 "
            "samples: Frechet distance of a classifier's features; KL of "
            "classes to uniform; at least 0.9 sure",
            *judged("unconditional"),
        ),
        (
            "the same with labels, conditional; of the class asked for",
            *judged("conditional"),
        ),
        (
            "networks and loss of Keras's GAN guide, images a CPU-second",
            rate("genzoo"),
            f"by hand in Keras {rate('by hand in Keras')}; by hand in PyTorch "
            f"{rate('by hand in PyTorch')}",
        ),
        (
            "the same with R1 and R2, on an eighth of the batch and on all",
            f"{rate('genzoo, R1 + R2 on 1/8')}, "
            f"{rate('genzoo, R1 + R2 on all')}",
            "",
        ),
    ]
    if "stacked" in mnist:
        stacked = mnist["stacked"]
        rows.append(
            (
                "stacked MNIST, 300 clusters, 26,000 samples: modes of 1,000; "
                "KL; updates",
                f"{stacked['samples']['modes']}; "
                f"{stacked['samples']['kl']:.3f}; {stacked['updates']:,}",
                f"real digits {stacked['real']['modes']}; "
                f"{stacked['real']['kl']:.3f}; published: PacGAN 992, 0.28, "
                "R3GAN 1,000, 0.029",
            )
        )
    return rows


def metric_rows():
    found = load("metrics")
    peer = found["precision, recall, density, coverage"]
    null, reverse = found["nothing differs"], found["reverse KL"]
    divergences = found["divergences"].values()
    least = min(row["within 3 stderr of 20"] for row in divergences)
    return [
        (
            "precision, recall, density and coverage of 10,000 rows of 64: "
            "CPU-s; largest difference",
            f"{peer['genzoo']['CPU s']:.2f}; {peer['largest difference']:.0e}",
            f"prdc {peer['prdc']['CPU s']:.1f}",
        ),
        (
            "KL both ways, Jensen-Shannon and total variation of two RBMs, "
            "sampled, against enumeration: runs within 3 standard errors",
            f"at least {least} of 20",
            "",
        ),
        (
            "equal distributions, 200 seeds: mean of the kernel distance; how "
            "often the classifier test rejects at 5 %",
            f"{null['kernel distance, mean']:.4f} ± {null['its error']:.4f}; "
            f"{100 * null['classifier, rejected at 5 %']:.1f} %",
            "",
        ),
        (
            "reverse KL by a discriminator's density ratio, mixture in the "
            "plane, 5 seeds: largest error",
            f"{100 * reverse['largest relative error']:.1f} %",
            "",
        ),
    ]


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
    rows += maxent_rows() + inverse_rows() + phase_rows() + sampling_rows()
    rows += gan_rows() + metric_rows()
    slowest = max(load("preset_times")["wall s"].items(), key=lambda i: i[1])
    rows.append(
        (
            "presets, two threads: seconds to load one and draw 64, the "
            "slowest",
            f"{slowest[1]:.1f} (`{slowest[0]}`)",
            "",
        )
    )
    lines = ["| what | genzoo | beside it |", "|---|---|---|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    machine = speed["machine"]
    lines += [
        "",
        f"Measured on {machine['processor']}, Python {machine['python']}, "
        f"TensorFlow {machine['tensorflow']}, Keras {machine['keras']}, one "
        "thread each, by the scripts in `benchmarks/`, the peers in the same "
        "run. The best round of each contender counts.",
    ]
    return "\n".join(lines) + "\n"


def families():
    """The table of the first seed of `families.py`, as markdown."""
    found = load("families")
    seeds, first = list(found["seeds"]), next(iter(found["seeds"].values()))
    (row, *_) = first.values()
    measures = [key for key in row if "stderr" not in key]
    lines = [f"| | {' | '.join(measures)} |"]
    lines += ["|---" * (len(measures) + 1) + "|"]
    for name, row in first.items():
        cells = [
            f"{row[key]['value']:.3f} ± {row[key]['stderr']:.3f}"
            for key in measures
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    reliable, agreeing = (
        ", ".join(m for m in measures if m in found[key])
        for key in ("reliable", "agreeing")
    )
    return (
        "\n".join(lines)
        + f"\n\nSeed {seeds[0]}. Chosen as reliable before seeds "
        f"{', '.join(seeds)} were run: {reliable}. The same order of the "
        f"models in all of them by: {agreeing}.\n"
    )


def presets():
    """The presets and what their cards show, as markdown."""
    lines = ["| preset | what | measured |", "|---|---|---|"]
    for path in sorted(PRESETS.glob("*/metadata.json")):
        card = json.loads(path.read_text())
        numbers = ", ".join(
            f"{name.replace('_', ' ')} {_with_error(**number)}"
            for name, number in card["measured"].items()
        )
        lines.append(
            f"| `{path.parent.name}` | {card['description']} | {numbers} |"
        )
    return "\n".join(lines) + "\n"


def _with_error(value, stderr, **_):
    if value == round(value):
        return f"{value:.0f}"
    if abs(value) < 1e-3:
        return f"{value:.1e} ± {stderr:.1e}"
    # Two digits of the error.
    places = max(0, 1 - math.floor(math.log10(stderr)))
    return f"{value:.{places}f} ± {stderr:.{places}f}"


def main():
    text = README.read_text()
    for name, part in zip(PARTS, (families(), presets(), table()), strict=True):
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->\n"
        head, rest = text.split(begin)
        _, tail = rest.split(end)
        text = head + begin + part + end + tail
        print(part)
    if "--write" in sys.argv:
        README.write_text(text)


if __name__ == "__main__":
    main()
