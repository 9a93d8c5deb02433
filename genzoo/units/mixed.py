"""A layer of several kinds of units, side by side."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo import checks
from genzoo.runtime import random
from genzoo.spaces import Product
from genzoo.types import Array, ArrayLike
from genzoo.units.joined import Joined
from genzoo.units.multinomial import Multinomial
from genzoo.units.unit import Unit

_MOST_BLOCKS = 1000


def _is_list(value):
    return isinstance(value, (list, tuple)) and 1 <= len(value) <= _MOST_BLOCKS


def _units(value: Any, where: str) -> list:
    """Units, or in a preset what stands for them."""
    kinds = (Unit, checks.Configuration)
    if not _is_list(value) or not all(isinstance(v, kinds) for v in value):
        checks.refuse(
            value,
            where,
            f"a list of 1 to {_MOST_BLOCKS:,} units",
            "For example [Bernoulli(64), Categorical(1, 10)].",
        )
    return checks.list_of(checks.part(Unit), 1, _MOST_BLOCKS)(value, where)


def _names(value: Any, where: str) -> list[str]:
    """Names of blocks."""
    if not _is_list(value) or not all(map(_is_name, value)):
        checks.refuse(
            value, where, "a list of names of 1 to 64 characters, without '/'"
        )
    return list(value)


def _is_name(value):
    return isinstance(value, str) and 0 < len(value) <= 64 and "/" not in value


@keras.saving.register_keras_serializable("genzoo")
class Mixed(Unit):
    """Blocks of units in one layer; their potentials add up.

    What an `RBM` makes of a list of units. A state has the blocks' states side
    by side, in their order, and so have the kernel's rows or columns, and
    `bias`. Given a field the blocks are independent.

    Args:
        units: list of units, or a dict of them by name. Each keeps its
            weights.
        names: of the blocks, for a list; by default a unit's own `name` if one
            was given, else that of its kind, such as "bernoulli".

    Attributes:
        units: the list of blocks.
        names: their names.
        space: the `genzoo.spaces.Product` of their spaces: examples are one
            array (n, width), a dict of arrays by name, or a tuple of them.

    Raises:
        ValueError: if there is none, for something else than units, for units
            of different dtypes, and for names that are not all different.

    Example:
    >>> layer = genzoo.units.Mixed(
    ...     {"pixels": genzoo.units.Bernoulli((2, 2)),
    ...      "digit": genzoo.units.Categorical(1, 3)}
    ... )
    >>> x = layer.join({"pixels": np.zeros((3, 2, 2)), "digit": [0, 2, 1]})
    >>> x.shape, layer.split(x)["pixels"].shape
    ((3, 7), (3, 2, 2))
    """

    arguments: ClassVar[checks.Arguments] = {
        "units": _units,
        "names": checks.optional(_names),
    }
    space: Product

    def __init__(
        self,
        units: Sequence[Unit] | Mapping[str, Unit],
        names: Sequence[str] | None = None,
        **kwargs,
    ):
        if isinstance(units, Mapping) and units and names is None:
            units, names = list(units.values()), list(units)
        names, found = checks.arguments(self, names=names, units=units)
        _check_units(found)
        self.units: list[Unit] = found
        self.names = _checked_names(found, names)
        kwargs.setdefault("dtype", found[0].dtype_policy)
        super().__init__(sum(unit.size for unit in found), **kwargs)

    def space_of(self, arrangement: int | tuple[int, ...]) -> Product:
        """The blocks' spaces in a row."""
        return Product([unit.space for unit in self.units], self.names)

    def _make_bias(self) -> Any:
        return Joined([unit.bias for unit in self.units])

    def blocks(self) -> list[Unit]:
        """The blocks."""
        return list(self.units)

    def split(self, x: ArrayLike) -> dict[str, Any]:
        """The blocks of examples, each (n, *its event shape), by name.

        Args:
            x: examples or means, (n, width), an array or a tensor.
        """
        rows: Any = x if tf.is_tensor(x) else np.asarray(x)
        if len(rows.shape) != 2 or rows.shape[1] != self.width:
            raise ValueError(
                f"Mixed.split: x must have shape (n, {self.width}); received "
                f"{tuple(rows.shape)}."
            )
        shape = tf.reshape if tf.is_tensor(x) else np.reshape
        return {
            name: shape(part, (-1, *unit.space.event_shape))
            for name, unit, part in zip(
                self.names, self.units, self._columns(rows), strict=True
            )
        }

    def join(self, blocks: Mapping[str, ArrayLike] | Sequence) -> Array:
        """Blocks as one array (n, width).

        Args:
            blocks: dict of arrays by name, or a tuple of them in order.

        Raises:
            ValueError: for blocks that are missing, not known, or of another
                shape. Values may lie outside of the space, as means do.
        """
        return self.space.joined("Mixed.join", blocks, wide=True, inside=False)

    # By block ---------------------------------------------------------------

    def _columns(self, x):
        """The columns of each block."""
        ends = np.cumsum([unit.width for unit in self.units])
        return [
            x[..., end - unit.width : end]
            for unit, end in zip(self.units, ends, strict=True)
        ]

    def _each(self, method, *arrays):
        """What a method of each block makes of its columns."""
        columns = zip(*map(self._columns, arrays), strict=True)
        return [
            getattr(unit, method)(*own)
            for unit, own in zip(self.units, columns, strict=True)
        ]

    @property
    def is_discrete(self) -> bool:
        """Whether all blocks are."""
        return all(unit.is_discrete for unit in self.units)

    @property
    def growth(self) -> float:  # type: ignore[override]
        """The largest of the blocks'."""
        return max(unit.growth for unit in self.units)

    @property
    def most_variance(self) -> float:  # type: ignore[override]
        """The least of the blocks'."""
        return min(unit.most_variance for unit in self.units)

    @property
    def dispersion(self) -> Array:  # type: ignore[override]
        """Of each block, (width,)."""
        return np.concatenate(
            [
                np.broadcast_to(np.asarray(unit.dispersion), unit.width)
                for unit in self.units
            ]
        )

    @property
    def parameters(self) -> list[keras.Variable]:
        """Those of the first block, then of the next."""
        return [weight for unit in self.units for weight in unit.parameters]

    @property
    def statistic_count(self) -> int:
        """The joint linear one, and what each block has beside its own."""
        return 1 + sum(unit.statistic_count - 1 for unit in self.units)

    def spread(self, joint: list) -> list:
        """In the order of `parameters`, from that of `statistics`."""
        first, *rest = joint
        found = []
        for unit, own in zip(self.units, self._columns(first), strict=True):
            further = unit.statistic_count - 1
            found += unit.spread([own, *rest[:further]])
            rest = rest[further:]
        return found

    def gather(self, gradients: list) -> list:
        """In the order of `statistics`, from that of `parameters`."""
        first, rest = [], []
        for unit in self.units:
            count = len(unit.parameters)
            own, *further = unit.gather(gradients[:count])
            gradients = gradients[count:]
            first.append(own)
            rest += further
        return [tf.concat(first, axis=0), *rest]

    def named_weights(self) -> dict[str, keras.Variable]:
        """All weights, by names that are different."""
        return {
            f"{name}.{own}": weight
            for name, unit in zip(self.names, self.units, strict=True)
            for own, weight in unit.named_weights().items()
        }

    def newer_weights(self) -> dict[str, tuple[int, float]]:
        """Of all blocks."""
        return {
            f"{name}.{own}": value
            for name, unit in zip(self.names, self.units, strict=True)
            for own, value in unit.newer_weights().items()
        }

    @property
    def state_count(self) -> int | None:
        """The product of the blocks', None if one is continuous."""
        total = 1
        for unit in self.units:
            count = unit.state_count
            if count is None:
                return None
            total *= count
        return total

    def states(
        self, start: int | tf.Tensor, count: int, dtype: str
    ) -> tf.Tensor:
        """As of any unit; the first block is the most significant."""
        if not self.is_discrete:
            raise ValueError(
                f"{self.said} units have no finite list of states."
            )
        numbers = ops.arange(count, dtype="int64") + ops.cast(start, "int64")
        found = []
        for unit in reversed(self.units):
            radix = ops.cast(unit.state_count, "int64")
            found.append(unit.states(numbers % radix, 1, dtype))
            numbers = numbers // radix
        return ops.concatenate(found[::-1], axis=-1)

    def opposite(self, x: tf.Tensor) -> tf.Tensor:
        """Of each block."""
        return ops.concatenate(self._each("opposite", x), axis=-1)

    def standardise(self, x: tf.Tensor) -> tf.Tensor:
        """The states of examples in rows, (batch, width)."""
        parts = self._each("standardise", ops.convert_to_tensor(x))
        return ops.concatenate(parts, axis=-1)

    def restore(self, states: tf.Tensor) -> tf.Tensor:
        """The examples in rows of states, (batch, width)."""
        return ops.concatenate(self._each("restore", states), axis=-1)

    def log_scale(self) -> tf.Tensor | float:
        """The sum of the blocks'."""
        return sum(unit.log_scale() for unit in self.units)

    def log_scale_of(self, seen: tf.Tensor) -> tf.Tensor:
        """The sum of the blocks', (batch,)."""
        return sum(self._each("log_scale_of", seen))

    def by_unit(self, seen: tf.Tensor) -> tf.Tensor:
        """Of each block, (batch, size)."""
        return ops.concatenate(self._each("by_unit", seen), axis=-1)

    def choices(self) -> list[tuple[Array, Array | None]]:
        """Those of the blocks, one after the other."""
        found, first = [], 0
        for unit in self.units:
            found += [(own + first, levels) for own, levels in unit.choices()]
            first += unit.width
        return found

    def potential(self, x: tf.Tensor) -> tf.Tensor:
        """a(x), (batch,): the sum of the blocks'."""
        return sum(self._each("potential", x))

    def log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """The sum of the blocks', (batch,)."""
        return sum(self._each("log_cumulant", field))

    def unit_log_cumulant(self, field: tf.Tensor) -> tf.Tensor:
        """The log-cumulant of each unit, (batch, size)."""
        return ops.concatenate(self._each("unit_log_cumulant", field), axis=-1)

    def mean(self, field: tf.Tensor) -> tf.Tensor:
        """<x> given the field, (batch, width)."""
        return ops.concatenate(self._each("mean", field), axis=-1)

    def sample(self, field: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """A state drawn given the field, (batch, width)."""
        seeds = random.split(seed, len(self.units))
        drawn = [
            unit.sample(own, one)
            for unit, own, one in zip(
                self.units, self._columns(field), seeds, strict=True
            )
        ]
        return ops.concatenate(drawn, axis=-1)

    def from_uniform(self, field: tf.Tensor, uniform: tf.Tensor) -> tf.Tensor:
        """A state, (batch, width), of uniform numbers (batch, size)."""
        ends = np.cumsum([unit.size for unit in self.units])
        drawn = [
            unit.from_uniform(own, uniform[:, end - unit.size : end])
            for unit, own, end in zip(
                self.units, self._columns(field), ends, strict=True
            )
        ]
        return ops.concatenate(drawn, axis=-1)

    def statistics(self, x: tf.Tensor) -> list[tf.Tensor]:
        """x, then what each block has beside its own x."""
        return [x, *self._further(self._each("statistics", x))]

    def mean_statistics(self, field: tf.Tensor) -> list[tf.Tensor]:
        """The statistics' means given the field."""
        return self._joint(self._each("mean_statistics", field))

    def moments(self, field: tf.Tensor) -> tuple[tf.Tensor, list[tf.Tensor]]:
        """(log-cumulant, mean statistics) given the field."""
        cumulants, means = zip(*self._each("moments", field), strict=True)
        return sum(cumulants), self._joint(means)

    def _joint(self, found):
        first = ops.concatenate([own[0] for own in found], axis=-1)
        return [first, *self._further(found)]

    def _further(self, found):
        return [further for own in found for further in own[1:]]

    # From data --------------------------------------------------------------

    def adapt(self, mean: Array, variance: Array, count: int) -> None:
        """As of each block."""
        self._adapt("adapt", mean, variance, count)

    def adapt_untouched(self, mean: Array, variance: Array, count: int) -> None:
        """As of each block that is trained."""
        self._adapt("adapt_untouched", mean, variance, count)

    def _adapt(self, method, mean, variance, count):
        columns = zip(self._columns(mean), self._columns(variance), strict=True)
        for unit, own in zip(self.units, columns, strict=True):
            if unit.bias.trainable:
                getattr(unit, method)(*own, count)

    @property
    def precisions(self) -> list[keras.Variable]:
        """Those of all blocks."""
        return [weight for unit in self.units for weight in unit.precisions]

    def leave_room(self) -> None:
        """As of each block that is trained."""
        for unit in self.units:
            if unit.bias.trainable:
                unit.leave_room()

    def smooth(self, mean: Array, count: int) -> Array:
        """Of each block."""
        return np.concatenate(
            [
                unit.smooth(own, count)
                for unit, own in zip(
                    self.units, self._columns(mean), strict=True
                )
            ]
        )

    def variance_of(self, mean: Array) -> Array:
        """Of each block."""
        return np.concatenate(self._each("variance_of", mean), axis=-1)

    def bias_for(self, mean: Array) -> Array:
        """Of each block."""
        return np.concatenate(self._each("bias_for", mean), axis=-1)

    def moved(self, x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
        """Each block moved as from a to b."""
        return ops.concatenate(self._each("moved", x, a, b), axis=-1)

    # Saving -----------------------------------------------------------------

    def preset_arguments(self) -> dict[str, Any]:
        """The arguments, with the units as they are."""
        return {"units": list(self.units), "names": list(self.names)}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        del config["size"]
        serialize = keras.saving.serialize_keras_object
        units = [serialize(unit) for unit in self.units]
        return {**config, "units": units, "names": list(self.names)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A layer from `get_config`."""
        deserialize = keras.saving.deserialize_keras_object
        units = [deserialize(unit) for unit in config["units"]]
        return cls(**{**config, "units": units})


def told(unit: Unit) -> str:
    """Of how many units of which type a layer is, for a `repr`."""
    return " + ".join(
        f"{block.arrangement} {type(block).__name__}" for block in unit.blocks()
    )


def layer_of(given: Any, where: str) -> Any:
    """A list or dict of units as one layer; anything else as it is.

    Raises:
        ValueError: for a list that is no layer.
    """
    if not isinstance(given, (list, tuple, Mapping)):
        return given
    try:
        return Mixed(given)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def _check_units(units):
    for number, unit in enumerate(units):
        if isinstance(unit, Mixed):
            raise ValueError(
                f"Mixed: units[{number}] is itself of several blocks. List "
                "all blocks in one list."
            )
        if isinstance(unit, Multinomial):
            raise ValueError(
                f"Mixed: units[{number}] is Multinomial, whose total stands "
                "beside it and is given; it goes with no other block. Pass it "
                "alone as visible, or take Poisson units."
            )
        if any(unit is other for other in units[:number]):
            raise ValueError(
                f"Mixed: units[{number}] is an object that the list holds "
                "already; their weights would be shared. Make two."
            )
    dtypes = sorted({unit.variable_dtype for unit in units})
    if len(dtypes) > 1:
        raise ValueError(
            f"Mixed: units must have one dtype; received {dtypes}."
        )


def _checked_names(units, names):
    if names is None:
        names = _names(_default_names(units), "Mixed: names")
    if len(names) != len(units):
        raise ValueError(
            f"Mixed: there are {len(units)} units and {len(names)} names."
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ValueError(
            f"Mixed: blocks must have different names; {twice[0]!r} is the "
            "name of two. Pass a dict from names to units."
        )
    return names


def _default_names(units):
    """The names that were given, else those of kinds, numbered."""
    kinds = [type(unit).__name__.lower() for unit in units]
    own = [None if _is_automatic(unit) else unit.name for unit in units]
    taken = {name for name in own if name is not None}
    found = []
    for kind, name in zip(kinds, own, strict=True):
        if name is None:
            name, number = kind, 0
            while name in taken:
                number += 1
                name = f"{kind}_{number}"
            taken.add(name)
        found.append(name)
    return found


def _is_automatic(unit):
    """Whether Keras made up the unit's name: "bernoulli_3"."""
    plain = re.sub(r"_\d+$", "", unit.name).replace("_", "")
    return plain == type(unit).__name__.lower()
