"""The partition function Z: exact, or estimated in both directions."""

from genzoo.partition.annealed import anneal, annealed_importance, summarise
from genzoo.partition.bipartite import AnnealingPath, Layers
from genzoo.partition.enumeration import expectation
from genzoo.partition.log_partition import LogPartition

__all__ = [
    "AnnealingPath",
    "Layers",
    "LogPartition",
    "anneal",
    "annealed_importance",
    "expectation",
    "summarise",
]
