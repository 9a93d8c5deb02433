"""Places of sites: coordinates in which long tails are short."""

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.common.given import Given
from genzoo.runtime import data
from genzoo.spaces import Space
from genzoo.types import Array

# Numbers of the data that are looked at.
_NUMBERS = 2**21
# Data that reach so many standard deviations from their mean have long tails.
_LONG = 8.0
# The share of data within one standard deviation, of normal ones.
_WITHIN = 0.683
# Of |p - c| / s: the square of sinh is a number of float32.
_MOST = 40.0
# The least distance from a single end that is integrated, in scales.
_LEAST = 1e-8


class Places:
    """`p = c + s asinh((x - c) / s)` of real sites with long tails.

    Near the centre c a place is x, far away it is its logarithm. A network
    that sees x itself, and a reference that is normal in x, say nothing of
    what lies at a hundred standard deviations but by accident. Where the
    scale s is 0, p = x; a single end stays where it is.

    Args:
        space: a `Space`, a product of sites.
        stretch: variable, (width, 2): c and s of each site.

    Attributes:
        sites: which sites may have long tails, bool (width,).
    """

    def __init__(self, space: Space, stretch: keras.Variable):
        self.stretch = stretch
        self.sites = np.zeros(space.width, bool)
        self.sites[space.real_sites] = True
        self.sites &= space.unbounded
        self._end = np.where(
            np.isfinite(space.low),
            space.low,
            np.where(np.isfinite(space.high), space.high, np.nan),
        )

    def _parts(self, dtype):
        """(c, s, whether s > 0), with 1 for s that are 0."""
        both = tf.cast(tf.convert_to_tensor(self.stretch.value), dtype)
        centre, scale = tf.unstack(both, axis=1)
        is_long = scale > 0
        return centre, tf.where(is_long, scale, tf.ones_like(scale)), is_long

    def of(self, x: tf.Tensor) -> tf.Tensor:
        """The places of states (rows, width)."""
        if not self.sites.any():
            return x
        centre, scale, is_long = self._parts(x.dtype)
        held = tf.where(is_long, x, centre)
        far = centre + scale * _asinh((held - centre) / scale)
        return tf.where(is_long, far, x)

    def at(self, places: tf.Tensor) -> tf.Tensor:
        """The states at places."""
        if not self.sites.any():
            return places
        centre, scale, is_long = self._parts(places.dtype)
        held = tf.where(is_long, places, centre)
        away = tf.clip_by_value((held - centre) / scale, -_MOST, _MOST)
        return tf.where(is_long, centre + scale * tf.sinh(away), places)

    def log_slopes_at(self, places: tf.Tensor) -> tf.Tensor:
        """log dx/dp of each site at places, (rows, width)."""
        centre, scale, is_long = self._parts(places.dtype)
        held = tf.where(is_long, places, centre)
        away = tf.clip_by_value((held - centre) / scale, -_MOST, _MOST)
        slope = tf.math.log(0.5 * (tf.exp(away) + tf.exp(-away)))
        return tf.where(is_long, slope, tf.zeros_like(slope))

    def log_slope_at(
        self, places: tf.Tensor, seen: tf.Tensor | None = None
    ) -> tf.Tensor:
        """Their sum, (rows,).

        Args:
            places: (rows, width).
            seen: of which sites, bool (rows, width); None for all.
        """
        if not self.sites.any():
            return tf.zeros(tf.shape(places)[:1], places.dtype)
        slopes = self.log_slopes_at(places)
        if seen is not None:
            slopes = tf.where(seen, slopes, tf.zeros_like(slopes))
        return tf.reduce_sum(slopes, axis=1)

    def fit(
        self,
        given: Given,
        mean: Array,
        spread: Array,
        steps: int | None = None,
    ) -> tuple[Array, Array]:
        """Find the sites whose tails are long, in the first of the data.

        Args:
            given: checked examples.
            mean: of each site.
            spread: their standard deviations.
            steps: how many batches of a dataset to see; None means all.

        Returns:
            the means and the standard deviations of places.
        """
        if not self.sites.any():
            return mean, spread
        mean, spread = np.array(mean, float), np.array(spread, float)
        stretch = np.zeros(self.stretch.shape)
        x, weight, seen = data.first_rows(given, _NUMBERS, steps)
        known = seen & (weight > 0)[:, None] & self.sites
        away = np.abs(np.where(known, x - mean, 0.0)).max(axis=0)
        for site in np.flatnonzero(away > _LONG * spread):
            if spread[site] <= 0:
                continue
            rows = known[:, site]
            own = x[rows, site].astype(np.float64)
            centre, scale = self._middle(own, self._end[site])
            places = centre + scale * np.arcsinh((own - centre) / scale)
            share = weight[rows] / weight[rows].sum()
            mean[site] = share @ places
            spread[site] = np.sqrt(share @ (places - mean[site]) ** 2)
            stretch[site] = centre, scale
        self.stretch.assign(stretch)
        return mean, spread

    @staticmethod
    def _middle(x, end):
        """(centre, scale) of most of the data."""
        centre = np.median(x) if np.isnan(end) else end
        away = np.abs(x - centre)
        scale = np.quantile(away, _WITHIN)
        # More than so many may be at the centre itself.
        return centre, scale or np.median(away[away > 0])

    def window(self, places: tf.Tensor) -> tf.Tensor:
        """Intervals of places as those of a grid that `spaces.Stretch` makes.

        Args:
            places: float64 (width, 2).
        """
        if not self.sites.any():
            return places
        centre, scale, is_long = (p[:, None] for p in self._parts(places.dtype))
        away = tf.where(is_long, (places - centre) / scale, 0.0)
        if np.isfinite(self._end).any():
            single = (self.sites & np.isfinite(self._end))[:, None]
            far = tf.maximum(tf.sinh(tf.abs(away)), _LEAST)
            # Of a site that ends above the farthest place is the lowest.
            log_far = tf.sort(tf.math.log(far), axis=1)
            away = tf.where(single, log_far, away)
        return tf.where(is_long, tf.asinh(away / (0.5 * np.pi)), places)


def _asinh(z):
    """As TensorFlow's, which ONNX and LiteRT files cannot hold."""
    size = tf.where(z < 0, -z, z)
    found = tf.math.log(size + tf.sqrt(size**2 + 1))
    return tf.where(z < 0, -found, found)
