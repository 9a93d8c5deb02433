"""Jaynes' die: the least biased probabilities for a given average.

    python examples/jaynes_die.py

A die is thrown many times, and all that is told is that the average was 4.5,
and not 3.5. What are the probabilities of the six faces? Writes
jaynes_die.png: the answer for several averages, and the dual objective whose
minimum it is.
"""

import argparse

import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

FACES = np.arange(1, 7)


def draw(path, answers, dual, history):
    """Probabilities of the faces, and the way to them."""
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
    colours = plt.get_cmap("viridis")(np.linspace(0, 0.85, len(answers)))
    width = 0.8 / len(answers)
    for number, (mean, probabilities) in enumerate(answers.items()):
        axes[0].bar(
            FACES + (number - (len(answers) - 1) / 2) * width,
            probabilities,
            width,
            color=colours[number],
            label=f"average {mean:g}",
        )
    axes[0].set_xlabel("face")
    axes[0].set_ylabel("probability")
    axes[0].set_title("maximum entropy given the average")
    axes[0].legend(frameon=False)
    multipliers, values = dual
    axes[1].plot(multipliers, values, color="black")
    steps, found = history
    axes[1].plot(steps, found, "o-", color="tab:red", label="Newton steps")
    axes[1].set_xlabel(r"multiplier $\lambda$")
    axes[1].set_ylabel(r"$\log Z(\lambda) - 4.5\,\lambda$  [nats]")
    axes[1].set_title("the dual, least where the average is 4.5")
    axes[1].legend(frameon=False)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=110)


def main():
    """Fit, print, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", default="jaynes_die.png")
    options = parser.parse_args()

    die = gz.MaxEnt(
        gz.spaces.Categorical(FACES), features=gz.features.Moments(1), seed=0
    )
    # An exact likelihood: Newton's method on the convex dual.
    die.compile()
    faces = die.space.states()
    answers = {}
    for mean in (2.0, 3.5, 4.5, 5.5):
        die.fit(observations=[mean], verbose=0)
        answers[mean] = die.prob(faces)

    # Step by step, for the picture; fit(observations=[4.5]) takes them all.
    steps, values = [], []
    residual = 1.0
    die.multipliers = [0.0]
    while residual > 1e-12:
        history = die.fit(observations=[4.5], epochs=1, verbose=0).history
        residual = history["residual"][-1]
        steps.append(float(die.multipliers[0]))
        values.append(history["loss"][-1])
    die.summary()
    print("probabilities", np.round(die.prob(faces), 5))
    print("twelve throws", die.sample(12, seed=1).ravel().astype(int))
    for mean in (6.0, 6.5):
        try:
            die.fit(observations=[mean])
        except ValueError as error:
            print(f"an average of {mean:g}: {error}")

    multipliers = np.linspace(-0.3, 0.9, 200)
    weights = np.exp(np.outer(multipliers, FACES))
    dual = np.log(weights.sum(axis=1)) - 4.5 * multipliers
    draw(options.output, answers, (multipliers, dual), (steps, values))
    print(f"the picture is {options.output}")


if __name__ == "__main__":
    main()
