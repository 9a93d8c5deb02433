"""`tf.distribute`: replicas, their share of a batch, and their chains.

Keras's optimizers add the gradients of the replicas. So every sum over a
batch here is weighed by one over the *global* number of rows: the replicas'
gradients then add up to the gradient of the whole batch, also when the last
batch is divided unevenly.
"""

import contextlib
from collections.abc import (
    Callable,
    Iterator,
    Mapping,
    MutableMapping,
    Sequence,
)
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo.runtime.memory import check_memory


def check_supported() -> None:
    """Refuse distribution settings that train wrongly or not at all.

    Raises:
        ValueError: for a `keras.distribution` setting, which does nothing on
            TensorFlow, and for strategies Keras 3 cannot train under.
    """
    if keras.distribution.distribution() is not None:
        raise ValueError(
            "keras.distribution has no effect on the TensorFlow backend: the "
            "model would train on one device. Remove it with "
            "keras.distribution.set_distribution(None) and build the model in "
            "the scope of a tf.distribute strategy."
        )
    strategy = tf.distribute.get_strategy()
    refused = (
        tf.distribute.experimental.ParameterServerStrategy,
        tf.distribute.ParameterServerStrategy,
        tf.distribute.experimental.CentralStorageStrategy,
    )
    if isinstance(strategy, refused):
        raise ValueError(
            f"Keras 3 does not train under {type(strategy).__name__}. Use "
            "MirroredStrategy, MultiWorkerMirroredStrategy, TPUStrategy or "
            "OneDeviceStrategy."
        )


def check_compile(jit_compile: bool | str) -> None:
    """Refuse compile options that fail on several mirrored replicas.

    Raises:
        ValueError: for `jit_compile=True` on more than one mirrored replica
            (keras issue 19005).
    """
    strategy = tf.distribute.get_strategy()
    if jit_compile is True and are_mirrored(strategy):
        raise ValueError(
            "compile: jit_compile=True fails in Keras 3 under "
            f"{type(strategy).__name__} with "
            f"{strategy.num_replicas_in_sync} replicas. Use jit_compile=False."
        )


def are_mirrored(strategy: tf.distribute.Strategy) -> bool:
    """Whether there are several replicas, each with variables of its own."""
    mirrored = isinstance(strategy, tf.distribute.MirroredStrategy)
    several = strategy.num_replicas_in_sync > 1
    return several and (mirrored or is_multi_worker(strategy))


class SeveralSteps:
    """`steps_per_execution` on mirrored replicas, where Keras's own fails.

    Keras asks a distributed iterator, inside a loop, whether it has another
    batch (keras issue 19246). Here the number is known before. A loop takes
    batches of one size, since a reduction in it knows one shape (only the last
    of an epoch is outside); others are looped over in Python.

    Args:
        strategy: of the replicas.
        most: steps of one call.

    Attributes:
        left: batches of the present epoch that are still to come, or None.
        is_even: whether all batches but the last of an epoch have one size.
    """

    def __init__(self, strategy: tf.distribute.Strategy, most: int):
        self.strategy = strategy
        self.most = most
        self.left: int | None = None
        self.is_even = False

    def follow(self, epochs: Any) -> None:
        """Count the batches of Keras's iterator over epochs."""
        whole = epochs._enumerate_iterator
        if getattr(whole, "is_counted", False):
            return

        def counted() -> Iterator:
            total = epochs.steps_per_epoch or epochs.data_adapter.num_batches
            for begin, end, iterator in whole():
                self.left = total - begin if total else None
                yield begin, end, iterator

        counted.is_counted = True  # type: ignore[attr-defined]
        epochs._enumerate_iterator = counted

    def function(self, step: Callable, are_fixed: bool = False) -> Callable:
        """What makes some steps, of an iterator, and gives the last logs.

        Args:
            step: of one batch, in each replica.
            are_fixed: whether what it reduces has one shape for all batches.
        """

        def one(batch):
            logs = self.strategy.run(step, args=(batch,))
            return tf.nest.map_structure(self._mean, logs)

        def several(iterator, count):
            def body(number):
                one(iterator.get_next())
                return number + 1

            tf.while_loop(
                lambda number: number < count - 1,
                body,
                (tf.zeros((), tf.int32),),
                parallel_iterations=1,
            )
            return one(iterator.get_next())

        single, loop = (
            tf.function(made, reduce_retracing=True, autograph=False)
            for made in (one, several)
        )

        def function(iterator):
            most = self.most if self.left is None else min(self.most, self.left)
            if most > 0 and self.left and (are_fixed or self.is_even):
                return loop(iterator, tf.constant(most))
            logs = None
            for _ in range(most):
                found = iterator.get_next_as_optional()
                if not found.has_value():
                    break
                logs = single(found.get_value())
            if logs is None:
                raise StopIteration
            return logs

        return function

    def _mean(self, value):
        mean = self.strategy.reduce(tf.distribute.ReduceOp.MEAN, value, None)
        # With several workers logs have a length; see `shape_logs`.
        return tf.reshape(mean, ()) if mean.shape == (1,) else mean


