"""What a GAN is told of each example: labels, vectors, images, or nothing."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.common import sample_weights
from genzoo.runtime import batch, data, distribute, random
from genzoo.spaces import Space
from genzoo.types import Array, ArrayLike

# Of a sequence that fills [0, 1) evenly.
_GOLDEN = (5**0.5 - 1) / 2
UNKNOWN = "genzoo: conditions that the model does not take"


class Unconditional:
    """Nothing is told: the face of `Conditions`, without any.

    Args:
        hint: how a model that is told something is made.

    Attributes:
        shape: None, there are no conditions.
        classes: None, there are no classes.
    """

    description = "no conditions"
    shape = None
    classes = None

    def __init__(
        self, hint: str = "Build it of networks with classes= or condition=."
    ):
        self.hint = hint

    def check(
        self,
        where: str,
        y: Any,
        rows: int | None = None,
        name: str = "labels",
        learns: bool = False,
    ) -> None:
        """None.

        Raises:
            ValueError: if conditions are given.
        """
        if y is not None:
            raise ValueError(
                f"{where}: {name} were given, but the model is not "
                f"conditional. {self.hint}"
            )

    def filled(self, condition: tuple, seed: random.Seed) -> tuple:
        """As it is."""
        return condition

    def given(self, where: str, labels: Any, conditions: Any) -> None:
        """None.

        Raises:
            ValueError: if one of the two is given.
        """
        self.check(where, labels)
        self.check(where, conditions, name="conditions")

    def asked(
        self,
        where: str,
        n: int,
        labels: Any,
        conditions: Any,
        seen: "Seen | None" = None,
    ) -> None:
        """None, as `given`."""
        self.given(where, labels, conditions)

    def check_dataset(
        self, where: str, dataset: tf.data.Dataset, space: Space
    ) -> tf.data.Dataset:
        """It must give x alone, or (x, weight)."""
        return sample_weights.check_dataset(where, dataset, space, signed=True)

    def spec(self) -> list[tf.TensorSpec]:
        """No arguments of graphs."""
        return []


class Conditions:
    """Labels 0 to classes - 1, or arrays of one shape.

    Args:
        shape: of one condition, () for labels.
        classes: number of classes; None for vectors and images.
        may_miss: whether the model learns from examples without a label too,
            -1 in its place.
        key: the name of the generator's input.
    """

    def __init__(
        self,
        shape: tuple[int, ...],
        classes: int | None = None,
        may_miss: bool = False,
        key: str = "part_1",
    ):
        self.shape = shape
        self.classes = classes
        self.may_miss = may_miss
        self.key = key
        self.name = "labels" if classes else "conditions"
        self.dtype = tf.int32 if classes else tf.float32

    @property
    def description(self) -> str:
        """What the model takes, in words."""
        if self.classes:
            return f"labels 0 to {self.classes - 1}, shape (n,)"
        return f"conditions, shape (n, {', '.join(map(str, self.shape))})"

    def given(self, where: str, labels: Any, conditions: Any) -> Any:
        """The one of two arguments that the model takes, or None.

        Raises:
            ValueError: if the other one is given.
        """
        own, other = labels, conditions
        if not self.classes:
            own, other = conditions, labels
        if other is not None:
            wrong = "conditions" if self.classes else "labels"
            raise ValueError(
                f"{where}: {wrong} were given, but the model takes "
                f"{self.description}. Pass {self.name}=."
            )
        return own

    def asked(
        self,
        where: str,
        n: int,
        labels: Any,
        conditions: Any,
        seen: "Seen | None" = None,
    ) -> Array:
        """n conditions: those given, one for all, or classes as seen.

        Raises:
            ValueError: as `given` and `check` do.
        """
        y = self.given(where, labels, conditions)
        if y is None and self.classes:
            y = np.arange(n) % self.classes if seen is None else seen.labels(n)
        return self.check(where, self.of_all(y, n), n)

    def of_all(self, y: Any, n: int) -> Any:
        """y, n times if it is one condition."""
        y = self._alone(y)
        if y is not None and np.shape(y) == self.shape:
            return np.broadcast_to(np.asarray(y), (n, *self.shape))
        return y

    def _alone(self, y):
        """y, also where it is the only entry of a dict."""
        is_entry = isinstance(y, Mapping) and set(y) == {self.key}
        return y[self.key] if is_entry else y

    def filled(
        self, condition: tuple[tf.Tensor, ...], seed: random.Seed
    ) -> tuple[tf.Tensor, ...]:
        """With classes drawn at random where there is no label."""
        if not self.may_miss or not condition:
            return condition
        (labels,) = condition
        drawn = random.uniform((tf.shape(labels)[0],), seed) * self.classes
        return (tf.where(labels < 0, tf.cast(drawn, labels.dtype), labels),)

    def check(
        self,
        where: str,
        y: ArrayLike,
        rows: int | None = None,
        learns: bool = False,
    ) -> Array:
        """Conditions as an array, int32 or float32.

        Args:
            where: who asks, for messages.
            y: conditions, shape (n, *shape), or (n, 1) for labels.
            rows: how many there must be; None takes any number.
            learns: whether labels may be missing, if the model allows that.

        Raises:
            ValueError: if they are missing, of another shape or number, no
                classes or not finite.
        """
        if y is None:
            raise ValueError(
                f"{where}: the model is conditional; pass {self.description}."
            )
        try:
            y = data.as_array(self._alone(y))
        except ValueError:
            raise ValueError(
                f"{where}: {self.name} must be numbers, {self.description}."
            ) from None
        if self.classes and y.ndim == 2 and y.shape[1] == 1:
            y = y[:, 0]
        takes = f"{where}: the model takes {self.description}"
        if y.ndim == 0 or y.shape[1:] != self.shape:
            hint = ""
            if self.classes and y.shape[1:] == (self.classes,):
                hint = " From one-hot ones take y.argmax(axis=1)."
            raise ValueError(f"{takes}; received shape {y.shape}.{hint}")
        if rows is not None and len(y) != rows:
            raise ValueError(
                f"{where}: there are {rows} examples and {len(y)} {self.name}."
            )
        if self.outside(y, learns):
            found = y[~np.isfinite(y)] if y.dtype.kind == "f" else y[:0]
            found = found if found.size else y
            hint = ""
            if self.classes and found.size and found.min() == -1:
                hint = (
                    " Labels that are missing, -1, are for fit and evaluate "
                    "of a discriminator that classifies: "
                    "conditioning='auxiliary'."
                )
            raise ValueError(
                f"{takes}; received values in [{found.min()}, "
                f"{found.max()}].{hint}"
            )
        return y.astype(self.dtype.as_numpy_dtype)

    def outside(self, y: ArrayLike, learns: bool = False) -> tf.Tensor:
        """A boolean scalar: whether any is no class, or not finite."""
        y = tf.cast(self._alone(y), tf.float32)
        inside = tf.math.is_finite(y)
        if self.classes:
            least = -1 if learns and self.may_miss else 0
            inside &= (y >= least) & (y < self.classes) & (y % 1 == 0)
        return tf.logical_not(tf.reduce_all(inside))

    def check_dataset(
        self, where: str, dataset: tf.data.Dataset, space: Space
    ) -> tf.data.Dataset:
        """As `checked_dataset`."""
        return checked_dataset(self, where, dataset, space)

    def as_told(self, y: Any) -> tf.Tensor:
        """Conditions of a batch of a dataset, as the networks take them."""
        y = self._alone(y)
        y = tf.reshape(y, (-1,)) if self.classes else y
        return tf.cast(y, self.dtype)

    def entries(self, found: Mapping, others: list) -> Any:
        """The key of a batch that holds conditions.

        Raises:
            ValueError: in a few words, unless exactly one fits.
        """
        good = [name for name in others if self._holds(found[name])]
        if len(good) != 1:
            raise ValueError(f"{len(good)} of them fit {self.name}")
        return good[0]

    def _holds(self, y):
        try:
            self.check("", y)
        except ValueError:
            return False
        return True

    def spec(self) -> list[tf.TensorSpec]:
        """The argument of graphs: its name is "labels" or "conditions"."""
        return [tf.TensorSpec((None, *self.shape), self.dtype, self.name)]


def checked_dataset(
    conditions: Any, where: str, dataset: tf.data.Dataset, space: Space
) -> tf.data.Dataset:
    """A dataset of (x, y), which raises as soon as a batch is wrong.

    A third part is the weight of each example.

    Args:
        conditions: `Conditions`, or several of them.
        where: who asks, for messages.
        dataset: of batches.
        space: of x.

    Raises:
        ValueError: if it is empty, gives something else, or its first batch
            is wrong.
    """
    if distribute.is_shared_out(dataset):
        return dataset
    first = data.first_batch(where, dataset)
    if isinstance(first, dict):
        taken = _entries(conditions, where, first, space)
        first, dataset = taken(first), data.mapped(dataset, taken)
    if not isinstance(first, tuple) or len(first) not in (2, 3):
        raise ValueError(
            f"{where}: the model is conditional; the dataset must give "
            f"(x, {conditions.name}), or (x, {conditions.name}, "
            "sample_weight)."
        )
    x, y, *weight = first
    space.check(where, x)
    conditions.check(where, y, len(x), learns=True)

    def check(x, y, *weight):
        x = space.with_axis(x)
        outside = {
            data.OUTSIDE: space.outside(x),
            UNKNOWN: conditions.outside(y, learns=True),
        }
        x, y = data.asserted((x, y), outside)
        own = [sample_weights.asserted(w, signed=True) for w in weight]
        return batch.packed(x, *own), conditions.as_told(y)

    return data.mapped(dataset, check, parallel=True)


def _entries(conditions, where, found, space):
    """A function that takes (x, y) out of a dict."""
    key = space.entry(where, found)
    others = [name for name in found if name != key]
    try:
        other = conditions.entries(found, others)
    except ValueError as error:
        raise ValueError(
            f"{where}: the dataset gives a dict with the keys "
            f"{sorted(found)}; beside {key!r} {error}. Take those that are "
            f"meant: dataset.map(lambda d: (d[{key!r}], d[...]))."
        ) from None

    return lambda d: (d[key], tf.nest.map_structure(d.get, other))


def parts_of(y: Any) -> tuple:
    """Checked conditions as a tuple of arrays: none, one or several."""
    if y is None:
        return ()
    return y if isinstance(y, tuple) else (y,)


class Seen(keras.layers.Layer):
    """How often each class was seen in training, a weight.

    Args:
        classes: how many there are.
    """

    def __init__(self, classes: int, **kwargs):
        super().__init__(trainable=False, dtype="float64", **kwargs)
        self.counts = distribute.mirrored_weight(self, "counts", (classes,))
        self.built = True

    def add(self, labels: tf.Tensor) -> None:
        """Count the labels of a batch, over all replicas."""
        one_hot = tf.one_hot(labels, self.counts.shape[0], dtype=tf.float64)
        self.counts.assign_add(distribute.all_sum(tf.reduce_sum(one_hot, 0)))

    def labels(self, n: int) -> Array:
        """n classes by their shares; each in turn if none was seen.

        Each beginning of them has the shares, up to a few.
        """
        counts = self.counts.numpy()
        if not counts.any():
            return np.arange(n) % len(counts)
        places = (np.arange(n) + 0.5) * _GOLDEN % 1
        ends = np.cumsum(counts / counts.sum())
        return np.searchsorted(ends[:-1], places, side="right")
