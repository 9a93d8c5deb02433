"""Stacks of RBMs, each trained on the hidden states of the one below."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.layers import Features
from genzoo.models.rbm.model import RBM
from genzoo.runtime import atomic, data, random
from genzoo.runtime.streams import Redrawn
from genzoo.types import Array, ArrayLike, SeedLike

# The seed by which held-out data are drawn.
_HELD = 0
_ROWS = 4096
# Of chains that draw what is unknown of examples.
_SWEEPS = 50


class Stack:
    """RBMs of which each has the hidden states of the one below as examples.

    Together they are a deep belief network: the last RBM is its prior, the
    others draw downwards.

    Args:
        rbms: the `RBM`s, the one that sees examples first.

    Attributes:
        rbms: as given.
        histories: of their trainings, by `pretrain`.

    Raises:
        ValueError: if there are none, or the hidden units of one are not
            those that the next takes.

    Reference:
        Hinton, Osindero and Teh, "A fast learning algorithm for deep belief
        nets", 2006.

    Example:
    >>> sizes = [64, 10, 5]
    >>> rbms = [
    ...     genzoo.RBM(genzoo.units.Bernoulli(a), genzoo.units.Bernoulli(b))
    ...     for a, b in zip(sizes, sizes[1:])
    ... ]
    >>> stack = genzoo.pretrain(rbms, x_train, epochs=1, verbose=0)
    >>> model = keras.Sequential([*stack.layers(), keras.layers.Dense(10)])
    >>> tuple(model(x_train[:5]).shape)
    (5, 10)
    >>> stack.sample(3, seed=0).shape
    (3, 64)
    """

    def __init__(self, rbms: Sequence[RBM]):
        self.rbms = _checked("Stack", rbms)
        self.histories: list[keras.callbacks.History | None] = []

    def __len__(self):
        return len(self.rbms)

    def __getitem__(self, number):
        return self.rbms[number]

    def save(self, path: str | os.PathLike) -> None:
        """Write the RBMs into a folder, 0.keras, 1.keras, ...

        Args:
            path: of the folder, which is made, whole or not at all; one of
                that name that holds a stack is replaced.

        Raises:
            ValueError: if there is a file or another folder of that name.
        """
        path, where = Path(path), f"{type(self).__name__}.save"
        if path.exists() and not _holds_a_stack(path):
            raise ValueError(
                f"{where}: path must be a new folder, or that of a saved "
                f"stack; {str(path)!r} holds something else."
            )
        with atomic.replacing(path, "") as part:
            part.mkdir()
            for number, rbm in enumerate(self.rbms):
                rbm.save(part / f"{number}.keras")

    @classmethod
    def load(cls, path: str | os.PathLike) -> Self:
        """What `save` has written, of the class that is asked.

        Args:
            path: of the folder.

        Raises:
            ValueError: if it holds no stack.
        """
        where = f"{cls.__name__}.load"
        path = Path(checks.path(path, f"{where}: path"))
        if not _holds_a_stack(path):
            raise ValueError(
                f"{where}: path must be a folder of 0.keras, 1.keras, ..., as "
                f"save writes them; {str(path)!r} is not."
            )
        count = len(list(path.glob("*.keras")))
        found = cls.__new__(cls)
        Stack.__init__(
            found,
            [
                keras.models.load_model(path / f"{number}.keras")
                for number in range(count)
            ],
        )
        return found

    def layers(self, trainable: bool = True) -> list[Features]:
        """A `genzoo.layers.Features` of each RBM, to be fine-tuned.

        Each gives means to the next, where the RBMs were trained on samples.

        Args:
            trainable: whether training the outer model changes them.
        """
        return [Features(rbm, trainable) for rbm in self.rbms]

    def to_sequential(
        self, *layers: keras.layers.Layer, trainable: bool = True
    ) -> keras.Sequential:
        """The network of `layers()`, with further layers behind it."""
        shape = self.rbms[0].event_shape
        own = self.layers(trainable)
        return keras.Sequential([keras.Input(shape), *own, *layers])

    def hidden_mean(self, x: ArrayLike) -> Array:
        """The last hidden units' means, (n, *event_shape of these).

        The means of one RBM's hidden units are the examples of the next.

        Raises:
            ValueError: if x is not in the space of the first RBM.
        """
        x = self.rbms[0]._given("hidden_mean", x).x
        network = self.to_sequential()
        size = data.rows_at_once(x, _ROWS)
        parts = [
            np.asarray(network(x[start : start + size]))
            for start in range(0, len(x), size)
        ]
        return np.concatenate(parts)

    def sample_hidden(self, x: ArrayLike, seed: SeedLike = 0) -> Array:
        """States of the last hidden units, each layer drawn given the last.

        Raises:
            ValueError: if x is not in the space of the first RBM.
        """
        return _drawn(self.rbms, x, random.as_seed(seed))

    def sample(
        self, n: int, seed: SeedLike | None = None, **options: Any
    ) -> Array:
        """Examples: the last RBM is sampled, the others draw what is below.

        Args:
            n: number of samples.
            seed: int or pair of ints; None takes the last RBM's next one.
            **options: of the last RBM's `sample`.

        Raises:
            ValueError: if an RBM below the last is given something for each
                row, as the total of a bag of words.
        """
        *below, top = self.rbms
        for number, rbm in enumerate(below):
            if rbm._is_conditional:
                raise ValueError(
                    f"Stack.sample: RBM {number}, {rbm!r}, needs a condition "
                    "for each row. Sample the last RBM, and draw what is below "
                    "by sample_visible(h, condition=) of each."
                )
        key = top._seed_for(seed)
        states = top.sample(n, random.fold_in(key, len(below)), **options)
        for number, rbm in reversed(list(enumerate(below))):
            own = random.fold_in(key, number)
            states = rbm.sample_visible(states, seed=own)
        return states


def pretrain(
    rbms: Sequence[RBM],
    x: ArrayLike,
    epochs: int | Sequence[int] = 10,
    batch_size: int | None = None,
    validation_data: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    missing: float | str | None = None,
    mask: ArrayLike | None = None,
    **options: Any,
) -> Stack:
    """Train RBMs one after the other, each on what the one below makes of x.

    The examples of all but the first are binary, or whatever hidden states
    are: drawn given x, anew in each epoch, by the seed of the RBM that learns
    from them. So each maximises the bound of the whole stack's likelihood
    that is known of deep belief networks, in expectation.

    Args:
        rbms: the first sees x. Those that are not compiled are compiled with
            the defaults.
        x: examples, an array, a frame or a sparse matrix; blocks of mixed
            units.
        epochs: of each RBM, or one number for each; 0 leaves it as it is.
        batch_size: as in `RBM.fit`.
        validation_data: held-out examples, as x.
        sample_weight: what each example counts, (n,).
        missing: what stands for an unknown number in x, "nan" or a number
            such as -1. The first RBM learns from what is known; for the
            others what is unknown is drawn given that, anew in each epoch.
        mask: what of x is known, bool, true where it is.
        **options: other arguments of `RBM.fit`, such as verbose.

    Returns:
        The `Stack`, for example for
        `keras.Sequential([*stack.layers(), keras.layers.Dense(10)])`.

    Raises:
        ValueError: for RBMs that do not fit together, an x that is no array
            or not in the space of the first RBM.

    Reference:
        Hinton, Osindero and Teh, "A fast learning algorithm for deep belief
        nets", 2006; Bengio et al., "Greedy layer-wise training of deep
        networks", 2007.
    """
    where = "pretrain"
    stack = Stack(_checked(where, rbms))
    if isinstance(x, tf.data.Dataset) or data.is_stream(x):
        raise ValueError(
            f"{where}: x must be an array, a frame or a sparse matrix; "
            f"received {type(x).__name__}. Each RBM goes through it."
        )
    first = stack.rbms[0]
    given = first._given(where, x, None, sample_weight, missing, mask)
    held = None
    share = options.pop("validation_split", 0.0)
    if validation_data is not None:
        held = first._given(
            f"{where}: validation_data", validation_data, missing=missing
        )
    elif share:
        given, held = given.split(where, share)
    weight, x = given.weight, _with_gaps(given)
    held = None if held is None else _with_gaps(held)
    gaps = {} if given.seen is None else {"missing": "nan"}
    counts = _epochs(where, epochs, len(stack))
    for number, (rbm, count) in enumerate(zip(stack.rbms, counts, strict=True)):
        if not rbm.compiled:
            rbm.compile()
        below = stack.rbms[:number]
        own: dict[str, Any] = {"x": x, "sample_weight": weight, **gaps}
        own |= {"batch_size": batch_size, "validation_data": held}
        if below:
            rows = batch_size or rbm._batch_size_for(given)
            own = {"x": hidden_states(below, x, rows, rbm.draws, weight)}
        if below and held is not None:
            seed = random.as_seed(_HELD)
            own["validation_data"] = _drawn_given(below, held, seed)
        history = None
        if count:
            history = rbm.fit(**own, epochs=count, **options)
        stack.histories.append(history)
    return stack


def hidden_states(
    rbms: Sequence[RBM],
    x: Array,
    batch_size: int,
    draws: random.DrawCounter,
    weight: Array | None = None,
) -> Redrawn:
    """Batches of hidden states given checked x, drawn anew in each epoch.

    Args:
        rbms: those that are drawn, one given the other.
        x: checked examples.
        batch_size: rows of a batch; the last may be shorter.
        draws: the `DrawCounter` of the RBM that learns from them.
        weight: of each example, or None.
    """
    return Redrawn(
        x,
        batch_size,
        draws,
        lambda rows, seed: _drawn_given(rbms, rows, seed),
        weight,
    )


def _holds_a_stack(path):
    """Whether a folder has the files of `Stack.save`, and no others."""
    names = {part.name for part in path.iterdir()} if path.is_dir() else set()
    return bool(names) and names == {f"{i}.keras" for i in range(len(names))}


def _with_gaps(given):
    """Examples, NaN where they are not known."""
    if given.seen is None:
        return given.x
    return np.where(given.seen, given.x, np.nan)


def _drawn_given(rbms, x, seed):
    """Hidden states given what is known of x."""
    if x.dtype.kind == "f" and np.isnan(np.asarray(x)).any():
        own = random.fold_in(seed, 0)
        x = rbms[0].impute(x, how="sample", steps=_SWEEPS, seed=own)
    return _drawn(rbms, x, seed)


def _drawn(rbms, x, seed):
    for number, rbm in enumerate(rbms):
        x = rbm.sample_hidden(x, seed=random.fold_in(seed, number + 1))
    return x


def _epochs(where, epochs, count):
    check = checks.whole(0)
    if np.ndim(epochs) == 0:
        epochs = [epochs] * count
    if len(epochs) != count:
        raise ValueError(
            f"{where}: epochs must be one number, or one for each of the "
            f"{count} RBMs; received {len(epochs)} of them."
        )
    return [check(number, f"{where}: epochs") for number in epochs]


def _checked(where, rbms):
    rbms = list(rbms) if isinstance(rbms, (list, tuple)) else rbms
    if not isinstance(rbms, list) or not rbms:
        raise ValueError(
            f"{where}: rbms must be a list of RBMs; received {rbms!r}."
        )
    for rbm in rbms:
        if not isinstance(rbm, RBM):
            raise ValueError(
                f"{where}: rbms must be a list of RBMs; it holds {rbm!r}."
            )
    if len({id(rbm) for rbm in rbms}) < len(rbms):
        raise ValueError(f"{where}: one RBM is there twice. Make another.")
    for number in range(1, len(rbms)):
        below, above = rbms[number - 1].hidden, rbms[number].visible
        if below.space != above.space:
            raise ValueError(
                f"{where}: the visible units of RBM {number} must be those "
                f"that are hidden in RBM {number - 1}, "
                f"{type(below).__name__}({below.arrangement}); they are "
                f"{type(above).__name__}({above.arrangement})."
            )
    return rbms
