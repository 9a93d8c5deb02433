"""A GAN learns a table: numbers of all scales, categories, dates and gaps.

    python examples/tables.py                        # half a minute

The table is made up: customers of three kinds, one of them rare, what they
spend (a long tail), how often they come (many zeros), since when, and an age
that one in eight does not tell. Nothing is scaled or encoded by hand. Prints
averages of the data and of drawn rows, draws rows of the rare kind alone, and
writes tables.png.
"""

import argparse

import keras
import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

KINDS = {"regular": "tab:blue", "guest": "tab:orange", "collector": "tab:red"}


def customers(n, seed):
    """The table, a dict of columns as a frame of pandas has them."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(list(KINDS), n, p=[0.6, 0.35, 0.05])
    number = np.searchsorted(["collector", "guest", "regular"], kind)
    visits = rng.poisson(np.array([6.0, 0.4, 3.0])[number])
    price = np.exp(rng.normal(np.array([5.0, 2.0, 3.0])[number], 0.7))
    age = rng.normal(np.array([62, 35, 45])[number], 9).round()
    age[rng.random(n) < 1 / 8] = np.nan
    days = rng.exponential(np.array([3000, 60, 900])[number]).astype(int)
    return {
        "kind": kind,
        "visits": visits,
        "spent": np.round(price * (visits + 0.3), 2),
        "age": age,
        "since": np.datetime64("2026-11-01") - days,
    }


def train(data, epochs, seed):
    """A table, and a GAN of its vectors."""
    keras.utils.set_random_seed(seed)
    table = gz.datasets.Table(data)
    print(table)
    gan = gz.GAN(*gz.networks.tabular(table), seed=seed)
    gan.compile(steps_per_execution=10)
    gan.fit(table.encode(data), epochs=epochs, verbose=0)
    return table, gan


def compare(data, drawn):
    """Print averages of columns, by kind."""
    print("kind            share  visits  log10 spent     age  years")
    for kind in KINDS:
        for name, rows in (("data", data), ("GAN", drawn)):
            own = rows["kind"] == kind
            print(
                f"{kind:<10}{name:<5}{own.mean():6.3f}"
                f"{rows['visits'][own].mean():8.2f}"
                f"{np.log10(rows['spent'][own]).mean():13.2f}"
                f"{np.nanmean(rows['age'][own]):8.1f}"
                f"{np.mean(_years(rows)[own]):7.2f}"
            )


def _years(rows):
    days = np.datetime64("2026-11-01") - rows["since"].astype("datetime64[D]")
    return days.astype(float) / 365.25


def draw(path, data, drawn, rare):
    """Columns of both tables, and how they go together."""
    figure, axes = plt.subplots(2, 4, figsize=(14, 6.6), layout="constrained")
    columns = {
        "visits": (lambda rows: rows["visits"], np.arange(-0.5, 15)),
        "log10 of what is spent": (
            lambda rows: np.log10(rows["spent"]),
            np.linspace(-1, 4, 51),
        ),
        "age, where it is told": (
            lambda rows: rows["age"][~np.isnan(rows["age"])],
            np.linspace(0, 100, 51),
        ),
        "years since the first visit": (_years, np.linspace(0, 15, 46)),
    }
    for axis, (name, (column, bins)) in zip(
        axes[0], columns.items(), strict=True
    ):
        axis.hist(column(data), bins, density=True, alpha=0.35, label="data")
        axis.hist(
            column(drawn), bins, density=True, histtype="step", label="GAN"
        )
        axis.set(xlabel=name, yticks=[])
    axes[0, 0].legend(frameon=False)
    shown = (
        ("data", data),
        ("GAN", drawn),
        ("collectors of the data", _only(data, "collector")),
        ("GAN, asked for collectors", rare),
    )
    for axis, (name, rows) in zip(axes[1], shown, strict=True):
        rows = {key: column[:1500] for key, column in rows.items()}
        for kind, colour in KINDS.items():
            own = rows["kind"] == kind
            axis.plot(
                rows["age"][own],
                np.log10(rows["spent"][own]),
                ".",
                color=colour,
                ms=3,
                label=kind,
            )
        axis.set(title=name, xlabel="age", xlim=(0, 100), ylim=(-1, 4))
    axes[1, 0].set_ylabel("log10 of what is spent")
    axes[1, 0].legend(frameon=False, markerscale=3)
    figure.savefig(path, dpi=80)
    print(f"written to {path}")


def _only(rows, kind):
    own = rows["kind"] == kind
    return {name: column[own] for name, column in rows.items()}


def main():
    """Make a table, learn it, draw rows, and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", default="tables.png")
    options = parser.parse_args()
    data = customers(options.rows, options.seed)
    table, gan = train(data, options.epochs, options.seed)
    drawn = table.sample(gan, options.rows, seed=1)
    compare(data, drawn)
    share = (data["kind"] == "collector").mean()
    many = max(int(share * options.rows), 1)
    rare = table.sample(gan, many, seed=2, where={"kind": "collector"})
    draw(options.output, data, drawn, rare)


if __name__ == "__main__":
    main()
