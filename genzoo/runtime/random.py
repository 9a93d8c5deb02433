"""Randomness: seeds, row-addressed draws and the draw counter.

A draw is Philox 4x32 evaluated at an address. The address is the seed and
the *row* of the result, so row `r` of a draw has the same value whether one
device draws all the rows, several devices draw some rows each, or a smaller
batch is drawn. Every device asks for its own rows only; nothing is drawn
twice and thrown away.

Reference:
    Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

import contextlib
import math
import numbers
import os
import random as python_random
import sys
import threading
from collections.abc import Sequence
from typing import Any, NamedTuple, Self

import keras
import numpy as np
import tensorflow as tf
from tensorflow.python.ops import control_flow_util

from genzoo.runtime import bits, distribute

_PHILOX = 1
_UNIFORM = tf.raw_ops.StatelessRandomUniformV2
_NORMAL = tf.raw_ops.StatelessRandomNormalV2
_INTEGERS = tf.raw_ops.StatelessRandomUniformFullIntV2
# Bits of a mantissa, the exponent of 1, and integers of the size.
_MANTISSAS = {
    tf.bfloat16: (7, 127, tf.uint16),
    tf.float16: (10, 15, tf.uint16),
    tf.float32: (23, 127, tf.int32),
    tf.float64: (52, 1023, tf.int64),
}
# By which TensorFlow's kernel mixes seeds.
_MIXING = 0x02461E293EC8F720
TRAINING, SAMPLING = 0, 1
# Two threads that draw at once must not take the same number.
_counting = threading.Lock()
_is_forked = False


def _note_fork() -> None:
    global _counting, _is_forked
    _counting = threading.Lock()
    context = sys.modules.get("tensorflow.python.eager.context")
    if context is not None and not _is_forked:
        # What TensorFlow has not begun it begins in the child.
        known = context.context_safe()
        _is_forked = known is not None and known._context_handle is not None


def check_not_forked() -> None:
    """Raise an error in a process that would wait for ever.

    TensorFlow's threads are not copied by a fork.

    Raises:
        RuntimeError: in a process that was forked after the first operation.
    """
    if _is_forked:
        raise RuntimeError(
            "This process was forked from one in which TensorFlow had begun "
            "to compute; its threads are not here, and it would wait for "
            "ever. Start processes by "
            "multiprocessing.get_context('spawn'), or fork before the first "
            "model is made."
        )


def _one_at_a_time() -> Any:
    """A lock for threads of users; replicas of a graph wait for each other."""
    if distribute.on_several_replicas() or not tf.executing_eagerly():
        return contextlib.nullcontext()
    return _counting


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


class Seed(NamedTuple):
    """The address of a draw: a key, and the row at which it begins.

    Attributes:
        key: int64 tensor of shape (2,).
        row: the global number of the first row drawn, an int or a scalar.

    Example:
    >>> seed = genzoo.random.as_seed(0)
    >>> rows = genzoo.random.uniform((5, 3), seed)
    >>> last = genzoo.random.uniform((2, 3), seed.at_row(3))
    >>> bool(tf.reduce_all(rows[3:] == last))
    True
    """

    key: tf.Tensor
    row: tf.Tensor | int = 0

    def at_row(self, row: int | tf.Tensor) -> "Seed":
        """The same draw, begun at another row."""
        return Seed(self.key, row)


def as_seed(seed: int | Sequence[int] | np.ndarray | tf.Tensor | Seed) -> Seed:
    """A `Seed` from an int, a pair of ints, an int tensor of two, or a `Seed`.

    Raises:
        ValueError: if `seed` is anything else.
    """
    check_not_forked()
    if isinstance(seed, Seed):
        return seed
    if isinstance(seed, numbers.Integral) and not isinstance(seed, bool):
        seed = (seed, 0)
    pair: Any = np.asarray(seed) if isinstance(seed, (tuple, list)) else seed
    kind = getattr(pair, "dtype", None)
    is_integer = kind is not None and tf.as_dtype(kind).is_integer
    # NumPy makes uint64 of ints that int64 does not hold.
    if (
        not is_integer
        or tf.as_dtype(kind) == tf.uint64
        or tuple(pair.shape) != (2,)
    ):
        raise ValueError(
            "seed must be an int or a pair of ints below 2**63; "
            f"received {seed!r}."
        )
    return Seed(tf.cast(pair, tf.int64))


def fold_in(seed: Seed, number: int | tf.Tensor) -> Seed:
    """The child of `seed` with this number; children are independent."""
    _check_seed(seed)
    return Seed(_child_keys(seed, number, [2]), seed.row)


def split(seed: Seed, count: int) -> list[Seed]:
    """`count` independent seeds, the first `count` children of `seed`."""
    _check_seed(seed)
    if not isinstance(count, int) or count < 1:
        raise ValueError(
            f"split: count must be a positive int; received {count!r}."
        )
    keys = _child_keys(seed, 0, [count, 2])
    return [Seed(key, seed.row) for key in tf.unstack(keys, count)]


def uniform(
    shape: Sequence[int | tf.Tensor],
    seed: Seed,
    dtype: str | tf.DType = "float32",
) -> tf.Tensor:
    """Uniform numbers in [0, 1) of shape (rows, ...), addressed by row."""
    _check_float(dtype)
    op = _uniform if _is_compiled() else _UNIFORM
    return _draw(op, shape, seed, dtype)


def normal(
    shape: Sequence[int | tf.Tensor],
    seed: Seed,
    dtype: str | tf.DType = "float32",
) -> tf.Tensor:
    """Standard normal numbers of shape (rows, ...), addressed by row."""
    _check_float(dtype)
    op = _normal if _is_compiled() else _NORMAL
    return _draw(op, shape, seed, dtype)


def bernoulli(probability: tf.Tensor, seed: Seed) -> tf.Tensor:
    """1.0 with the given probability and 0.0 otherwise, in its dtype.

    Each number has 16 random bits of its own and shares all bits below them
    with its row: two thirds of the time of a full uniform number. 0 and 1 are
    exact, every probability is to 2**-23, and those below 2**-17 to 2**-39;
    numbers of one row have a covariance of less than 2**-33.
    """
    if not hasattr(probability, "dtype"):
        probability = tf.convert_to_tensor(probability, tf.float32)
    shape = keras.ops.shape(probability)
    dtype = probability.dtype
    if dtype != tf.float32:
        number = uniform(shape, seed, dtype)
    else:
        own, below = split(seed, 2)
        rows, *event = _dimensions(shape)
        words = (rows, -(-math.prod(event) // 2))
        bits = tf.bitcast(_draw(_INTEGERS, words, own, tf.uint32), tf.uint16)
        bits = tf.reshape(bits, (rows, 2 * words[1]))
        if 2 * words[1] != math.prod(event):
            bits = bits[:, :-1]
        # Not so near 1 that p = 0 minus all bits would be rounded to -1.
        rest = uniform((rows, *(1 for _ in event)), below)
        rest = tf.minimum(rest, 1 - 2.0**-8)
        number = tf.cast(tf.reshape(bits, shape), dtype) * 2.0**-16
        probability -= rest * 2.0**-16
    # ceil(p - u) is 1 for u < p, else -0: quicker than to compare and cast.
    return tf.abs(tf.math.ceil(probability - number))


def words(shape: Sequence[int | tf.Tensor], seed: Seed) -> tf.Tensor:
    """Random uint32 words of shape (rows, ...), addressed by row."""
    return _draw(_INTEGERS, shape, seed, tf.uint32)


class Philox(NamedTuple):
    """A stream of draws, one after the other.

    Attributes:
        key: uint64 tensor of shape (1,).
        counter: uint64 tensor of shape (2,), the place of the next draw.
    """

    key: tf.Tensor
    counter: tf.Tensor

    @classmethod
    def start(cls, shape: Sequence[int | tf.Tensor], seed: Seed) -> Self:
        """The beginning of a stream; its draws have any shape."""
        key, counter = _place(seed)
        # Beyond the words of the counter that draws and children use.
        return cls(key, counter + tf.constant([0, 2], tf.uint64))

    def next(
        self, shape: Sequence[int | tf.Tensor], count: int
    ) -> tuple[list[tf.Tensor], "Philox"]:
        """(a list of `count` arrays of uint32 words, the stream behind)."""
        rows, *event = shape
        drawn = _INTEGERS(
            shape=(rows, count, *event),
            key=self.key,
            counter=self.counter,
            alg=_PHILOX,
            dtype=tf.uint32,
        )
        following = self.counter + tf.constant([0, 1], tf.uint64)
        return tf.unstack(drawn, axis=1), Philox(self.key, following)


class Xoshiro(NamedTuple):
    """xoshiro128++ side by side: each place of an array has its own stream.

    About 14 operations on integers for a word: under XLA five to ten times
    quicker than Philox, but a word has no address; only the whole stream
    before it leads there. The 128 bits of each place are words of Philox,
    so that two streams of 2**40 words overlap with a chance of 2**-87.

    Reference:
        Blackman and Vigna, "Scrambled linear pseudorandom number
        generators", ACM TOMS 47, 2021.
    """

    a: tf.Tensor
    b: tf.Tensor
    c: tf.Tensor
    d: tf.Tensor

    @classmethod
    def start(cls, shape: Sequence[int | tf.Tensor], seed: Seed) -> Self:
        """Streams at the places of this shape; row r is that of any batch."""
        return cls(*(words(shape, child) for child in split(seed, 4)))

    def next(
        self, shape: Sequence[int | tf.Tensor], count: int
    ) -> tuple[list[tf.Tensor], "Xoshiro"]:
        """(a list of `count` arrays of uint32 words, the streams behind).

        The shape must be that of `start`.
        """
        a, b, c, d = self
        drawn = []
        for _ in range(count):
            drawn.append(_rotate(a + d, 7) + a)
            c, d = bits.xor(c, a), bits.xor(d, b)
            shifted = bits.left(b, 9)
            b, a = bits.xor(b, c), bits.xor(a, d)
            c, d = bits.xor(c, shifted), _rotate(d, 11)
        return drawn, Xoshiro(a, b, c, d)


def _rotate(word, places):
    return bits.or_(bits.left(word, places), bits.right(word, 32 - places))


def permutation(size: int, key: Sequence[int] | np.ndarray) -> np.ndarray:
    """A permutation of range(size) on the host, a function of two ints."""
    words = np.asarray(key, np.int64).astype(np.uint64)
    return np.random.Generator(np.random.Philox(key=words)).permutation(size)


def _child_keys(seed, first, shape):
    # Children use a word of the counter that draws never reach, so that a
    # seed can be both drawn from and divided.
    key, counter = _place(seed)
    # A constant where it can be: seeds are divided at every turn of a graph.
    if isinstance(first, int):
        offset = tf.constant([first % 2**64, 1], tf.uint64)
    else:
        offset = tf.stack([tf.cast(first, tf.uint64), tf.ones((), tf.uint64)])
    return _INTEGERS(
        shape=shape,
        key=key,
        counter=counter + offset,
        alg=_PHILOX,
        dtype=tf.int64,
    )


def _is_compiled():
    """Whether what is traced now is for XLA: `jit_compile=True`, or a TPU."""
    if tf.executing_eagerly():
        return False
    here = tf.compat.v1.get_default_graph()
    return control_flow_util.GraphOrParentsInXlaContext(here)


def _place(seed):
    """(key, counter) of a seed, the same under XLA as without it.

    XLA's own kernel takes 32 bits of each half of a seed. The other one is an
    evaluation of Philox, which XLA has.
    """
    if not _is_compiled():
        return tf.raw_ops.StatelessRandomGetKeyCounter(seed=seed.key)
    mixed = _INTEGERS(
        shape=(2,),
        key=tf.constant([_MIXING], tf.uint64),
        counter=tf.bitcast(seed.key, tf.uint64),
        alg=_PHILOX,
        dtype=tf.uint64,
    )
    return mixed[:1], tf.stack([tf.zeros((), tf.uint64), mixed[1]])


# XLA makes other floating point numbers of the same words than TensorFlow's
# kernels; these make them as the kernels do.


def _uniform(*, shape, key, counter, alg, dtype):
    """Numbers in [0, 1), whose mantissas are the low bits of words."""
    bits, ones, integer = _MANTISSAS[dtype]
    wide = integer == tf.int64
    words = _INTEGERS(
        shape=shape,
        key=key,
        counter=counter,
        alg=alg,
        dtype=tf.int64 if wide else tf.int32,
    )
    if wide:
        # The first word of two is the upper one.
        words = tf.bitcast(
            tf.reverse(tf.bitcast(words, tf.int32), [-1]), integer
        )
    number = tf.bitwise.bitwise_and(words, 2**bits - 1) + (ones << bits)
    return tf.bitcast(tf.cast(number, integer), dtype) - tf.ones((), dtype)


def _normal(*, shape, key, counter, alg, dtype):
    """Box and Muller's pairs, of two numbers each."""
    kind = tf.float64 if dtype.size == 8 else tf.float32
    count = math.prod(shape) if isinstance(shape, tuple) else shape[0]
    even = (count + 1) // 2 * 2
    first, second = tf.unstack(
        tf.reshape(
            _uniform(
                shape=tf.reshape(even, (1,)),
                key=key,
                counter=counter,
                alg=alg,
                dtype=kind,
            ),
            (-1, 2),
        ),
        axis=1,
    )
    radius = tf.sqrt(-2 * tf.math.log(tf.maximum(first, 1e-7)))
    angle = 2 * math.pi * second
    pairs = [radius * tf.sin(angle), radius * tf.cos(angle)]
    values = tf.reshape(tf.stack(pairs, axis=1), (-1,))[:count]
    return tf.cast(tf.reshape(values, shape), dtype)


