"""Looks at the first batches of a dataset, which leave its caches whole.

TensorFlow (2.16 to 2.21) takes a cache for complete that is not: where an
iterator ends before its dataset does, while another thread reads ahead
through `cache()` from a stage that runs in threads as well, that stage reports
an end instead of an interruption, and all later passes see the few elements
read so far. `Dataset.take` ends an iterator in this way, too.
"""

import collections
from collections.abc import Iterator
from typing import Any

import tensorflow as tf

# Iterators that a cache keeps. Older ones have long filled what they read
# ahead, so that they end at rest.
_KEPT = 8


def first_batches(
    dataset: tf.data.Dataset, steps: int | None = None
) -> Iterator[Any]:
    """The elements of a dataset, of which a caller need not read all.

    A cache in memory keeps the iterator, so that it does not end before the
    cache is complete. A cache in a file allows one iterator at a time and is
    filled beforehand, as the first pass would.

    Args:
        dataset: with any elements.
        steps: how many elements to see; None means all.
    """
    caches = _caches(dataset)
    for cache in caches:
        _fill(cache)
    if steps is not None and not caches:
        # So that nothing is read ahead of what is asked for.
        dataset = dataset.take(steps)
    reader = iter(dataset)
    for cache in caches:
        # The iterator holds the cache: a weak mapping would never end.
        if not hasattr(cache, "_genzoo_readers"):
            cache._genzoo_readers = collections.deque(maxlen=_KEPT)
        cache._genzoo_readers.append(reader)
    read = 0
    while steps is None or read < steps:
        try:
            element = next(reader)
        except StopIteration:
            return
        read += 1
        yield element


def _caches(dataset):
    """All caches that a dataset reads, the first of them first."""
    found: list = []
    if not isinstance(dataset, tf.data.Dataset):
        return found
    for source in dataset._inputs():
        found += [one for one in _caches(source) if one not in found]
    return found + [dataset] * (type(dataset).__name__ == "CacheDataset")


def _fill(cache):
    path = cache._filename.numpy().decode()
    endless = cache.cardinality() == tf.data.INFINITE_CARDINALITY
    if not path or endless or tf.io.gfile.exists(path + ".index"):
        return
    options = tf.data.Options()
    # Nothing reads ahead through it, if the loop is interrupted.
    options.experimental_optimization.inject_prefetch = False
    for _ in cache.with_options(options):
        pass
