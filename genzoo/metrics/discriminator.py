"""A small network that tells two samples apart, trained until it is best.

Written in NumPy: such a network is trained in a fraction of the time in which
TensorFlow would trace it, and many are trained for one estimate.
"""

from typing import NamedTuple

import numpy as np


class Discriminator(NamedTuple):
    """Log-ratio of the densities of x and y, as a function.

    Attributes:
        mean: (d,), subtracted from the inputs.
        scale: (d,), which they are divided by.
        layers: list of (kernel, bias).
        offset: subtracted from the output: log of the ratio of the numbers
            of rows that it was trained on.
    """

    mean: np.ndarray
    scale: np.ndarray
    layers: list
    offset: float

    def __call__(self, rows):
        """log p_x / p_y in nats for rows (n, d), float64 of shape (n,)."""
        parts = np.array_split(rows, max(1, len(rows) // 4096))
        logits = [
            _forward(self.layers, self.standardised(part))[0] for part in parts
        ]
        return np.concatenate(logits).astype(np.float64) - self.offset

    def standardised(self, rows):
        """The inputs of the network."""
        return ((rows - self.mean) / self.scale).astype(np.float32)


def fit_discriminator(
    x,
    y,
    generator,
    hidden=(64, 64),
    epochs=100,
    patience=20,
    batch_size=256,
    learning_rate=3e-3,
):
    """Train a classifier of x against y.

    A multilayer perceptron with SiLU units, Adam with a decoupled decay of
    weights, and a cosine decay of the learning rate. A fifth of the rows is
    held out; the weights, averaged over the last steps, that did best on them
    are returned.

    Args:
        x: (n, d).
        y: (m, d).
        generator: `np.random.Generator`, the source of all chance.
        hidden: units of the hidden layers.
        epochs: passes over the rows, at most.
        patience: epochs without a better held-out loss until it stops.
        batch_size: rows of a step.
        learning_rate: of Adam, at the beginning.

    Returns:
        A `Discriminator`, whose output estimates log p_x / p_y.
    """
    rows = np.concatenate([x, y])
    labels = np.repeat([1.0, 0.0], [len(x), len(y)]).astype(np.float32)
    scale = rows.std(axis=0)
    layers = _initial(rows.shape[1], hidden, generator)
    offset = float(np.log(len(x) / len(y)))
    layers[-1][1][:] = offset
    network = Discriminator(
        rows.mean(axis=0), np.where(scale > 0, scale, 1.0), layers, offset
    )
    rows = network.standardised(rows)
    order = generator.permutation(len(rows))
    held, order = np.split(order, [max(1, len(rows) // 5)])

    weights = [weight for layer in layers for weight in layer]
    average = [weight.copy() for weight in weights]
    moments = [np.zeros_like(weight) for weight in weights]
    squares = [np.zeros_like(weight) for weight in weights]
    best, best_loss, waited, step = average, np.inf, 0, 0
    for epoch in range(epochs):
        rate = learning_rate * (0.01 + 0.99 * _cosine(epoch / epochs))
        generator.shuffle(order)
        for batch in np.array_split(order, max(1, len(order) // batch_size)):
            step += 1
            gradients = _gradients(layers, rows[batch], labels[batch])
            factor = rate * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            # The average is over ten epochs, and over all steps at first.
            share = max(1 / step, batch_size / (10 * len(order)))
            share = min(share, 1.0)
            for weight, mean, gradient, moment, square in zip(
                weights, average, gradients, moments, squares, strict=True
            ):
                moment += 0.1 * (gradient - moment)
                square += 0.001 * (gradient * gradient - square)
                weight -= factor * moment / (np.sqrt(square) + 1e-7)
                if weight.ndim == 2:
                    weight *= 1 - 1e-2 * rate
                mean += share * (weight - mean)
        loss = _loss(_pairs(average), rows[held], labels[held])
        if loss < best_loss:
            best, best_loss = [weight.copy() for weight in average], loss
            waited = 0
        else:
            waited += 1
            if waited >= patience:
                break
    return network._replace(layers=_pairs(best))


def _pairs(weights):
    return list(zip(weights[::2], weights[1::2], strict=True))


def _cosine(time):
    return (1 + np.cos(np.pi * time)) / 2


def _initial(width, hidden, generator):
    sizes = [width, *hidden, 1]
    layers = []
    for before, after in zip(sizes[:-1], sizes[1:], strict=True):
        kernel = generator.standard_normal((before, after), np.float32)
        gain = 0.01 if after == 1 else np.sqrt(2.0 / before)
        layers.append((kernel * np.float32(gain), np.zeros(after, np.float32)))
    return layers


def _sigmoid(z):
    return 0.5 + 0.5 * np.tanh(0.5 * z)


def _forward(layers, rows):
    """(logits, what the gradient needs)."""
    kept, active = [], rows
    for kernel, bias in layers[:-1]:
        field = active @ kernel + bias
        gate = _sigmoid(field)
        kept.append((active, field, gate))
        active = field * gate
    kernel, bias = layers[-1]
    return (active @ kernel + bias)[:, 0], (kept, active)


def _gradients(layers, rows, labels):
    """Of the mean cross-entropy, kernel and bias of each layer in turn."""
    logits, (kept, active) = _forward(layers, rows)
    slope = ((_sigmoid(logits) - labels) / len(rows))[:, None]
    gradients = [slope.sum(axis=0), active.T @ slope]
    slope = slope @ layers[-1][0].T
    for (kernel, _), (below, field, gate) in zip(
        reversed(layers[:-1]), reversed(kept), strict=True
    ):
        slope = slope * (gate * (1 + field * (1 - gate)))
        gradients += [slope.sum(axis=0), below.T @ slope]
        slope = slope @ kernel.T
    return gradients[::-1]


def _loss(layers, rows, labels):
    logits, _ = _forward(layers, rows)
    return float(np.mean(np.logaddexp(0, logits) - labels * logits))