def _dimensions(shape):
    """A shape as a tuple, whose numbers are ints as far as they are known."""
    if tf.is_tensor(shape):
        known = tf.get_static_value(shape, partial=True)
        parts = tf.unstack(shape)
        known = [None] * len(parts) if known is None else known
        return tuple(
            part if size is None else int(size)
            for part, size in zip(parts, known, strict=True)
        )
    if isinstance(shape, tf.TensorShape):
        shape = shape.as_list()
    if None in shape:
        raise ValueError(
            f"shape must be known; received {tuple(shape)}. Inside a graph "
            "take tf.shape(x) or keras.ops.shape(x)."
        )
    shape = tuple(shape)
    if not shape or any(isinstance(n, int) and n < 0 for n in shape):
        raise ValueError(
            "shape must be (rows, ...), of ints of at least 0; received "
            f"{shape}."
        )
    return shape


def _check_seed(seed):
    if not isinstance(seed, Seed):
        raise ValueError(
            f"seed must be a genzoo.random.Seed; received {seed!r}. Take "
            "genzoo.random.as_seed of an int or of a pair of ints."
        )


def _check_float(dtype):
    if not tf.as_dtype(dtype).is_floating:
        raise ValueError(
            "dtype must be one of float16, bfloat16, float32 and float64; "
            f"received {dtype!r}. Cast what is drawn."
        )


