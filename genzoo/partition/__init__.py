"""The partition function Z: exact, or estimated in both directions."""

from genzoo.partition.annealed import (
    anneal,
    anneal_islands,
    annealed_importance,
    summarise,
)
from genzoo.partition.bipartite import AnnealingPath, Layers
from genzoo.partition.enumeration import expectation
from genzoo.partition.log_partition import LogPartition
from genzoo.partition.onsager import (
    CRITICAL_TEMPERATURE,
    onsager_energy,
    onsager_magnetisation,
    torus_energy,
    torus_log_partition,
)
from genzoo.partition.transfer_matrix import (
    sample_transfer_matrix,
    transfer_matrix,
)

__all__ = [
    "CRITICAL_TEMPERATURE",
    "AnnealingPath",
    "Layers",
    "LogPartition",
    "anneal",
    "anneal_islands",
    "annealed_importance",
    "expectation",
    "onsager_energy",
    "onsager_magnetisation",
    "sample_transfer_matrix",
    "summarise",
    "torus_energy",
    "torus_log_partition",
    "transfer_matrix",
]
