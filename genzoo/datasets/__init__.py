"""Data sets that ship with genzoo or are made by it."""

from genzoo.datasets import digits

__all__ = ["digits"]
