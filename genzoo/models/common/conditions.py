"""What a conditional model is given: arrays and datasets of conditions."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.models.common import sample_weights
from genzoo.runtime import data
from genzoo.spaces import OneHot, Product, Space
from genzoo.types import Array

# The name of the block, where there is only one.
NAME = "condition"
# What a pipeline says of others.
WRONG = "genzoo: conditions that are not in their space"


class Conditions:
    """What a model is given of each example, in one or several blocks.

    Args:
        space: the `Product` of the blocks.
    """

    def __init__(self, space: Product):
        self.space = space

    @property
    def described(self) -> str:
        """What conditions are, in words."""
        spaces = self.space.spaces
        names = self.space.names or range(len(spaces))
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
        space = self.space
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
            outside = {WRONG: self.space.outside(c)}
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

        joint = Product([space, self.space])
        checked = inner(where, data.mapped(dataset, together), joint)
        found = data.mapped(checked, apart, parallel=True)
        return sample_weights.marked(found)

    def _batch(self, where, c):
        """A batch's conditions in one tensor."""
        space = self.space
        if len(space.spaces) == 1:
            c = next(iter(c.values())) if isinstance(c, Mapping) else c
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

    @property
    def complaint(self) -> dict[str, str]:
        """What a pipeline's complaint means; see `data.told_plainly`."""
        told = "a batch of the dataset has a condition that is not in its"
        return {WRONG: f"{told} space: {self.described}."}


def _rows(where, space, c, wide):
    """Checked conditions of one block; one alone is one row."""
    c = data.dense(c)
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
        if told.startswith("x "):
            told = f"{where}: {told}"
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
