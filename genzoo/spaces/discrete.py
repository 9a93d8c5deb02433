"""Discrete sites: binary, spin, and any finite list of numbers."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import data, random
from genzoo.spaces.hints import listed
from genzoo.spaces.space import Space
from genzoo.types import Array, ArrayLike


class _Levels(Space):
    """Sites that all have the same levels, the array `values`."""

    arguments: ClassVar[checks.Arguments] = {"shape": checks.event_shape}

    def __init__(self, shape, values):
        where = f"{type(self).__name__}: shape"
        width = int(np.prod(checks.event_shape(shape, where)))
        self.values = values
        super().__init__(shape, [values] * width, values.min(), values.max())


@keras.saving.register_keras_serializable("genzoo.spaces")
class Binary(_Levels):
    """Sites in {0, 1}.

    Args:
        shape: number of sites, or the shape of one example.

    Example:
    >>> space = genzoo.spaces.Binary(64)
    >>> bool(space.outside(x_train))
    False
    >>> genzoo.spaces.Binary(3).states().shape
    (8, 3)
    """

    hint = "Binarise it, for example x > x.max() / 2."

    def __init__(self, shape: int | tuple[int, ...]):
        super().__init__(shape, np.array([0.0, 1.0]))

    @property
    def description(self) -> str:
        """In words."""
        return "0 and 1"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"shape": list(self.event_shape)}


@keras.saving.register_keras_serializable("genzoo.spaces")
class Spin(_Levels):
    """Ising spins, sites in {-1, +1}.

    Args:
        shape: number of spins, or the shape of one example.

    Example:
    >>> space = genzoo.spaces.Spin((8, 8))
    >>> bool(space.outside(2.0 * x_train - 1))
    False
    """

    hint = "From 0 and 1, take 2.0 * x - 1."

    def __init__(self, shape: int | tuple[int, ...]):
        super().__init__(shape, np.array([-1.0, 1.0]))

    @property
    def description(self) -> str:
        """In words."""
        return "-1 and +1"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"shape": list(self.event_shape)}


@keras.saving.register_keras_serializable("genzoo.spaces")
class Categorical(_Levels):
    """Sites that take one of finitely many numbers, such as a die's.

    Args:
        values: the numbers, all different.
        shape: number of sites, or the shape of one example.

    Raises:
        ValueError: if the values are not distinct finite numbers.

    Example:
    >>> die = genzoo.spaces.Categorical([1, 2, 3, 4, 5, 6])
    >>> die.states().ravel().tolist()
    [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    """

    arguments: ClassVar[checks.Arguments] = {
        "values": checks.number_list(
            "a list of numbers, two or more different finite ones",
            hint="Number the classes: range(len(classes)).",
        ),
        **_Levels.arguments,
    }

    def __init__(
        self, values: Iterable[float], shape: int | tuple[int, ...] = 1
    ):
        (values,) = checks.arguments(self, values=values)
        super().__init__(shape, np.array(values))

    @property
    def description(self) -> str:
        """In words."""
        return f"values from {listed(self.values)}"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            "values": self.values.tolist(),
            "shape": list(self.event_shape),
        }


@keras.saving.register_keras_serializable("genzoo.spaces")
class OneHot(Space):
    """Groups of 0 and 1 with a single 1 in each: categories, one-hot.

    Args:
        shape: number of groups, whose states then stand in a row, or the
            shape in which they are arranged: one example is (*shape, states).
        states: the length of a group, at least 2.

    Raises:
        ValueError: if `states` is not an int above 1.

    Example:
    >>> space = genzoo.spaces.OneHot(2, states=3)
    >>> space.event_shape, space.state_count
    ((6,), 9)
    """

    hint = "From labels 0, 1, ... make them by Categorical units' one_hot."
    is_product = False

    arguments: ClassVar[checks.Arguments] = {
        "shape": checks.size_or_shape,
        "states": checks.whole(2),
    }

    def __init__(self, shape: int | tuple[int, ...], states: int):
        (self.n_states,) = checks.arguments(self, states=states)
        self.is_flat = not isinstance(shape, (tuple, list))
        self.groups = checks.event_shape(shape, "OneHot: shape")
        event = (*self.groups, self.n_states)
        # Before there is a list of so many sites.
        checks.event_shape(event, "OneHot: (*shape, states)")
        width = int(np.prod(event))
        bits = np.array([0.0, 1.0])
        super().__init__(
            width if self.is_flat else event, [bits] * width, 0.0, 1.0
        )

    @property
    def description(self) -> str:
        """In words."""
        count = self.width // self.n_states
        return f"{count} one-hot groups of {self.n_states}"

    @property
    def state_count(self) -> int:
        """The number of joint states."""
        return self.n_states ** (self.width // self.n_states)

    def are_labels(self, shape: Sequence[int]) -> bool:
        """Whether an array of this shape holds labels, not groups.

        Those of one group may come without an axis.
        """
        sites = tuple(shape[1:])
        return len(shape) > 0 and (
            sites == self.groups or (self.groups == (1,) and not sites)
        )

    def of_labels(self, where: str, labels: ArrayLike) -> Array:
        """Examples from labels, whole numbers from 0 to states - 1; uint8.

        Args:
            where: who asks, for messages.
            labels: array of shape (n, *shape).

        Raises:
            ValueError: for labels of another shape, or others than these.
        """
        given, most = labels, self.n_states - 1
        how = (
            "Number the states from 0, for example by "
            "np.unique(column, return_inverse=True)[1]."
        )
        try:
            labels = np.asarray(data.as_array(labels))
        except ValueError:
            held = getattr(given, "dtype", type(given).__name__)
            raise ValueError(
                f"{where} must be whole numbers from 0 to {most}; received "
                f"{held}, which is not of numbers. {how}"
            ) from None
        if not self.are_labels(labels.shape):
            expected = ", ".join(["n", *map(str, self.groups)])
            raise ValueError(
                f"{where} must have shape ({expected}); received "
                f"{labels.shape}."
            )
        wrong = ~np.isin(labels, np.arange(self.n_states))
        if wrong.any():
            raise ValueError(
                f"{where} must be whole numbers from 0 to {most}; found "
                f"{np.unique(labels[wrong])[:4].tolist()}. {how}"
            )
        hot = np.eye(self.n_states, dtype=np.uint8)[labels.astype(np.int64)]
        return hot.reshape(-1, *self.event_shape)

    def contains(self, states: Array | tf.Tensor) -> tf.Tensor:
        """For each state whether all groups are one-hot, boolean (batch,)."""
        shape = -1, self.width // self.n_states, self.n_states
        inside = super().contains(states)
        if isinstance(states, np.ndarray):
            is_one = (states == 1).view(np.uint8).reshape(shape)
            # The quickest sum over a short axis; bytes hold the number.
            most = np.uint8 if self.n_states < 256 else np.int64
            ones = np.einsum("bgk->bg", is_one, dtype=most, casting="unsafe")
            return inside & (ones == 1).all(axis=-1)
        groups = ops.reshape(states, shape)
        ones = ops.sum(ops.cast(groups == 1, "int32"), axis=-1)
        return ops.logical_and(inside, ops.all(ones == 1, axis=-1))

    def why_no_grid(self) -> str | None:
        """It is no product of sites."""
        return (
            "the sites of a group depend on each other. For sums over states "
            "take Categorical(range(states), shape)."
        )

    def start(self, n: int, seed: random.Seed) -> tf.Tensor:
        """n states drawn evenly, (n, width), float32."""
        count = self.width // self.n_states
        share = random.uniform((n, count), seed)
        number = ops.cast(share * self.n_states, "int32")
        hot = ops.one_hot(number, self.n_states, dtype="float32")
        return ops.reshape(hot, (-1, self.width))

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        shape = self.groups[0] if self.is_flat else list(self.groups)
        return {"shape": shape, "states": self.n_states}
