"""Whether D still judges: equilibrium told from death, once an epoch."""

import warnings
from collections.abc import Callable, Iterable
from typing import Self

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.common.given import Given
from genzoo.models.gan import game
from genzoo.models.gan.conditions import parts_of
from genzoo.models.gan.game import Condition, Critic, Source
from genzoo.models.gan.networks import given_to
from genzoo.models.gan.parts import packed
from genzoo.runtime import batch, data, distribute, looks, random
from genzoo.runtime.graph import Graph
from genzoo.types import Array

LOGS = ("logit_spread", "dead_units", "sample_gradient")
_ROWS = 512
# Epochs whose looks are not worth a trace.
_EAGERLY = 10
# Numbers of all examples that are kept to look at.
_NUMBERS = 2**20
_FLAT = 0.1
# Of a rank test, in its deviations under the null hypothesis.
_TOLD = 3.0
# A unit whose values have this range does not vary.
_NEVER = 1e-6
# Deviations of the test's statistic under its null distribution.
_DIFFERENT = 6.0
_PERMUTATIONS = 64
# Epochs of a fit after which samples should be everywhere; the share of the
# data that is no matter of chance; and what is far: so many times as far as
# the data's neighbours of this order, and so many standard deviations.
_ENOUGH, _LOST, _TIMES, _ORDER, _FAR = 10, 0.05, 3.0, 5, 0.5
# Or the share that lies so many times as far out as any sample.
_OUTSIDE, _OUT = 0.02, 1.5
# Callbacks that choose an epoch.
_CHOOSERS = (
    keras.callbacks.EarlyStopping,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.ReduceLROnPlateau,
)
# Numbers that a network without units takes badly.
_LARGE = 30.0
_RECTIFIERS = (
    keras.layers.ReLU,
    keras.layers.LeakyReLU,
    keras.layers.PReLU,
    keras.layers.ELU,
)


