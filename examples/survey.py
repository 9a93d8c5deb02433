"""A survey raked to a census of which not all is known.

    python examples/survey.py

The young, those with a degree and two regions answer a survey more often than
others, and they also think otherwise. A census knows the population by sex and
age and by region, but of education only how many have a degree, and that
nobody below 25 has: three respondents say they do. The table of largest
entropy relative to the respondents has all of these margins, and a share for
each answer. Writes survey.png: the margins before and after, also those that
were not known, and what the population thinks.
"""

import argparse

import matplotlib
import numpy as np
import tensorflow as tf

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

SITES = {
    "sex": [0, 1],
    "age": [15, 25, 40, 55, 70],
    "education": [0, 1, 2],
    "region": [1, 2, 3, 4],
}
SHAPE = tuple(len(values) for values in SITES.values())
DEGREE, YOUNGEST = 2, 15
RESPONDENTS = 4000
COLOURS = {"respondents": "tab:grey", "raked": "tab:red", "population": "black"}


def population(generator):
    """(the table, who answers, who is in favour), each of shape SHAPE."""
    sex, age, education, region = np.indices(SHAPE)
    log_p = 0.1 * sex * (age > 3) - 0.15 * (age - 1.5) ** 2
    log_p = log_p - 0.35 * education * (1 + 0.4 * age) + 0.3 * (region % 3)
    p = np.exp(log_p + 0.1 * generator.normal(size=SHAPE))
    p[:, 0, DEGREE] = 0
    answers = np.exp(-0.35 * age + (education == 2) - 0.4 * (region > 2))
    favour = 1 / (1 + np.exp(-1.4 + 0.75 * age - 0.6 * education))
    return p / p.sum(), answers / answers.max(), favour


def margin(table, *names):
    """Of a table, over all other sites."""
    others = [k for k, name in enumerate(SITES) if name not in names]
    return table.sum(axis=tuple(others))


def raked(counts, census):
    """The table of largest entropy relative to counts, with a census."""
    space = gz.spaces.Product(
        [gz.spaces.Categorical(values) for values in SITES.values()],
        names=list(SITES),
    )
    strides = np.array([np.prod(SHAPE[k + 1 :]) for k in range(len(SHAPE))])
    levels = [np.array(values, float) for values in SITES.values()]
    with np.errstate(divide="ignore"):
        log_counts = np.log(counts.ravel())

    def log_reference(x):
        """Where nobody answered, nobody can be counted."""
        places = [
            tf.searchsorted(own, tf.cast(x[:, k], tf.float64)) * strides[k]
            for k, own in enumerate(levels)
        ]
        return tf.gather(log_counts, tf.add_n(places))

    margins = [gz.features.Marginal(list(names)) for names in census]
    model = gz.MaxEnt(space, margins, reference=log_reference, seed=0)
    model.compile()
    model.fit(observations=census, verbose=0)
    model.summary()
    return model.prob(space.states()).reshape(SHAPE)


def draw(tables, known, in_favour, path):
    """The margins, and the answers by age."""
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(11.5, 4.8), layout="constrained", width_ratios=(1.5, 1)
    )
    labels, shares = [], {name: [] for name in tables}
    for name in SITES:
        labels += [f"{name} {value}" for value in SITES[name]]
        for which, table in tables.items():
            shares[which] += margin(table, name).tolist()
    place = np.arange(len(labels))
    marks = {"respondents": "o", "raked": "D", "population": "_"}
    sizes = {"respondents": 45, "raked": 40, "population": 350}
    for which, values in shares.items():
        left.scatter(
            place,
            values,
            marker=marks[which],
            s=sizes[which],
            color=COLOURS[which],
            label=which,
            zorder=2 if which == "population" else 3,
        )
    for k, label in enumerate(labels):
        if label not in known:
            left.axvspan(k - 0.5, k + 0.5, color="tab:blue", alpha=0.12, lw=0)
    left.plot(
        [], [], "s", color="tab:blue", alpha=0.25, ms=12, label="not known"
    )
    left.set_xticks(place, labels, rotation=60, ha="right")
    left.set_ylabel("share of the population")
    left.set_ylim(0, None)
    left.legend(frameon=False, loc="upper right")
    ages = [*map(str, SITES["age"]), "all"]
    for which, shares_of in in_favour.items():
        style = {"color": COLOURS[which], "marker": marks[which]}
        size = 22 if which == "population" else 7
        label = f"{which}, {shares_of[-1]:.3f} of all"
        right.plot(ages[:-1], shares_of[:-1], ms=size, label=label, **style)
        right.plot(ages[-1:], shares_of[-1:], ms=size, **style)
    right.legend(frameon=False, markerscale=0.7)
    right.set_xlabel("age from")
    right.set_ylabel("in favour")
    for axis in (left, right):
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main():
    """Ask, rake, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="survey.png")
    options = parser.parse_args()

    generator = np.random.default_rng(0)
    truth, answers, favour = population(generator)
    asked = truth * answers
    counts = generator.multinomial(RESPONDENTS, (asked / asked.sum()).ravel())
    counts = counts.reshape(SHAPE).astype(float)
    # Not true, but written on the form.
    counts[0, 0, DEGREE, :3] += 1
    yes = generator.binomial(counts.astype(int), favour)

    table = raked(
        counts,
        {
            ("sex", "age"): margin(truth, "sex", "age"),
            ("region",): margin(truth, "region"),
            ("education",): {DEGREE: margin(truth, "education")[DEGREE]},
            ("age", "education"): {(YOUNGEST, DEGREE): 0.0},
        },
    )
    # A share of the answers in each cell, where somebody answered.
    rate = yes / np.maximum(counts, 1)
    weights = {"respondents": counts / counts.sum(), "raked": table}
    in_favour = {}
    for which, weight in {**weights, "population": truth}.items():
        of_cell = favour if which == "population" else rate
        by_age = margin(weight * of_cell, "age") / margin(weight, "age")
        in_favour[which] = [*by_age, (weight * of_cell).sum()]
        print(f"{which}: {in_favour[which][-1]:.3f} in favour")
    print(f"weight of impossible answers: {table[:, 0, DEGREE].sum():g}")
    known = [f"{k} {v}" for k in SITES for v in SITES[k] if k != "education"]
    known.append(f"education {DEGREE}")
    draw({**weights, "population": truth}, known, in_favour, options.output)
    print(f"the picture is in {options.output}")


if __name__ == "__main__":
    main()
