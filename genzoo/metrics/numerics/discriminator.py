"""A small network that tells two samples apart, trained until it is best.

Many are trained for one estimate, so that an epoch is one call of a graph that
is traced once for all of them.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf


class Discriminator(NamedTuple):
    """Log-ratio of the densities of x and y, as a function.

    Attributes:
        mean: (d,), subtracted from the inputs.
        scale: (d,), which they are divided by.
        weights: kernel and bias of each layer in turn.
        offset: subtracted from the output: log of the ratio of the numbers
            of rows that it was trained on.
    """

    mean: np.ndarray
    scale: np.ndarray
    weights: list[np.ndarray]
    offset: float

    def __call__(self, rows: np.ndarray) -> np.ndarray:
        """log p_x / p_y in nats for rows (n, d), float64 of shape (n,)."""
        logits = [
            _logits(self.weights, self.standardised(rows[first : first + 4096]))
            for first in range(0, len(rows), 4096)
        ]
        return np.concatenate(logits).astype(np.float64) - self.offset

    def standardised(self, rows: np.ndarray) -> np.ndarray:
        """The inputs of the network."""
        return ((rows - self.mean) / self.scale).astype(np.float32)


def fit_discriminator(
    x: np.ndarray,
    y: np.ndarray,
    generator: np.random.Generator,
    hidden: Sequence[int] = (64, 64),
    epochs: int = 100,
    patience: int = 20,
    batch_size: int = 256,
    learning_rate: float = 3e-3,
) -> Discriminator:
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
    offset = float(np.log(len(x) / len(y)))
    weights = _initial(rows.shape[1], hidden, generator)
    weights[-1][:] = offset
    network = Discriminator(
        rows.mean(axis=0), np.where(scale > 0, scale, 1.0), weights, offset
    )
    rows = network.standardised(rows)
    order = generator.permutation(len(rows))
    held, order = np.split(order, [max(1, len(rows) // 5)])

    rows, labels = tf.constant(rows), tf.constant(labels)
    weights = [tf.constant(weight) for weight in weights]
    zeros = [tf.zeros_like(weight) for weight in weights]
    state = weights, weights, zeros, zeros, tf.constant(0.0)
    steps = max(1, len(order) // batch_size)
    # Weights are averaged over ten epochs.
    share = np.float32(min(1.0, 0.1 / steps))
    best, best_loss, waited = weights, np.inf, 0
    for epoch in range(epochs):
        rate = learning_rate * (0.01 + 0.99 * _cosine(epoch / epochs))
        generator.shuffle(order)
        batches = order[: steps * (len(order) // steps)].reshape(steps, -1)
        state = _train_epoch(
            state, rows, labels, batches, np.float32(rate), share
        )
        average = state[1]
        loss = float(
            _loss(average, tf.gather(rows, held), tf.gather(labels, held))
        )
        if loss < best_loss:
            best, best_loss, waited = average, loss, 0
        else:
            waited += 1
            if waited >= patience:
                break
    return network._replace(weights=[weight.numpy() for weight in best])


def _cosine(time):
    return (1 + np.cos(np.pi * time)) / 2


def _initial(width, hidden, generator):
    sizes = [width, *hidden, 1]
    weights = []
    for before, after in zip(sizes[:-1], sizes[1:], strict=True):
        kernel = generator.standard_normal((before, after), np.float32)
        gain = 0.01 if after == 1 else np.sqrt(2.0 / before)
        weights += [kernel * np.float32(gain), np.zeros(after, np.float32)]
    return weights


@tf.function(reduce_retracing=True, autograph=False)
def _logits(weights, rows):
    *below, kernel, bias = weights
    for inner, shift in zip(below[::2], below[1::2], strict=True):
        rows = tf.nn.silu(tf.matmul(rows, inner) + shift)
    return tf.squeeze(tf.matmul(rows, kernel) + bias, axis=1)


@tf.function(reduce_retracing=True, autograph=False)
def _loss(weights, rows, labels):
    return tf.reduce_mean(
        tf.nn.sigmoid_cross_entropy_with_logits(labels, _logits(weights, rows))
    )


@tf.function(reduce_retracing=True, autograph=False)
def _train_epoch(state, rows, labels, batches, rate, share):
    """One step of Adam for each row of `batches`, numbers of rows."""

    def step(number, weights, average, moments, squares, done):
        batch = batches[number]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            loss = _loss(
                weights, tf.gather(rows, batch), tf.gather(labels, batch)
            )
        gradients = tape.gradient(loss, weights)
        done += 1
        factor = rate * tf.sqrt(1 - 0.999**done) / (1 - 0.9**done)
        # Over all steps while these are few.
        part = tf.maximum(share, 1 / done)
        moved, means, firsts, seconds = [], [], [], []
        for weight, mean, gradient, first, second in zip(
            weights, average, gradients, moments, squares, strict=True
        ):
            first += 0.1 * (gradient - first)
            second += 0.001 * (gradient * gradient - second)
            decay = 0.01 * rate if weight.shape.rank == 2 else 0.0
            weight = weight * (1 - decay)
            weight -= factor * first / (tf.sqrt(second) + 1e-7)
            moved.append(weight)
            means.append(mean + part * (weight - mean))
            firsts.append(first)
            seconds.append(second)
        return number + 1, moved, means, firsts, seconds, done

    return tf.while_loop(
        lambda number, *_: number < tf.shape(batches)[0],
        step,
        (tf.constant(0), *state),
        parallel_iterations=1,
    )[1:]
