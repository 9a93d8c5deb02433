"""Metrics that compare data with samples, and divergences."""

from genzoo.metrics.frechet_distance import FrechetDistance, frechet_distance
from genzoo.metrics.mode_coverage import ModeCoverage

__all__ = ["FrechetDistance", "ModeCoverage", "frechet_distance"]
