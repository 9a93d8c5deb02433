"""The lower half of MNIST images, given the upper half.

Nats of the lower half by `log_prob(x)` less `log_prob(x, mask)`, beside those
of independent pixels and of nearest neighbours, and a picture of completions.

    python -m benchmarks.rbm.completion
"""

import numpy as np

from benchmarks import common
from recipes import cards, sources

PRESETS = ("rbm_mnist_500", "rbm_mnist_500_stochastic")
IMAGES, CHAINS, TEMPERATURES, NEIGHBOURS = 100, 32, 1000, 30


def neighbours(x, test, mask):
    """Nats by the pixels of the nearest training images, rather smooth."""
    total = []
    for image in test:
        apart = np.count_nonzero(x[:, mask] != image[mask], axis=1)
        nearest = np.argsort(apart, kind="stable")[:NEIGHBOURS]
        share = (x[nearest][:, ~mask].sum(axis=0) + 0.5) / (NEIGHBOURS + 1)
        total.append(nats(share, image[~mask]))
    return total


def nats(share, bits):
    return float(np.log(np.where(bits, share, 1 - share)).sum())


def rows(found):
    def said(name):
        return f"{found[name]['mean']:.1f} +- {found[name]['stderr']:.1f}"

    ours = ", ".join(f"`{name}` {said(name)}" for name in PRESETS)
    beside = ", ".join(
        f"{name} {said(name)}"
        for name in ("independent pixels", "30 nearest neighbours")
    )
    what = f"lower half of {IMAGES} MNIST images given the upper, nats"
    return [common.row(what, ours, beside)]


def main():
    common.options(__doc__)
    import genzoo as gz

    x, test = sources.mnist()
    rng = np.random.default_rng(0)
    test = test[rng.choice(len(test), IMAGES, replace=False)]
    mask = np.arange(784) < 392
    share = (x.sum(axis=0) + 0.5) / (len(x) + 1)
    scores = {
        "independent pixels": [nats(share[~mask], v[~mask]) for v in test],
        "30 nearest neighbours": neighbours(x, test, mask),
    }
    pictures = [test[:10], np.where(mask, test[:10], 0)]
    for name in PRESETS:
        rbm = gz.from_preset(name)
        upper = rbm.log_marginal(
            test, mask, chains=CHAINS, temperatures=TEMPERATURES
        )
        scores[name] = rbm.log_prob(test) - upper.value
        print(name, "error of one", upper.stderr.mean())
        for seed in range(2):
            pictures.append(
                rbm.sample(10, seed=seed, given=test[:10], mask=mask)
            )
    found = {
        name: {
            "mean": float(np.mean(own)),
            "stderr": float(np.std(own, ddof=1) / np.sqrt(len(own))),
        }
        for name, own in scores.items()
    }
    print(found)
    images = np.concatenate(pictures).reshape(-1, 28, 28)
    path = sources.ROOT / "examples" / "completion.png"
    cards.grid(path, images, rows=len(pictures), scale=2)
    common.save(__file__, found, rows)


if __name__ == "__main__":
    main()
