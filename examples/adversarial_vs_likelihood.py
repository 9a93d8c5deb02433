"""A model too simple for its data: likelihood covers, the adversary chooses.

    python examples/adversarial_vs_likelihood.py     # under a minute

The data have two modes, the model is one Gaussian. Maximum likelihood
minimises KL(data || model), which is large where data are and the model is
not: the Gaussian covers both modes and the gap between them. It is `MaxEnt`
of two moments, exact.

The same Gaussian as a generator, `G(z) = bias + kernel z`, *starts* at that
fit and plays against a discriminator. Were D optimal, the gradient of the
non-saturating loss would be that of KL(model || data) - 2 JS (Arjovsky and
Bottou 2017), large where the model is and data are not: the Gaussian leaves
the gap and settles on the heavier mode. (The way leads past a saddle, near
which it may stay if the modes are more alike, 0.7 to 0.3 for example.) With
models that can hold both modes, four moments and a perceptron as a generator,
both ways lead to the data.

Prints both divergences of the four models, by quadrature, and writes
adversarial_vs_likelihood.png.
"""

import argparse
import time

import keras
import matplotlib
import numpy as np

import genzoo as gz

matplotlib.use("Agg")
from matplotlib import pyplot as plt  # noqa: E402

WEIGHTS, MEANS, SDS = np.array([[0.8, 0.2], [-1.5, 2.0], [0.5, 0.5]])
GRID = np.linspace(-12, 12, 4801)
STEP = GRID[1] - GRID[0]
BATCH_SIZE = 256


def gaussian(x, mean, sd):
    """The density of a Gaussian."""
    return np.exp(-0.5 * ((x - mean) / sd) ** 2) / (sd * np.sqrt(2 * np.pi))


def divergence(p, q):
    """KL(p || q) in nats of densities on `GRID`."""
    tiny = np.finfo(float).tiny
    ratio = np.log(np.maximum(p, tiny)) - np.log(np.maximum(q, tiny))
    return np.sum(p * ratio) * STEP


def most_likely(x, moments):
    """The density on `GRID` of the MaxEnt model with so many moments."""
    powers = range(1, moments + 1)
    model = gz.MaxEnt(gz.spaces.Real(), gz.features.Moments(*powers), seed=0)
    model.compile()
    model.fit(x, verbose=0)
    return model.prob(GRID)


def train(generator, x, epochs, seed, on_epoch_end=None):
    """A GAN of this generator and a perceptron, trained."""
    _, discriminator = gz.networks.mlp(latent=1, output=1)
    gan = gz.GAN(generator, discriminator, seed=seed)
    steps = epochs * len(x) // BATCH_SIZE
    rates = (3e-3 if on_epoch_end else 1e-3), 1e-3  # two numbers bear more
    schedule = keras.optimizers.schedules.CosineDecay
    optimizers = (
        keras.optimizers.Adam(schedule(rate, steps), beta_1=0.0, beta_2=0.99)
        for rate in rates
    )
    gan.compile(*optimizers, loss="non_saturating", steps_per_execution=50)
    watch = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda *_: on_epoch_end and on_epoch_end(gan)
    )
    gan.fit(
        x, batch_size=BATCH_SIZE, epochs=epochs, callbacks=[watch], verbose=0
    )
    return gan


def adversarial_gaussian(x, epochs, seed):
    """The path of (mean, sd) from the most likely Gaussian."""
    z = keras.Input((1,))
    generator = keras.Model(z, keras.layers.Dense(1)(z))
    generator.set_weights([np.array([[x.std()]]), np.array([x.mean()])])
    path = [(x.mean(), x.std())]

    def record(gan):
        kernel, bias = gan.averaged_generator.get_weights()
        path.append((bias.item(), abs(kernel.item())))

    train(generator, x, epochs, seed, record)
    return np.array(path)


def adversarial_perceptron(x, epochs, seed, blur=0.05):
    """The density on `GRID` of samples, a little blurred."""
    generator, _ = gz.networks.mlp(latent=4, output=1)
    samples = train(generator, x, epochs, seed).sample(1_000_000, seed=1)
    edges = np.append(GRID, GRID[-1] + STEP) - STEP / 2
    histogram = np.histogram(samples, edges, density=True)[0]
    reach = STEP * np.arange(-40, 41)
    return np.convolve(histogram, gaussian(reach, 0, blur) * STEP, "same")