def check_scope(owner: str, name: str, model: keras.Model) -> None:
    """Raise a ValueError unless a Keras model was made in this scope."""
    has_strategy = tf.distribute.has_strategy()
    current = tf.distribute.get_strategy() if has_strategy else None
    if model._distribute_strategy is not current:
        raise ValueError(
            f"{owner}: {name} was made in the scope of another tf.distribute "
            "strategy, or of none. Make the networks in the scope in which "
            "they are put together."
        )


def is_multi_worker(strategy: tf.distribute.Strategy | None = None) -> bool:
    """Whether a strategy, by default the current one, spans processes."""
    strategy = strategy or tf.distribute.get_strategy()
    return isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)


def is_chief(strategy: tf.distribute.Strategy | None = None) -> bool:
    """Whether this process writes what all workers agree on."""
    strategy = strategy or tf.distribute.get_strategy()
    return not is_multi_worker(strategy) or strategy.extended.should_checkpoint


def gathered(
    strategy: tf.distribute.Strategy, numbers: Sequence[int]
) -> np.ndarray:
    """Whole numbers of each replica, (replicas, n); all workers call it."""
    own = strategy.run(lambda: tf.constant([numbers], tf.int64))
    return strategy.gather(own, axis=0).numpy()


@contextlib.contextmanager
def told_of_workers(
    where: str, strategy: tf.distribute.Strategy
) -> Iterator[None]:
    """Turns TensorFlow's error after the loss of a worker into what it means.

    Args:
        where: who asks, for messages.
        strategy: of the model.
    """
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.InternalError) as error:
        is_lost = isinstance(error, tf.errors.UnavailableError)
        is_lost = is_lost or "Collective ops is aborted" in str(error)
        if not is_lost or not is_multi_worker(strategy):
            raise
        raise tf.errors.UnavailableError(
            None,
            None,
            f"{where}: another worker has ended or cannot be reached, so that "
            "this one cannot go on. Look at the logs of the others, and start "
            "all of them again: with keras.callbacks.BackupAndRestore they go "
            f"on where the last backup was made. TensorFlow said: {error}",
        ) from None


def is_mirrored(value: Any) -> bool:
    """Whether it is a variable that has a copy on each replica."""
    return isinstance(value, tf.distribute.DistributedValues)


def is_shared_out(dataset: Any) -> bool:
    """Whether a dataset is already divided among replicas."""
    return isinstance(dataset, tf.distribute.DistributedDataset)


def replica_count(strategy: tf.distribute.Strategy | None = None) -> int:
    """The number of replicas of a strategy, by default the current one."""
    strategy = strategy or tf.distribute.get_strategy()
    return strategy.num_replicas_in_sync


def replica_id() -> int | tf.Tensor:
    """This replica's number; 0 outside a replica."""
    context = tf.distribute.get_replica_context()
    return 0 if context is None else context.replica_id_in_sync_group


def on_several_replicas() -> bool:
    """Whether this is one of several replicas that compute side by side."""
    context = tf.distribute.get_replica_context()
    return context is not None and replica_count() > 1


def all_sum(value: Any) -> Any:
    """The sum of `value` over the replicas, the same on each."""
    if not on_several_replicas():
        return value
    return tf.distribute.get_replica_context().all_reduce(
        tf.distribute.ReduceOp.SUM, value
    )


def global_rows(
    rows: int | tf.Tensor,
) -> tuple[int | tf.Tensor, int | tf.Tensor]:
    """(first, total): where this replica's rows begin, and how many are all.

    Args:
        rows: the number of rows of this replica, which may differ from
            another's in the last batch of an epoch.
    """
    if not on_several_replicas():
        return 0, rows
    others = tf.range(replica_count())
    counts = all_sum(tf.where(others == replica_id(), rows, 0))
    first = tf.reduce_sum(tf.where(others < replica_id(), counts, 0))
    return first, tf.reduce_sum(counts)


def all_rows(values: tf.Tensor) -> tf.Tensor:
    """The rows of all replicas, (total, ...), the same on each."""
    if not on_several_replicas():
        return values
    rows = tf.shape(values)[0]
    first, total = global_rows(rows)
    own = (first + tf.range(rows))[:, None]
    shape = tf.concat([[total], tf.shape(values)[1:]], axis=0)
    return all_sum(tf.scatter_nd(own, values, shape))


def share_of_mean(values: tf.Tensor) -> tf.Tensor:
    """This replica's share of the mean of values over all replicas' rows."""
    _, total = global_rows(tf.shape(values)[0])
    return tf.reduce_sum(values) / tf.cast(total, values.dtype)


def share(value: float | tf.Tensor) -> float | tf.Tensor:
    """This replica's share of what does not depend on its rows."""
    return value / replica_count()