def _draw(op, shape, seed, dtype):
    _check_seed(seed)
    dtype = tf.as_dtype(dtype)
    # A block is four words; half precision takes a word for each number too.
    per_block = 2 if dtype.size == 8 else 4
    shape = _dimensions(shape)
    rows, *event = shape
    width = math.prod(event)
    key, counter = _place(seed)
    if isinstance(seed.row, int) and seed.row == 0:
        return op(
            shape=shape, key=key, counter=counter, alg=_PHILOX, dtype=dtype
        )
    # Numbers are addressed by their place in the draw of all rows; a first
    # row may begin inside a block.
    first = tf.cast(seed.row, tf.int64) * width
    block = tf.cast(first // per_block, tf.uint64)
    count = tf.cast(rows, tf.int64) * width
    values = op(
        shape=tf.reshape(count + per_block, (1,)),
        key=key,
        counter=counter + tf.stack([block, tf.zeros((), tf.uint64)]),
        alg=_PHILOX,
        dtype=dtype,
    )
    values = tf.slice(values, [first % per_block], [count])
    return tf.reshape(values, shape)


@keras.saving.register_keras_serializable("genzoo")
class DrawCounter(keras.layers.Layer):
    """A seed and the number of draws made with it, kept as one weight.

    Training and sampling count separately: a picture drawn between two
    epochs does not change the third.

    Args:
        seed: int or pair of ints. None takes one from Python's `random`, which
            `keras.utils.set_random_seed` seeds.

    Attributes:
        begun: `trained` where the epoch began that now goes on, if it does.
    """

    def __init__(
        self, seed: int | Sequence[int] | np.ndarray | None = None, **kwargs
    ):
        super().__init__(**{"trainable": False, **kwargs})
        if seed is None:
            seed = python_random.randrange(2**31)
        key = as_seed(seed).key.numpy()
        self.seed = key.tolist()
        self.state = self.add_weight(
            name="state",
            shape=(4,),
            dtype="int64",
            initializer=lambda shape, dtype: np.array([*key, 0, 0], dtype),
            trainable=False,
            autocast=False,
            aggregation="only_first_replica",
        )
        self.begun: int | None = None
        self.built = True

    def next(self, stream: int = TRAINING) -> Seed:
        """A new `Seed`; the counter of its stream moves on by one.

        Threads that draw at the same time get different ones.
        """
        check_not_forked()
        held = self.state.value
        step = tf.one_hot(2 + stream, 4, dtype=tf.int64)
        with _one_at_a_time():
            state = tf.convert_to_tensor(held)
            # Not a value: the other stream may have moved on meanwhile.
            held.assign_add(step)
        root = Seed(state[:2])
        return fold_in(root, 2 * state[2 + stream] + stream)

    @property
    def trained(self) -> int:
        """How many draws training has made."""
        return int(self.state.numpy()[2 + TRAINING])

    def epoch_key(self) -> tuple[int, int]:
        """Two ints for the order of the epoch that now begins.

        Of one that goes on in its middle: those with which it began.
        """
        first, second, trained, _ = self.state.numpy().tolist()
        trained = trained if self.begun is None else self.begun
        mixed = np.random.SeedSequence(
            [first % 2**64, second % 2**64, trained]
        ).generate_state(2, np.uint64)
        return tuple((mixed >> 1).astype(np.int64).tolist())

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {**super().get_config(), "seed": self.seed}