def draw_densities(axis, title, p, densities):
    """The data's density behind those of two models."""
    axis.fill_between(GRID, p, color="0.85", label="data")
    for (name, q), colour in zip(
        densities.items(), ("tab:blue", "tab:red"), strict=True
    ):
        label = (
            f"{name}\n  KL(data || model) = {divergence(p, q):.3f}\n"
            f"  KL(model || data) = {divergence(q, p):.3f}"
        )
        axis.plot(GRID, q, color=colour, lw=2, label=label)
    axis.set(title=title, xlabel="x", ylabel="density", xlim=(-4.5, 7.5))
    axis.legend(frameon=False, loc="upper right", fontsize=9)
    axis.spines[["top", "right"]].set_visible(False)


def draw_landscape(axis, title, found, path):
    """A divergence as a function of mean and sd, with the path of the GAN."""
    means, sds = np.linspace(-2.6, 3.1, 96), np.geomspace(0.3, 3.2, 80)
    values = np.array([[found(mean, sd) for mean in means] for sd in sds])
    levels = np.geomspace(0.2, 50, 25)
    image = axis.contourf(
        *(means, sds, values, levels),
        norm=matplotlib.colors.LogNorm(0.2, 50),
        cmap="cividis_r",
        extend="both",
    )
    axis.plot(*path.T, color="tab:red", lw=2, label="the adversary's path")
    axis.plot(*path[0], "o", color="tab:blue", mec="w", ms=11, label="begin")
    axis.plot(*path[-1], "X", color="tab:red", mec="w", ms=12, label="end")
    axis.set(title=title, xlabel="mean", ylabel="standard deviation")
    axis.set(yscale="log", yticks=[0.3, 0.5, 1, 2, 3])
    axis.set_yticks([], minor=True)
    axis.yaxis.set_major_formatter("{x:g}")
    ticks = [0.2, 0.5, 1, 2, 5, 10, 20, 50]
    bar = axis.figure.colorbar(image, ax=axis, ticks=ticks, label="nats")
    bar.ax.yaxis.set_major_formatter("{x:g}")
    bar.ax.set_yticks([], minor=True)


def main():
    """Fit all four, print the divergences, draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--output", default="adversarial_vs_likelihood.png")
    options = parser.parse_args()
    began = time.process_time()
    seed, epochs = options.seed, options.epochs
    keras.utils.set_random_seed(seed)
    generator = np.random.default_rng(seed)
    mode = generator.choice(len(WEIGHTS), 50 * BATCH_SIZE, p=WEIGHTS)
    x = generator.normal(MEANS[mode], SDS[mode])[:, None].astype("float32")
    p = (WEIGHTS * gaussian(GRID[:, None], MEANS, SDS)).sum(-1)

    path = adversarial_gaussian(x, epochs, seed)
    simple = {
        "likelihood": most_likely(x, 2),
        "adversary": gaussian(GRID, *path[-1]),
    }
    rich = {
        "likelihood, four moments": most_likely(x, 4),
        "adversary, perceptron": adversarial_perceptron(x, 3 * epochs, seed),
    }
    print(f"{'':<36}{'KL(data || model)':>18}{'KL(model || data)':>18}")
    for start, models in (("one Gaussian, ", simple), ("", rich)):
        for name, q in models.items():
            there, back = divergence(p, q), divergence(q, p)
            print(f"{start + name:<36}{there:18.3f}{back:18.3f}")

    figure, axes = plt.subplots(2, 2, figsize=(12.5, 9), layout="constrained")
    draw_densities(axes[0, 0], "A model too simple: one Gaussian", p, simple)
    draw_densities(axes[1, 0], "Models that can hold both modes", p, rich)
    draw_landscape(
        axes[0, 1],
        "KL(data || model) of a Gaussian: likelihood's choice",
        lambda *at: divergence(p, gaussian(GRID, *at)),
        path,
    )
    draw_landscape(
        axes[1, 1],
        "KL(model || data) of a Gaussian: the adversary's choice",
        lambda *at: divergence(gaussian(GRID, *at), p),
        path,
    )
    axes[0, 1].legend(loc="upper right", fontsize=9)
    figure.savefig(options.output, dpi=90)
    print(f"{time.process_time() - began:.0f} CPU s; see {options.output}")


if __name__ == "__main__":
    main()
