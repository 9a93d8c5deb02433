"""Operations on words of 32 bits, of arrays on the host and of tensors alike.

The first argument says which: NumPy's arrays give arrays at once, without a
graph to compile; all else gives tensors.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

ONES = np.uint32(0xFFFFFFFF)
ZERO = np.uint32(0)


def is_host(word: Any) -> bool:
    """Whether a word is an array of the host."""
    return isinstance(word, np.ndarray)


def _either(of_arrays: Callable, of_tensors: Callable) -> Callable:
    def apply(word, *others):
        chosen = of_arrays if isinstance(word, np.ndarray) else of_tensors
        return chosen(word, *others)

    return apply


and_ = _either(np.bitwise_and, tf.bitwise.bitwise_and)
or_ = _either(np.bitwise_or, tf.bitwise.bitwise_or)
xor = _either(np.bitwise_xor, tf.bitwise.bitwise_xor)
not_ = _either(np.invert, tf.bitwise.invert)


def left(word: Any, places: int) -> Any:
    """Shifted to the left."""
    if is_host(word):
        return word << np.uint32(places)
    return tf.bitwise.left_shift(word, tf.constant(places, tf.uint32))


def right(word: Any, places: Any) -> Any:
    """Shifted to the right."""
    if is_host(word):
        return word >> np.uint32(places)
    return tf.bitwise.right_shift(word, tf.constant(places, tf.uint32))


def joined(parts: Sequence, axis: int) -> Any:
    """Arrays or tensors one behind the other."""
    if is_host(parts[0]):
        return np.concatenate(parts, axis)
    return tf.concat(parts, axis)


def parted(word: Any, places: int, axis: int) -> Any:
    """The first places along an axis, and the others."""
    if is_host(word):
        ends = (slice(None),) * axis
        return word[(*ends, slice(places))], word[(*ends, slice(places, None))]
    return tf.split(word, [places, word.shape[axis] - places], axis)


def below(word: Any, number: Any) -> Any:
    """All bits where a word is below a number, else none."""
    if is_host(word):
        return np.where(word < np.uint32(number), ONES, ZERO)
    return tf.where(word < tf.cast(number, tf.uint32), ONES, ZERO)


def at_place(word: Any, places: np.ndarray, count: int) -> Any:
    """All bits at the place, of those numbered, that a word mod count is."""
    if is_host(word):
        return np.where(word.astype(np.int64) % count == places, ONES, ZERO)
    return tf.where(tf.cast(word, tf.int64) % count == places, ONES, ZERO)


def is_any(word: Any) -> Any:
    """Whether any bit is set."""
    if is_host(word):
        return bool(word.any())
    return tf.reduce_any(tf.not_equal(word, ZERO))
