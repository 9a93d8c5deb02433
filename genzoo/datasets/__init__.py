"""Data sets that ship with genzoo or are made by it."""

from genzoo.datasets import digits
from genzoo.datasets.ising_model import ising

__all__ = ["digits", "ising"]