def mirrored_weight(
    layer: keras.layers.Layer,
    name: str,
    shape: tuple[int, ...],
    initializer: Any = "zeros",
    **options: Any,
) -> keras.Variable:
    """A weight of a layer that no optimizer changes, equal on all replicas.

    Args:
        layer: whose weight it is.
        name: of the weight.
        shape: of the weight.
        initializer: as in Keras.
        **options: of `add_weight`, such as dtype or trainable.
    """
    return layer.add_weight(
        **{
            "name": name,
            "shape": shape,
            "initializer": initializer,
            "trainable": False,
            "autocast": False,
            "aggregation": "only_first_replica",
            **options,
        }
    )


def filled(*parts: tf.Tensor) -> list[tf.Tensor]:
    """The parts, arrays of as many rows, with a row of zeros if there is none.

    A replica may have no rows of a last batch, and oneDNN has no convolution
    of nothing with a bias.
    """
    missing = tf.maximum(1 - tf.shape(parts[0])[0], 0)
    return [
        tf.pad(part, [[0, missing], *([0, 0] for _ in part.shape[1:])])
        for part in parts
    ]


def shape_logs(logs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Logs in the shape that `fit` can reduce: (1,) with several workers."""
    if not is_multi_worker():
        return logs
    return {name: tf.reshape(value, (1,)) for name, value in logs.items()}


@keras.saving.register_keras_serializable("genzoo")
class Chains(keras.layers.Layer):
    """Persistent Markov chains, shared out evenly among the replicas.

    Each replica reads and writes its own chains. A save holds all of them, in
    the order of the replicas, and loads on any number of replicas that
    divides theirs.

    Args:
        count: number of chains on all replicas together.
        width: length of one chain's state.

    Raises:
        ValueError: if the chains need more memory than the machine has, or
            cannot be divided evenly among the replicas.
    """

    def __init__(self, count: int, width: int, **kwargs):
        super().__init__(**{"trainable": False, **kwargs})
        replicas = replica_count()
        if count < 1 or count % replicas:
            raise ValueError(
                f"chains={count} must be a positive multiple of the "
                f"{replicas} replicas that share them."
            )
        check_memory("chains", count, width)
        self.count = count
        self.width = width
        self._refused: tuple[int, ...] | None = None
        strategy = tf.distribute.get_strategy()
        self._strategy = strategy
        # The numbers of this process's replicas among all.
        self._shares = [
            int(number)
            for number in strategy.experimental_local_results(
                strategy.run(lambda: tf.convert_to_tensor(replica_id()))
            )
        ]
        self.states = keras.Variable(
            lambda shape, dtype: tf.zeros(shape, dtype),
            shape=(count // replicas, width),
            dtype=self.variable_dtype,
            trainable=False,
            autocast=False,
            name="chains",
            synchronization="on_read",
            aggregation="only_first_replica",
        )
        self.built = True

    @property
    def local_count(self) -> int:
        """The number of chains of one replica."""
        return self.states.shape[0]

    @property
    def first_row(self) -> int | tf.Tensor:
        """The number of this replica's first chain."""
        if not on_several_replicas():
            return 0
        return replica_id() * self.local_count

    def _parts(self):
        if on_several_replicas():
            return [self.states.value]
        # A distributed variable knows its parts also outside of the scope.
        return getattr(self.states.value, "values", (self.states.value,))

    def read_all(self) -> tf.Tensor:
        """The chains of all replicas of this process, (chains, width).

        Inside a replica: its own.
        """
        return tf.concat([tf.identity(part) for part in self._parts()], axis=0)

    def write_all(self, states: np.ndarray | tf.Tensor) -> None:
        """Set the chains of all replicas; outside of a replica only."""
        shares = tf.split(states, self.count // self.local_count)
        for part, share in zip(self._parts(), self._shares, strict=True):
            part.assign(tf.cast(shares[share], part.dtype))

    def save_own_variables(
        self, store: MutableMapping[str, np.ndarray]
    ) -> None:
        """Write the chains of all replicas as one array.

        With several workers each must call it, as for any such save.
        """
        states = self.read_all()
        if len(states) < self.count:
            states = self._strategy.gather(states, axis=0)
        store["states"] = states.numpy()

    def load_own_variables(self, store: Mapping[str, np.ndarray]) -> None:
        """Read what `save_own_variables` wrote.

        Raises:
            ValueError: if the file holds another number of chains.
        """
        expected = (self.count, self.width)
        states = store["states"][...] if "states" in store else None
        # Keras asks a second time, without the values, when this has raised.
        found = self._refused if states is None else states.shape
        self._refused = None
        if found is None:
            raise ValueError(
                "The file holds no persistent chains, and this model was "
                "compiled with PersistentContrastiveDivergence. Load the "
                "weights before `compile`, or compile with the loss that the "
                "file was trained with."
            )
        if found != expected:
            self._refused = found
            raise ValueError(
                f"The file holds persistent chains of shape {found}; "
                f"this model has {expected}. Compile with "
                f"PersistentContrastiveDivergence(chains={found[0]})."
            )
        self.write_all(states)

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "count": self.count,
            "width": self.width,
        }
