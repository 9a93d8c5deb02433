"""Spaces side by side: spins and reals in one example."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.runtime import data, random
from genzoo.spaces.discrete import OneHot
from genzoo.spaces.space import Space, get
from genzoo.types import Array

# Spaces that a message shows.
_MOST_SHOWN = 4


@keras.saving.register_keras_serializable("genzoo.spaces")
class Product(Space):
    """The states of several spaces in a row, in one example.

    Where they have names, examples are one array (n, width), or blocks: a
    dict of arrays by name, or a tuple of them in order, each (n, *event_shape)
    of its space. A block of `OneHot` groups may come as labels.

    Args:
        spaces: list of spaces.
        names: of the spaces, all different; None for none.

    Raises:
        ValueError: if the list is empty or holds something else, or there are
            not as many names.

    Example:
    >>> spin, real = genzoo.spaces.Spin(2), genzoo.spaces.Real(1)
    >>> space = genzoo.spaces.Product([spin, real])
    >>> space.event_shape, space.description
    ((3,), '2 x -1 and +1, then 1 x finite numbers')
    """

    def __init__(
        self, spaces: Sequence[Space], names: Sequence[str] | None = None
    ):
        if not isinstance(spaces, (list, tuple)):
            raise ValueError(
                f"Product: spaces must be a list of them; received {spaces!r}."
            )
        self.spaces = [get(space) for space in spaces]
        if not self.spaces:
            raise ValueError("Product: spaces is empty; pass two or more.")
        self.names = None if names is None else list(names)
        if self.names and len(set(self.names)) != len(self.spaces):
            raise ValueError(
                f"Product: names must be {len(self.spaces)} different ones; "
                f"received {names!r}."
            )
        super().__init__(
            sum(space.width for space in self.spaces),
            [levels for space in self.spaces for levels in space.levels],
            np.concatenate([space.low for space in self.spaces]),
            np.concatenate([space.high for space in self.spaces]),
        )
        self.is_product = all(space.is_product for space in self.spaces)
        self.whole = np.concatenate([space.whole for space in self.spaces])
        self.periodic = np.concatenate(
            [space.periodic for space in self.spaces]
        )
        hints = [space.hint for space in self.spaces if space.hint]
        is_plain = self.is_product and not self.whole.any()
        if hints and (self.names or not is_plain):
            self.hint = " ".join(dict.fromkeys(hints))

    @property
    def description(self) -> str:
        """In words."""
        return ", then ".join(
            f"{space.width} x {space.description}"
            if space.is_product
            else space.description
            for space in self.spaces
        )

    @property
    def state_count(self) -> int | None:
        """The product of the spaces' numbers of states."""
        counts = [space.state_count for space in self.spaces]
        known = [count for count in counts if count is not None]
        return math.prod(known) if len(known) == len(counts) else None

    def columns(self, states: Any) -> list:
        """The columns (n, width) of each space, of states in rows."""
        ends = np.cumsum([space.width for space in self.spaces])
        return [
            states[:, end - space.width : end]
            for space, end in zip(self.spaces, ends, strict=True)
        ]

    def contains(self, states: Array | tf.Tensor) -> tf.Tensor:
        """For each state whether all its parts are in their spaces."""
        inside = super().contains(states)
        for space, part in zip(self.spaces, self.columns(states), strict=True):
            if not space.is_product:
                inside = inside & space.contains(part)
        return inside

    def start(self, n: int, seed: random.Seed) -> tf.Tensor:
        """n states drawn without any model, (n, width), float32."""
        if self.is_product:
            return super().start(n, seed)
        seeds = random.split(seed, len(self.spaces))
        pairs = zip(self.spaces, seeds, strict=True)
        return tf.concat([space.start(n, one) for space, one in pairs], axis=1)

    def why_no_grid(self) -> str | None:
        """What the first part says that has none."""
        reasons = (space.why_no_grid() for space in self.spaces)
        return next((r for r in reasons if r is not None), None)

    # Examples in blocks -----------------------------------------------------

    def are_blocks(self, x: Any) -> bool:
        """Whether x holds a block for each space, not whole examples.

        Args:
            x: what a user gave, or the element of a dataset.
        """
        if self.names is None:
            return False
        if isinstance(x, Mapping):
            return True
        if data.is_frame(x) and len(np.shape(x)) == 2:
            return any(name in list(x.columns) for name in self.names)
        if not isinstance(x, (list, tuple)) or len(x) != len(self.spaces):
            return False
        if any(isinstance(part, Mapping) for part in x):
            return False
        shapes: list[Any] = [getattr(part, "shape", None) for part in x]
        if any(shape is None for shape in shapes):
            # Lists of numbers in a tuple are blocks, in a list they are rows.
            return isinstance(x, tuple) and not any(
                np.isscalar(part) or part is None for part in x
            )
        whole = tuple(shapes[0])[1:] == self.event_shape
        if isinstance(x, tuple):
            # Else x, and weights of its rows.
            return not whole or len(self.spaces) == 1
        # Else a list of single examples.
        return any(tuple(shape) != self.event_shape for shape in shapes)

    def joined(
        self, where: str, blocks: Any, wide: bool = False, inside: bool = True
    ) -> Array:
        """Blocks in one array (n, width), once each is known to be right.

        Args:
            where: who asks, for messages.
            blocks: dict of arrays by name, or a tuple of them in order.
            wide: whether float64 is kept.
            inside: whether values must lie in the spaces.

        Raises:
            ValueError: for blocks that are missing or not known, of another
                shape, outside of their space, or of different lengths.
        """
        parts = [
            self._block(f"{where}: block {name!r}", space, block, wide, inside)
            for name, space, block in zip(
                self._named(),
                self.spaces,
                self._ordered(where, blocks),
                strict=True,
            )
        ]
        rows = {len(part) for part in parts}
        if len(rows) > 1:
            told = ", ".join(
                f"{name!r} has {len(part)}"
                for name, part in zip(self._named(), parts, strict=True)
            )
            raise ValueError(
                f"{where}: the blocks of x must have as many rows; {told}."
            )
        # Sparse ones are made dense: others stand beside them.
        return np.concatenate(
            [np.asarray(part).reshape(len(part), -1) for part in parts], axis=1
        )

    def with_all(self, blocks: Any, rest: float | bool) -> Any:
        """Blocks by name, also those that were left out, of as many rows.

        Args:
            blocks: dict by name of blocks, (n, *event_shape), of which each
                may be one example; one number stands for all of a block.
            rest: the numbers of a block that was left out.
        """
        if data.is_frame(blocks):
            blocks = {name: blocks[name] for name in blocks.columns}
        if not isinstance(blocks, Mapping) or self.names is None:
            return blocks
        found = {
            name: _in_rows(space, data.with_nan(blocks[name]))
            for name, space in zip(self.names, self.spaces, strict=True)
            if name in blocks
        }
        rows = max((np.shape(block)[0] for block in found.values()), default=1)
        filled = {
            name: np.full((rows, *space.event_shape), rest)
            for name, space in zip(self.names, self.spaces, strict=True)
            if blocks and name not in blocks
        }
        repeated = {
            name: np.repeat(np.asarray(block), rows, axis=0)
            if len(block) == 1
            else block
            for name, block in found.items()
        }
        return {**blocks, **repeated, **filled}

    def _named(self):
        return self.names or [str(i) for i in range(len(self.spaces))]

    def _ordered(self, where, blocks):
        names = self._named()
        if data.is_frame(blocks):
            blocks = {name: blocks[name] for name in blocks.columns}
        if not isinstance(blocks, Mapping):
            if len(blocks) != len(names):
                raise ValueError(
                    f"{where}: x must have the {len(names)} blocks {names}; "
                    f"received {len(blocks)}."
                )
            return list(blocks)
        missing = [name for name in names if name not in blocks]
        extra = [name for name in blocks if name not in names]
        if missing or extra:
            raise ValueError(
                f"{where}: x must be a dict with the keys {names}; missing "
                f"{missing}, not known {extra}."
            )
        return [blocks[name] for name in names]

    def _block(self, where, space, block, wide, inside):
        if isinstance(space, OneHot):
            shape = np.shape(block)
            if shape != (0,) and space.are_labels(shape):
                where = f"{where}: labels"
                if inside:
                    return space.of_labels(where, block)
                return _known_labels(where, space, block)
        if inside:
            return space.check(where, block, wide)
        block = space.with_axis(np.asarray(data.with_nan(block)))
        if block.shape[1:] != space.event_shape:
            expected = ", ".join(["n", *map(str, space.event_shape)])
            raise ValueError(
                f"{where} must have shape ({expected}); received {block.shape}."
            )
        return block

    def check(self, where: str, x: Any, wide: bool = False) -> np.ndarray:
        """x as one array, once it is known to be in the space.

        Args:
            where: who asks, for messages: "RBM.fit".
            x: examples, of shape (n, width), or their blocks.
            wide: whether float64 is kept.

        Raises:
            ValueError: if x is empty, of another shape, or outside.
        """
        if self.are_blocks(x):
            return self.joined(where, x, wide)
        try:
            return super().check(where, x, wide)
        except ValueError:
            self._say_block(where, x)
            raise

    def _say_block(self, where, x):
        """Raise the error of the block that is wrong, if it is only that."""
        x = np.asarray(x)
        if self.names is None or x.ndim != 2:
            return
        last = self.spaces[-1]
        if x.shape[1] == self.width - last.width:
            raise ValueError(
                f"{where}: x must have shape (n, {self.width}); received "
                f"{x.shape}. It lacks the last block, {self.names[-1]!r}: pass "
                "that as y, or all blocks by name. What is predicted of it is "
                "told by predict_proba and classify."
            )
        if x.shape[1] != self.width:
            return
        if len(x):
            parts = [
                part.reshape(-1, *space.event_shape)
                for space, part in zip(
                    self.spaces, self.columns(x), strict=True
                )
            ]
            self.joined(where, parts, wide=True)

    def joined_batch(
        self, where: str, blocks: Any, has_gaps: bool = False
    ) -> tf.Tensor:
        """Blocks of a batch of a dataset in one tensor (n, width).

        Args:
            where: who asks, for messages.
            blocks: dict of tensors by name, or a tuple of them in order.
            has_gaps: whether labels may be missing, NaN or negative.

        Raises:
            ValueError: for blocks that are missing or not known, or of another
                shape.
        """
        parts = []
        for name, space, part in zip(
            self._named(),
            self.spaces,
            self._ordered(where, blocks),
            strict=True,
        ):
            part = space.with_axis(tf.convert_to_tensor(part))
            shape = part.shape
            if (
                isinstance(space, OneHot)
                and shape.rank is not None
                and space.are_labels(tuple(shape))
            ):
                # What is no label has a group of zeros, which is outside.
                label = tf.cast(part, tf.float32)
                known = label >= 0
                number = tf.cast(tf.where(known, label, -1.0), tf.int32)
                is_whole = tf.cast(number, tf.float32) == label
                part = tf.one_hot(
                    tf.where(is_whole, number, -1), space.n_states
                )
                if has_gaps:
                    part = tf.where(known[..., None], part, np.nan)
            elif not shape[1:].is_compatible_with(space.event_shape):
                expected = ", ".join(["n", *map(str, space.event_shape)])
                raise ValueError(
                    f"{where}: block {name!r}: batches must have shape "
                    f"({expected}); received {tuple(shape)}."
                )
            parts.append(tf.reshape(part, (-1, space.width)))
        floats = {part.dtype for part in parts if part.dtype.is_floating}
        wide = tf.float64 in floats
        dtype = tf.float64 if wide else tf.float32
        return tf.concat([tf.cast(part, dtype) for part in parts], axis=1)

    def __repr__(self) -> str:
        shown = [repr(space) for space in self.spaces[:_MOST_SHOWN]]
        more = len(self.spaces) - _MOST_SHOWN
        shown += [f"and {more} more"] if more > 0 else []
        return f"Product([{', '.join(shown)}])"

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        found = {"spaces": [serialize(space) for space in self.spaces]}
        return found if self.names is None else {**found, "names": self.names}


def _in_rows(space, block):
    """A block, also of one example, in rows."""
    shape = np.shape(block)
    one = [space.event_shape, getattr(space, "groups", None)]
    if shape == ():
        block = [block]
    elif shape in one and shape != (1,):
        block = np.asarray(block)[None]
    return block


def _known_labels(where, space, labels):
    """One-hot groups of labels; NaN for those that are NaN or negative."""
    try:
        labels = np.asarray(data.with_nan(labels), np.float64)
    except (TypeError, ValueError):
        # Which says what they are.
        labels = space.of_labels(where, labels)
    known = labels >= 0
    hot = np.asarray(space.of_labels(where, np.where(known, labels, 0.0)))
    groups = hot.reshape(-1, space.n_states).astype(np.float32)
    groups[~known.ravel()] = np.nan
    return groups.reshape(hot.shape)
