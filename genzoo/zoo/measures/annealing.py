"""log Z of a preset, estimated again."""

from typing import Any

from genzoo.partition import LogPartition


def log_partition_again(
    model: Any, chains: int, temperatures: int
) -> LogPartition:
    """A `LogPartition` by chains that are not those of the card.

    The model goes on to know the log Z that it knew.
    """
    known = model.known_log_partition.numpy()
    result = model.log_partition(
        "ais", chains=chains, temperatures=temperatures, seed=1
    )
    model.known_log_partition.assign(known)
    return result