class Health(keras.callbacks.Callback):
    """Looks at D once an epoch, and warns of one that no longer judges.

    A discriminator that gives one logit to all examples is what a game ends
    in when nothing is left to tell, and what remains of one whose units died.
    Here samples tell which it is. At the end of a fit that was not short it
    warns of data that no sample comes near: D may know of them and G, which
    learns at its samples alone, may not.

    Logs: `logit_spread`, the standard deviation of D's logits over data and
    samples; `dead_units`, the share of D's units that do not vary over them;
    `sample_gradient`, the root mean square of D's gradient at samples, in the
    data's units: what G learns from.

    Args:
        critic: D.
        source: of the samples.
        x: examples of the data, (rows, *event_shape).
        condition: their conditions, a tuple of arrays.
    """

    def __init__(
        self, critic: Critic, source: Source, x: Array, condition: Condition
    ):
        super().__init__()
        self._critic, self._source = critic, source
        self._x = tf.constant(x, tf.float32)
        self._condition = [tf.constant(part) for part in condition]
        self._units = _units(critic.discriminator)
        self._traced: Graph | None = None
        self._flat = self._epochs = 0
        self._has_warned = False
        self._fake: tf.Tensor | None = None

    @classmethod
    def of(cls, critic: Critic, source: Source, given: Given) -> Self | None:
        """Of some of the examples of `fit`; None if replicas share them."""
        if distribute.is_shared_out(given.x):
            return None
        x, condition = _some(given, critic.packing)
        if source.clusters is not None:
            condition = (source.clusters.nearest(x),)
        return cls(critic, source, x, condition)

    def warn_of_units(self, bare: Callable[[Array], list[Array]]) -> None:
        """Warn of columns that no network standardizes, if they need it.

        Args:
            bare: function of examples to the arrays of them that are not.
        """
        found = [
            np.reshape(part, (-1, part.shape[-1])).astype("float64")
            for part in bare(np.asarray(self._x))
        ]
        if not found:
            return
        spread = np.concatenate([columns.std(axis=0) for columns in found])
        spread = spread[spread > 0]
        largest = max(np.abs(columns).max() for columns in found)
        largest = max(largest, spread.max(initial=0.0))
        smallest = spread.min(initial=np.inf)
        if largest < _LARGE and smallest > 1 / _LARGE:
            return
        warnings.warn(
            f"GAN.fit: standard deviations of columns are {smallest:.3g} to "
            f"{spread.max(initial=0.0):.3g}, the largest number {largest:.3g}; "
            "the networks learn of numbers of about 1. Begin the "
            "discriminator with genzoo.layers.Standardization() and end the "
            "generator with Standardization(inverse=True): fit adapts them.",
            stacklevel=2,
        )

    def _found(self, x, fake):
        critic, told = self._critic, list(self._condition)
        told = [part[: x.shape[0] // critic.packing] for part in told]
        if critic.packing > 1:
            x, fake = (packed(each, critic.packing) for each in (x, fake))
        with tf.GradientTape() as tape:
            tape.watch(fake)
            of_fake = critic(fake, told, training=False)
        slope = tape.gradient(of_fake, fake)
        of_data = critic(x, told, training=False)
        spread = tf.math.reduce_std(tf.concat([of_data, of_fake], axis=0))
        size = tf.zeros(())
        if slope is not None:
            squares = tf.reduce_sum(
                tf.square(slope), axis=list(range(1, len(slope.shape)))
            )
            size = tf.sqrt(tf.reduce_mean(squares))
        ranges = []
        if self._units is not None:
            both = [tf.concat([part, part], axis=0) for part in told]
            x = tf.concat([x, fake], axis=0)
            inputs = given_to(self._units, critic.inputs(x, both))
            of_units = self._units(inputs, training=False)
            for found in tf.nest.flatten(of_units):
                found = tf.cast(found, tf.float32)
                rows = tf.reshape(found, (-1, found.shape[-1]))
                ranges.append(tf.reduce_max(rows, 0) - tf.reduce_min(rows, 0))
        return spread, size, ranges, tells(of_data, of_fake)

    def _look(self, key):
        rows = tf.constant(len(self._x))
        seed = random.as_seed(key)
        fake = self._source.fakes(rows, self._condition, seed)
        return fake, *self._found(self._x, fake)

    def _in_graph(self):
        if self._traced is None:
            key = tf.TensorSpec((2,), tf.int64)
            self._traced = Graph(self._look, key)
        return self._traced

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Put what is found into the logs."""
        # By the epoch, so that a run that resumes looks as one that goes on.
        look = self._look if epoch < _EAGERLY else self._in_graph()
        found = look(random.as_seed(epoch).key)
        fake, spread, gradient, ranges, told = found
        dead = [np.asarray(part) <= _NEVER for part in ranges]
        share = float(np.concatenate(dead).mean()) if dead else 0.0
        shown = float(spread), share, float(gradient)
        if logs is not None:
            logs.update(zip(LOGS, shown, strict=True))
        self._fake, self._epochs = fake, self._epochs + 1
        is_flat = shown[0] < _FLAT and not told and differs(self._x, fake)
        self._flat = self._flat + 1 if is_flat else 0
        if self._flat == 2 and not self._has_warned:
            self._has_warned = True
            warnings.warn(
                "GAN.fit: the discriminator gives nearly one logit to all "
                f"examples (logit_spread {shown[0]:.2g}, dead_units "
                f"{shown[1]:.2g}), and yet samples differ from data. Losses "
                "and accuracy look like an equilibrium and are none. Give it "
                "LeakyReLU units, a smaller or falling learning rate, weaker "
                "penalties, or begin it with "
                "genzoo.layers.Standardization().",
                stacklevel=2,
            )

    def on_train_end(self, logs: dict | None = None) -> None:
        """Warn of data that samples never come near."""
        if self._fake is None or self._epochs < _ENOUGH:
            return
        share, out = lost(self._x, self._fake), outside(self._x, self._fake)
        if share < _LOST and out < _OUTSIDE:
            return
        share = max(share, out)
        warnings.warn(
            f"GAN.fit: no sample comes near {share:.0%} of the data, though "
            "losses and scores may look like an equilibrium. Train longer; of "
            "data in groups far from each other tell it labels, or let it find "
            "them, GAN(*genzoo.networks.mlp(..., classes=4), self_conditioned="
            "True). callbacks.CollapseMonitor shows when it was lost.",
            stacklevel=2,
        )


def tells(of_data: tf.Tensor, of_fake: tf.Tensor) -> tf.Tensor:
    """Whether logits, however near to each other, tell data from samples.

    By the rank test of Mann and Whitney, where equal logits count half.
    """
    data, fake = (
        tf.reduce_mean(tf.reshape(part, (tf.shape(part)[0], -1)), axis=1)
        for part in (of_data, of_fake)
    )
    above = tf.reduce_mean(0.5 + 0.5 * tf.sign(data[:, None] - fake))
    n, m = (tf.cast(tf.size(part), above.dtype) for part in (data, fake))
    stderr = tf.sqrt((n + m + 1) / (12 * n * m))
    return tf.abs(above - 0.5) > _TOLD * stderr


def lost(x: Array, y: Array) -> float:
    """The share of rows of x that are far from all of y.

    Far is three times as far as the fifth neighbour among x, and half a
    standard deviation in each column.
    """
    x, y = _scaled(x, y)
    order = min(_ORDER, len(x) - 1)
    if not x.size or order < 1:
        return 0.0
    of_data = np.sqrt(np.sort(_squares(x, x), axis=1)[:, order])
    nearest = np.sqrt(_squares(x, y).min(axis=1))
    least = _FAR * np.sqrt(x.shape[1])
    return float(np.mean(nearest > np.maximum(_TIMES * of_data, least)))


def outside(x: Array, y: Array) -> float:
    """The share of rows of x that are 1.5 times as far out as all of y.

    From the mean of x, in its deviations. Rare rows that are far from each
    other, too, are not `lost`.
    """
    x, y = (np.linalg.norm(part, axis=1) for part in _scaled(x, y))
    return float(np.mean(x > _OUT * y.max()))


def _scaled(x, y):
    """Both in the units of x, columns that vary."""
    x, y = (
        np.reshape(part, (len(part), -1)).astype("float64") for part in (x, y)
    )
    middle, scale = x.mean(axis=0), x.std(axis=0)
    varies = scale > _NEVER * np.abs(x).max(axis=0)
    return (
        (part[:, varies] - middle[varies]) / scale[varies] for part in (x, y)
    )


def _squares(x, y):
    """Squared distances of rows, (len(x), len(y))."""
    squares = np.square(x).sum(axis=1)[:, None] + np.square(y).sum(axis=1)
    return np.maximum(squares - 2 * x @ y.T, 0.0)


def differs(x: Array, y: Array, seed: int = 0) -> bool:
    """Whether two sets of examples are surely not of one law.

    By the energy distance of columns of unit deviation, against that of the
    same examples shared out at random.

    Reference:
        Szekely and Rizzo, "Energy statistics", 2013.
    """
    x, y = (np.reshape(part, (len(part), -1)) for part in (x, y))
    both = np.concatenate([x, y]).astype("float64")
    own = both[: len(x)]
    scale = own.std(axis=0)
    varies = scale > _NEVER * np.abs(own).max(axis=0)
    both = both[:, varies] / scale[varies]
    distances = np.sqrt(_squares(both, both))
    sign = np.repeat([1.0 / len(x), -1.0 / len(y)], [len(x), len(y)])
    shuffle = np.random.default_rng(seed).permutation
    signs = np.stack([sign, *(shuffle(sign) for _ in range(_PERMUTATIONS))])
    found, *null = -np.sum(signs @ distances * signs, axis=1)
    return bool(found > np.mean(null) + _DIFFERENT * np.std(null))


def _units(network):
    """A model of what D's units give, or None where that is not known."""
    try:
        outputs = [
            layer.output
            for layer in network.layers
            if _is_nonlinear(layer) and len(layer.output.shape) > 1
        ]
        return keras.Model(network.inputs, outputs) if outputs else None
    except (AttributeError, ValueError):
        return None


def _is_nonlinear(layer):
    if isinstance(layer, _RECTIFIERS):
        return True
    name = getattr(getattr(layer, "activation", None), "__name__", "linear")
    return name != "linear"


def _some(given, packing):
    """(examples, conditions) to look at, whole packs of them."""
    x, told = given.x, list(parts_of(given.y))
    if data.is_array(x):
        most = max(min(_ROWS, _NUMBERS // max(x[0].size, 1), len(x)), 1)
        step = len(x) // most
        chosen = slice(None, most * step, step)
        x, told = x[chosen], [part[chosen] for part in told]
    else:
        first = next(looks.first_batches(x, 1))
        x, y, _ = keras.utils.unpack_x_y_sample_weight(first)
        told = list(parts_of(y))
        x = np.asarray(batch.examples(batch.unpacked(x)))
    rows = len(x) // packing * packing
    return x[:rows], tuple(np.asarray(part)[:rows] for part in told)


def warn_of_monitors(
    where: str, callbacks: Iterable[keras.callbacks.Callback]
) -> None:
    """Warn of callbacks that choose an epoch by what one player pays.

    The loss of D is least where it tells samples from data best, so that the
    worst generator would be kept, and that of G tells how D fares, too.
    """
    names = {f"{held}{name}" for name in game.LOGS for held in ("", "val_")}
    for callback in callbacks:
        is_chooser = isinstance(callback, _CHOOSERS)
        saves_all = not getattr(callback, "save_best_only", True)
        if not is_chooser or saves_all or callback.monitor not in names:
            continue
        warnings.warn(
            f"{where}: {type(callback).__name__} watches "
            f"{callback.monitor!r}, which says who is ahead, D or G, and not "
            "how good samples are: the loss of D is least where it tells them "
            "from data best. Watch a metric of samples, such as "
            "'val_frechet_distance' of compile(metrics=[genzoo.metrics."
            "FrechetDistance()]), with mode='min'; or stop by "
            "genzoo.callbacks.Equilibrium.",
            stacklevel=4,
        )
