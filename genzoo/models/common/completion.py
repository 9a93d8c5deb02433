"""Examples of which some is known: read, drawn, averaged and scored."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.models.common import sample_weights
from genzoo.models.common.clamped import ClampedWalks
from genzoo.models.common.posterior import Posterior
from genzoo.partition.annealed import summarise
from genzoo.runtime import batch, data, random
from genzoo.spaces import Space, hints
from genzoo.types import Array, ArrayLike

# Annealing of what is unknown of an example, to score what is known.
CHAINS, TEMPERATURES = 32, 1000
# Numbers of chains that walk at once.
_ELEMENTS = 2**22


class Marginal(NamedTuple):
    """The log-density of what is known of examples, in nats.

    Attributes:
        value: log p, (n,).
        stderr: its standard errors, (n,), without that of log Z; 0 where the
            unknown was summed over.
    """

    value: Array
    stderr: Array


class Partial(NamedTuple):
    """Examples of which some is known.

    Attributes:
        x: an array (n, *event_shape) in the space, with anything that lies in
            it where nothing is known.
        seen: what is known, bool (n, width).
        condition: what each is given, for models of that, or None.
    """

    x: Array
    seen: Array
    condition: Array | None = None

    def repeated(self, n: int) -> "Partial":
        """Each row so often."""
        x, seen = (np.repeat(part, n, axis=0) for part in self[:2])
        given = self.condition
        given = None if given is None else np.repeat(given, n, axis=0)
        return Partial(x, seen, given)

    def under(self, condition: Array | None) -> "Partial":
        """The same given conditions, one for each row or for the only one."""
        if condition is None:
            return self
        if len(self.x) == 1:
            return self.repeated(len(condition))._replace(condition=condition)
        return self._replace(condition=condition)


def unknown(space: Space, n: int) -> Partial:
    """n examples of which nothing is known."""
    x = space.unflatten(space.start(1, random.as_seed(0))).numpy()
    return Partial(x, np.zeros((1, space.width), bool)).repeated(n)


def read(
    where: str,
    space: Space,
    x: Any,
    mask: Any = None,
    missing: float | str | None = "nan",
    wide: bool = False,
    name: str = "x",
) -> Partial:
    """Examples of which some is known, checked.

    Args:
        where: who asks, for messages.
        space: where examples lie.
        x: (n, *event_shape).
        mask: bool, true where x is known, in the shape of x or of one
            example, or of its units; None takes what is not missing.
        missing: what stands for an unknown number: NaN, or any other; "nan".
        wide: whether float64 is kept.
        name: the argument, for messages.

    Raises:
        ValueError: for other shapes; for a group of numbers of which some
            are known; where what is known is not in the space.
    """
    x = _in_one(f"{where}: {name}", space, x)
    given = x
    try:
        x = data.as_array(data.with_nan(x), wide)
    except ValueError as error:
        raise ValueError(f"{where}: {name}: {error}") from None
    # Sparse rows too: what is known of them is an array as large.
    x = np.asarray(x)
    event = space.event_shape
    if x.ndim == 2 and x.shape[1] == space.width and data.is_sparse(given):
        x = x.reshape(-1, *event)
    x = space.with_axis(x)
    if x.shape[1:] != event:
        shape = ", ".join(["n", *map(str, event)])
        raise ValueError(
            f"{where}: {name} must have shape ({shape}); received {x.shape}. "
            f"{hints.of_shape(space, x)}"
        )
    lost = _lost(where, space, x, _marker(where, missing))
    if mask is None:
        seen = ~lost
    else:
        seen = _mask(where, space, mask, x.shape)
        if (seen & lost).any():
            raise ValueError(
                f"{where}: mask says that numbers of {name} are known which "
                "are missing. It is true where they are known."
            )
    seen = seen.reshape(len(x), space.width)
    halves = np.zeros(len(x), bool)
    for group in groups_of(space):
        if len(group) == 1:
            continue
        halves |= seen[:, group].any(axis=1) != seen[:, group].all(axis=1)
    if halves.any():
        raise ValueError(
            f"{where}: of a one-hot group all numbers are known or none; in "
            f"{int(halves.sum())} rows of {name} some are."
        )
    filled = x
    if not seen.all():
        filler = space.flatten(space.start(1, random.as_seed(0))).numpy()
        flat = x.reshape(len(x), -1)
        kind = np.result_type(flat.dtype, np.float32)
        filled = np.where(seen, flat, filler.astype(kind)).reshape(x.shape)
    if len(filled):
        filled = np.asarray(space.check(f"{where}: {name}", filled, wide=wide))
    return Partial(filled, seen)


def check_dataset(
    where: str,
    dataset: Any,
    space: Space,
    missing: float | str | None,
    wide: bool,
) -> tf.data.Dataset:
    """A dataset of x or (x, weight), of which some is missing, checked.

    Raises:
        ValueError: as `read`, for its first batch.
    """
    first = data.first_batch(where, dataset)
    if isinstance(first, Mapping):
        key = space.entry(where, first)
        dataset = data.mapped(dataset, lambda found: found[key])
        first = first[key]
    if isinstance(first, tf.SparseTensor):
        dataset = data.mapped(dataset, tf.sparse.to_dense)
        first = tf.sparse.to_dense(first)
    x, *others = first if isinstance(first, tuple) else (first,)
    if len(others) > 1 or not all(map(sample_weights.may_be, others)):
        raise ValueError(
            f"{where}: the dataset must give x alone, or (x, sample_weight) "
            f"with floats of shape (batch,); it gives {1 + len(others)} "
            "values. To leave out labels, map it: dataset.map(lambda x, "
            "*rest: x)."
        )
    space.check_batched(where, x)
    read(where, space, x, None, missing, wide)
    marker = _marker(where, missing)
    marker = np.nan if marker is None else float(marker)
    filler = space.unflatten(space.start(1, random.as_seed(0)))

    def checked(x, *weight):
        x = space.with_axis(x)
        kind = x.dtype if x.dtype.is_floating else tf.float32
        x = tf.cast(x, kind)
        seen = ~tf.math.is_nan(x) if np.isnan(marker) else x != marker
        x = space.guarded(tf.where(seen, x, tf.cast(filler, kind)))
        own = sample_weights.asserted(weight[0]) if weight else None
        return batch.packed(x, own, seen)

    found = data.mapped(dataset, checked, parallel=True)
    return sample_weights.marked(found)


def groups_of(space: Space) -> list[Array]:
    """Columns of a state that are known together, an array for each group."""
    parts = getattr(space, "spaces", None)
    if parts is None:
        depth = getattr(space, "n_states", 1)
        return list(np.arange(space.width).reshape(-1, depth))
    groups, first = [], 0
    for part in parts:
        groups += [group + first for group in groups_of(part)]
        first += part.width
    return groups


def _marker(where, missing):
    """The number that stands for what is unknown, or None."""
    if missing is None or checks.is_number(missing):
        return missing
    if missing == "nan" or data.is_na(missing):
        return np.nan
    raise ValueError(
        f"{where}: missing must be 'nan', or the number that stands for what "
        f"is unknown, such as -1; received {missing!r}."
    )


def _lost(where, space, x, missing):
    if missing is None:
        return np.zeros(x.shape, bool)
    if np.isnan(missing):
        return np.isnan(x) if x.dtype.kind == "f" else np.zeros(x.shape, bool)
    tables = {id(v): v for v in space.levels if v is not None}.values()
    if any((np.asarray(table) == missing).any() for table in tables):
        raise ValueError(
            f"{where}: missing must be a number that no x has; received "
            f"{missing!r}, and x holds {space.description}. Mark what is "
            "missing by NaN, or pass mask."
        )
    unknown = x == missing
    # So say labels of blocks.
    return unknown | np.isnan(x) if x.dtype.kind == "f" else unknown


def are_blocks(space: Space, x: Any) -> bool:
    """Whether x holds a block for each part of the space."""
    return hasattr(space, "are_blocks") and space.are_blocks(x)


def _in_one(where, space, x, rest=np.nan):
    """Blocks side by side, whatever is in them; anything else as it is."""
    if isinstance(x, Mapping) and not are_blocks(space, x):
        return x[space.entry(where, x)]
    if not are_blocks(space, x):
        return x
    found: Any = space
    return found.joined(where, found.with_all(x, rest), True, inside=False)


def _mask(where, space, mask, shape):
    if isinstance(mask, Mapping) and are_blocks(space, mask):
        mask = _by_block(space, mask)
    mask = np.asarray(_in_one(f"{where}: mask", space, mask, False))
    if mask.dtype != bool and not np.isin(mask, (0, 1)).all():
        raise ValueError(
            f"{where}: mask must be true where x is known, else false; "
            f"received dtype {mask.dtype}."
        )
    mask = mask.astype(bool)
    groups = groups_of(space)
    if mask.size % space.width and mask.size % len(groups) == 0:
        # Of units, not of their numbers.
        depths = [len(group) for group in groups]
        mask = np.repeat(mask.reshape(-1, len(groups)), depths, axis=1)
    if mask.size == space.width:
        return np.broadcast_to(mask.reshape(shape[1:]), shape)
    if mask.size != np.prod(shape):
        raise ValueError(
            f"{where}: mask must have the shape of x, {shape}, or of one "
            f"example, {shape[1:]}; received {mask.shape}."
        )
    return mask.reshape(shape)


def _by_block(space, mask):
    """A mask by name, of numbers: one stands for all of a block."""
    found = dict(mask)
    for name, part in zip(space.names, space.spaces, strict=True):
        if name not in mask:
            continue
        own = np.asarray(mask[name])
        if own.ndim == 0:
            own = np.full((1, *part.event_shape), own)
        groups = getattr(part, "groups", None)
        if groups and own.shape[1:] in (groups, ()):
            # Of labels, as they come.
            bare = own.reshape(len(own), -1)
            if own.shape == groups and groups != (1,):
                bare = own.reshape(1, -1)
            own = np.repeat(bare, part.n_states, axis=1)
            own = own.reshape(-1, *part.event_shape)
        found[name] = own
    return found


class Completion:
    """What a model says of the unknown part of examples.

    Args:
        model: an `EnergyBasedModel`.
    """

    def __init__(self, model: Any):
        self._model = [model]
        self._walks: ClampedWalks | None = None

    @property
    def model(self) -> Any:
        """The model; in a list, so that Keras does not track it."""
        return self._model[0]

    def _clamped(self, where):
        walks = self.model.walks
        if walks is None or not hasattr(walks.walker, "clamped"):
            raise ValueError(
                f"{where}: what is unknown has too many states to sum over, "
                "and the model has no chains."
            )
        if self._walks is None:
            self._walks = ClampedWalks(walks.walker)
        return self._walks

    def _exact(self, partial: Partial, seed: random.Seed) -> Posterior | None:
        return self.model._conditional(*self.model._known(partial), seed)

    def draw(
        self,
        where: str,
        partial: Partial,
        n: int,
        seed: random.Seed,
        steps: int,
        method: str,
    ) -> Array:
        """n examples, of one that is given or of as many, (n, *event_shape)."""
        rows = partial
        if len(partial.x) == 1 and n > 1:
            rows = partial.repeated(n)
        exact = None
        if method != "chains":
            exact = self._exact(rows, seed)
        if exact is None and method == "exact":
            raise ValueError(
                f"{where}: method is 'exact', but there is no sum over so "
                "many states. Use method='auto'."
            )
        if exact is not None:
            found = self.model._unflatten(tf.constant(exact.drawn)).numpy()
            if not self.model._keeps_float64:
                found = found.astype(np.float32)
        else:
            walks = self._clamped(where)
            x, seen = self.model._known(partial)
            parts = []
            size = max(_ELEMENTS // self.model.space.width, 1)
            for first in range(0, n, size):
                count, some = min(size, n - first), slice(first, first + size)
                given = (x, seen) if len(x) == 1 else (x[some], seen[some])
                own = seed.at_row(first)
                drawn = walks.draw(count, *given, own, steps)
                parts.append(self.model._unflatten(drawn).numpy())
            found = np.concatenate(parts)
        return _with_known(found, rows)

    def mean(
        self, where: str, partial: Partial, seed: random.Seed, steps: int
    ) -> Array:
        """<x> given what is known, (n, *event_shape)."""
        exact = self._exact(partial, seed)
        if exact is not None:
            found = self.model._unflatten(tf.constant(exact.mean)).numpy()
        else:
            walks = self._clamped(where)
            states, seen = self.model._known(partial)
            size = max(_ELEMENTS // self.model.space.width, 1)
            parts = [
                walks.mean(
                    states[first : first + size],
                    seen[first : first + size],
                    seed.at_row(first),
                    steps,
                )
                for first in range(0, len(states), size)
            ]
            found = self.model._unflatten(tf.concat(parts, axis=0)).numpy()
        return _with_known(found, partial)

    def marginal(
        self,
        where: str,
        partial: Partial,
        log_z: float | Array,
        chains: int,
        temperatures: int,
        seed: random.Seed,
    ) -> Marginal:
        """log p of what is known of each example."""
        exact = self._exact(partial, seed)
        if exact is not None:
            return Marginal(exact.log_sum - log_z, np.zeros(len(partial.x)))
        walks = self._clamped(where)
        states, seen = self.model._known(partial)
        scale = self.model._log_scale_of(partial.seen)
        betas = np.linspace(0.0, 1.0, temperatures)
        rows = max(_ELEMENTS // self.model.space.width // chains, 1)
        values, errors = [], []
        for first in range(0, len(states), rows):
            some = slice(first, first + rows)
            log_w = walks.log_weights(
                np.repeat(states[some], chains, axis=0),
                np.repeat(seen[some], chains, axis=0),
                seed.at_row(first * chains),
                betas,
            )
            for own in log_w.numpy().reshape(-1, chains):
                found = summarise(own)
                values.append(found.log_mean)
                errors.append(found.stderr)
        value = np.array(values) - scale - log_z
        return Marginal(value, np.array(errors))


def as_one(space: Space, given: ArrayLike) -> Any:
    """`given` in rows, also if it is one example."""
    if isinstance(given, Mapping) or data.is_sparse(given):
        return given
    if not are_blocks(space, given) and np.shape(given) == space.event_shape:
        return np.asarray(data.with_nan(given))[None]
    return given


def _with_known(found, partial):
    """What is known, to the last bit."""
    shape = found.shape
    seen = partial.seen.reshape(shape)
    return np.where(seen, partial.x, found).astype(found.dtype)
