"""The condition of an RBM: what is given and not modelled, and its links."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from genzoo.models.common import sample_weights
from genzoo.models.rbm.start import weighed_mean
from genzoo.runtime import data, distribute, weights
from genzoo.spaces import OneHot, Product, Space
from genzoo.types import Array
from genzoo.units import Gaussian, Mixed, Unit
from genzoo.units.mixed import layer_of

# The name of the block, where there is only one.
NAME = "condition"
# What a pipeline says of others.
WRONG = "genzoo: conditions that are not in their space"
# Of conditions that hardly vary.
_LEAST = 1e-4


def units_of(given: Any, dtype: Any) -> Mixed:
    """The condition's units, of what `condition=` may be.

    Raises:
        ValueError: for something else.
    """
    if isinstance(given, Mixed):
        return given
    if _is_shape(given):
        size = int(given) if np.ndim(given) == 0 else tuple(map(int, given))
        given = Gaussian(size, dtype=dtype)
    if isinstance(given, Unit):
        return Mixed([given], [NAME])
    if not isinstance(given, (list, tuple, Mapping)):
        raise ValueError(
            "RBM: condition must be the number of real-valued inputs, units, "
            "such as genzoo.units.Categorical(1, 10), or a list or dict of "
            f"them; received {given!r}."
        )
    return layer_of(given, "RBM: condition")


def _is_shape(given):
    if isinstance(given, (int, np.integer)):
        return not isinstance(given, bool)
    is_list = isinstance(given, (list, tuple)) and len(given) > 0
    return is_list and all(map(_is_shape, given))


class Links(keras.layers.Layer):
    """What the condition c adds to the biases: `a + c A` and `b + c B`.

    Args:
        units: the condition's; they are never modelled, and have no bias.
        visible: number of visible columns.
        hidden: number of hidden columns.
        centered: whether gradients are those of c less its mean.
        regularizer: of both kernels.

    Attributes:
        to_visible: weight A, (condition width, visible width).
        to_hidden: weight B, (condition width, hidden width).
        mean: weight, the data's mean condition, (condition width,).
        pace: weight, at which rate the two learn beside the kernel, (2,).
    """

    def __init__(
        self,
        units: Mixed,
        visible: int,
        hidden: int,
        centered: bool,
        regularizer: Any = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.units = units
        self.centered = centered
        self.to_visible, self.to_hidden = (
            self.add_weight(
                name=name,
                shape=(units.width, width),
                initializer="zeros",
                regularizer=regularizer,
                autocast=False,
            )
            for name, width in (("to_visible", visible), ("to_hidden", hidden))
        )
        self.mean = distribute.mirrored_weight(self, "mean", (units.width,))
        self.pace = distribute.mirrored_weight(self, "pace", (2,), "ones")
        self._variance = np.ones(units.width)
        self.built = True

    def add_weight(self, *args: Any, **kwargs: Any) -> keras.Variable:
        """A weight as in Keras; whether it is assigned later is noticed."""
        return weights.mark(super().add_weight(*args, **kwargs))

    @property
    def parameters(self) -> list[keras.Variable]:
        """A and B."""
        return [self.to_visible, self.to_hidden]

    @property
    def described(self) -> str:
        """What conditions are, in words."""
        names, spaces = self.units.names, self.units.space.spaces
        told = [
            f"{space.description}, shape (n, "
            f"{', '.join(map(str, space.event_shape))})"
            for space in spaces
        ]
        if len(told) == 1:
            return told[0]
        return "; ".join(
            f"{name!r}: {one}" for name, one in zip(names, told, strict=True)
        )

    # Data -------------------------------------------------------------------

    def taken(self, x: Any, condition: Any) -> tuple[Any, Any]:
        """(x, condition) of a dict of blocks that has both."""
        if not isinstance(x, Mapping) or condition is not None:
            return x, condition
        if NAME not in x:
            return x, None
        return {name: x[name] for name in x if name != NAME}, x[NAME]

    def check(
        self,
        where: str,
        c: Any,
        rows: int | None,
        wide: bool = False,
        one_for_all: bool = True,
    ) -> Array:
        """Conditions in one array, (rows, width).

        Args:
            where: who asks, for messages.
            c: rows of them, or one for all.
            rows: how many there must be; None for any number.
            wide: whether float64 is kept.
            one_for_all: whether one will do.

        Raises:
            ValueError: if they are missing, not as many, or outside of their
                spaces.
        """
        if c is None:
            raise ValueError(
                f"{where}: the model is conditional; pass condition=, "
                f"{self.described}."
            )
        found = self._joined(f"{where}: condition", c, wide)
        if rows is None:
            return found
        if len(found) == 1 and rows != 1 and one_for_all:
            found = np.repeat(found, rows, axis=0)
        if len(found) != rows:
            raise ValueError(
                f"{where}: condition has {len(found)} rows; there are {rows} "
                "examples. Pass one for each"
                f"{', or one for all' if one_for_all else ''}."
            )
        return found

    def _joined(self, where, c, wide):
        space = self.units.space
        names, spaces = list(space.names or ()), space.spaces
        if isinstance(c, Mapping):
            if set(c) != set(names):
                raise ValueError(
                    f"{where} must be a dict with the keys {names}; received "
                    f"{sorted(map(str, c))}."
                )
            blocks = [c[name] for name in names]
        elif len(spaces) == 1:
            blocks = [c]
        elif space.are_blocks(c):
            blocks = list(c)
        else:
            whole = np.shape(c) == (space.width,)
            return space.check(where, np.asarray(c)[None] if whole else c, wide)
        told = [f"{where}: {name!r}" for name in names]
        told = told if len(spaces) > 1 else [where]
        parts = [
            _rows(own, space, block, wide)
            for own, space, block in zip(told, spaces, blocks, strict=True)
        ]
        if len({len(part) for part in parts}) > 1:
            raise ValueError(
                f"{where} must have as many rows in each block; received "
                f"{[len(part) for part in parts]}."
            )
        return np.concatenate([p.reshape(len(p), -1) for p in parts], axis=1)

    def check_dataset(
        self, where: str, dataset: Any, space: Space, inner: Any
    ) -> tf.data.Dataset:
        """A dataset of (x, c), as one of (what `inner` makes of x, c).

        Args:
            where: who asks, for messages.
            dataset: of (x, c), (x, c, sample_weight), or of dicts that have
                an entry "condition".
            space: of x.
            inner: function of a dataset of rows (x, c) in one, perhaps with
                weights, and of their space, to one that is checked.

        Raises:
            ValueError: if there are no conditions, or the first batch is
                wrong.
        """
        if sample_weights.is_checked(dataset):
            return dataset
        x, c, _ = self._parted(where, data.first_batch(where, dataset))
        self.check(where, c, len(tf.nest.flatten(x)[0]), one_for_all=False)
        if not _has_nan(x):
            space.check(where, x)

        def together(*found):
            x, c, weight = self._parted(
                where, found[0] if len(found) == 1 else found
            )
            c = self._batch(where, c)
            outside = {WRONG: self.units.space.outside(c)}
            c = data.asserted(c, outside)
            rows = _side_by_side(where, space, x), c
            wide = tf.float64 in (rows[0].dtype, rows[1].dtype)
            kind = tf.float64 if wide else tf.float32
            rows = tf.concat([tf.cast(part, kind) for part in rows], axis=1)
            return rows if weight is None else (rows, weight)

        def apart(found):
            parts = found if isinstance(found, dict) else {"x": found}
            c = parts["x"][:, space.width :]
            own = {
                name: _cut(space, part) if name in ("x", "seen") else part
                for name, part in parts.items()
            }
            alone = own["x"] if set(own) == {"x"} else own
            return alone, c

        joint = Product([space, self.units.space])
        checked = inner(where, data.mapped(dataset, together), joint)
        found = data.mapped(checked, apart, parallel=True)
        return sample_weights.marked(found)

    def _batch(self, where, c):
        """A batch's conditions in one tensor."""
        space = self.units.space
        if len(space.spaces) == 1:
            c = c[NAME] if isinstance(c, Mapping) else c
            return space.joined_batch(where, [c])
        return _side_by_side(where, space, c)

    def _parted(self, where, found):
        """(x, c, weight or None) of a dataset's element."""
        if isinstance(found, (tuple, list)):
            x, *rest = found
            x, c = self.taken(x, None)
            if c is None and rest:
                c, *rest = rest
            if c is not None and len(rest) < 2:
                return x, c, rest[0] if rest else None
        elif isinstance(found, Mapping) and NAME in found:
            return (*self.taken(found, None), None)
        raise ValueError(
            f"{where}: the model is conditional; the dataset must give (x, "
            "condition), (x, condition, sample_weight), or a dict with the "
            f"entry {NAME!r}."
        )

    # From data --------------------------------------------------------------

    def adapt(self, c: Any, weight: Any, steps: int | None) -> None:
        """Take scales, the mean and the variance of conditions.

        Args:
            c: an array (n, width), or a checked dataset of (x, c).
            weight: of the rows of an array.
            steps: how many batches of a dataset to see.
        """
        if not data.is_array(c):
            c = data.mapped(c, _conditions)
        mean, variance, count = data.moments(c, steps, weight)
        columns = 0
        for block in self.units.blocks():
            own = slice(columns, columns + block.width)
            columns = own.stop
            block.adapt_untouched(mean[own], variance[own], round(count))
            # It plays no part.
            block.bias.assign(np.zeros(block.width))
        rows = self.units.standardise(np.stack([mean, mean + 1])).numpy()
        self.mean.assign(rows[0])
        self._variance = variance * np.square(rows[1] - rows[0])

    def keep_pace(self, of_visible: float, of_hidden: float) -> None:
        """Learn at the rate that the kernel has, in the condition's units.

        Args:
            of_visible: the variance of visible units.
            of_hidden: that of hidden units.
        """
        own = max(weighed_mean(self._variance), _LEAST)
        self.pace.assign([of_hidden / own, of_visible / own])

    def beside(self, states: Array, c: Any) -> Array:
        """Visible states, and behind them those of conditions."""
        given = self.states(tf.convert_to_tensor(c)).numpy()
        return np.concatenate([states, given], axis=1)

    def open_mask(self, mask: Array | None) -> Array | None:
        """A kernel's mask, with B behind it, which has none."""
        if mask is None:
            return None
        return np.concatenate([mask, np.ones(self.to_hidden.shape, bool)])

    # Inside graphs ----------------------------------------------------------

    def states(self, c: tf.Tensor) -> tf.Tensor:
        """The states of conditions, (rows, width)."""
        return self.units.standardise(ops.convert_to_tensor(c))

    def shifts(self, states: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(u A, u B) of states u."""
        return tuple(
            tf.matmul(ops.cast(states, w.dtype), tf.convert_to_tensor(w.value))
            for w in self.parameters
        )

    def center(self, found: list, biases: list) -> tuple[list, list]:
        """The gradients with c less its mean in the energy.

        With that, A and B move none of the biases at the mean condition.

        Args:
            found: plain gradients of A and of B.
            biases: of the visible and of the hidden bias; None for a bias
                that cannot move, so that nothing is centred.

        Returns:
            (gradients of A and B, what the biases' gradients have less).
        """
        mean = tf.convert_to_tensor(self.mean.value)
        slopes, less = [], []
        for slope, of_bias in zip(found, biases, strict=True):
            if not self.centered or of_bias is None:
                slopes.append(slope)
                less.append(0.0)
                continue
            slopes.append(slope - mean[:, None] * of_bias)
            less.append(tf.linalg.matvec(slopes[-1], mean, transpose_a=True))
        return slopes, less


def _rows(where, space, c, wide):
    """Checked conditions of one block; one alone is one row."""
    c = np.asarray(c)[None] if _is_single(space, np.shape(c)) else c
    try:
        unknown = np.isnan(np.asarray(data.as_array(c, wide=True)))
        if unknown.any():
            raise ValueError(
                f"{where} must be known: {unknown.sum()} of its "
                f"{unknown.size} numbers are NaN. Only what is modelled may be "
                "missing: fill them in, or leave these rows out."
            )
        return Product([space], [NAME]).joined(where, [c], wide)
    except ValueError as error:
        told = str(error).replace(f": block {NAME!r}", "")
        raise ValueError(told.replace(": x must", " must")) from None


def _is_single(space, shape):
    """Whether an array of this shape is one condition, not rows of them."""
    if isinstance(space, OneHot) and shape != space.event_shape:
        return shape == space.groups or (space.groups == (1,) and not shape)
    if isinstance(space, OneHot) and space.are_labels(shape):
        return False
    return shape == space.event_shape


def _side_by_side(where, space, x):
    """A batch of examples, which may come in blocks, as rows."""
    if getattr(space, "are_blocks", lambda x: False)(x):
        return space.joined_batch(where, x)
    if isinstance(x, Mapping):
        x = x[space.entry(where, x)]
    x = space.with_axis(tf.convert_to_tensor(x))
    return tf.reshape(x, (-1, space.width))


def _has_nan(x):
    return any(
        part.dtype.is_floating and bool(tf.reduce_any(tf.math.is_nan(part)))
        for part in map(tf.convert_to_tensor, tf.nest.flatten(x))
    )


def _cut(space, part):
    return tf.reshape(part[:, : space.width], (-1, *space.event_shape))


def _conditions(parts, c):
    """A batch's conditions, with its weights."""
    weight = parts.get("weight") if isinstance(parts, dict) else None
    return c if weight is None else {"x": c, "weight": weight}
