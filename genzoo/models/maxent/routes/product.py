"""Sites that do not depend on each other: one sum for each of them."""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf

from genzoo import partition
from genzoo.features.feature import OneSite
from genzoo.models.maxent.density import Density
from genzoo.models.maxent.routes.route import ExactRoute, Moments
from genzoo.models.maxent.routes.window import Alone, Window, tail_bound
from genzoo.runtime import random
from genzoo.spaces.grid import Stretch, moving_axes, whole_axis
from genzoo.types import Array

# Nodes of a continuous site, and how many whole numbers are summed.
_NODES = 512
_WHOLE = 2**16
# The coarser sum has so many times fewer nodes.
_COARSER = 1.4
# Numbers of the features at all points of all sites.
_MOST_NUMBERS = 2**24
_CORRECTIONS = 12
# Pairs of functions of the same site, of all sites, that are held together.
_MOST_PAIRS = 2**23


class Slots(NamedTuple):
    """The functions of each site, as many places for each, some empty.

    Attributes:
        function: which of the functions, (sites, most); their number where
            there is none.
        owner: the feature that each is a part of, (sites, most); the number
            of features where there is none.
        functions: their number.
        features: the number of features.
    """

    function: Array
    owner: Array
    functions: int
    features: int

    @classmethod
    def of(cls, parts: OneSite, width: int, features: int) -> "Slots":
        """Of functions of one site each."""
        most = int(np.bincount(parts.sites, minlength=width).max())
        count = len(parts.sites)
        function = np.full((width, most), count)
        owner = np.full((width, most), features)
        order = np.argsort(parts.sites, kind="stable")
        sites = parts.sites[order]
        place = np.arange(count) - np.searchsorted(sites, sites)
        function[sites, place] = order
        owner[sites, place] = parts.owners[order]
        return cls(function, owner, count, features)

    @property
    def are_many(self) -> bool:
        """Whether their pairs are more than those of the features of a site.

        One site with many functions gives as many places to all.
        """
        sites, most = self.function.shape
        return sites * most**2 > _MOST_PAIRS

    def spread(self, values: tf.Tensor) -> tf.Tensor:
        """Functions (n, functions) by site, (n, sites, most), 0 if none."""
        padded = tf.pad(values, [[0, 0], [0, 1]])
        return tf.gather(padded, self.function, axis=1)

    def of_features(self, values: tf.Tensor) -> tf.Tensor:
        """What belongs to each feature, (sites, most) from (features,)."""
        return tf.gather(tf.pad(values, [[0, 1]]), self.owner)

    @property
    def parts_of(self) -> Array:
        """Of how many functions each feature is a sum, (features,)."""
        found = np.bincount(self.owner.ravel(), minlength=self.features + 1)
        return found[:-1].astype(float)

    def sum(self, values: tf.Tensor) -> tf.Tensor:
        """Sums for each feature, (features,), of (sites, most)."""
        found = tf.math.unsorted_segment_sum(
            tf.reshape(values, (-1,)), self.owner.ravel(), self.features + 1
        )
        return found[:-1]

    def sum_pairs(self, values: tf.Tensor) -> tf.Tensor:
        """Sums for each two features, of (sites, most, most)."""
        size = self.features + 1
        pair = self.owner[:, :, None] * size + self.owner[:, None, :]
        found = tf.math.unsorted_segment_sum(
            tf.reshape(values, (-1,)), pair.ravel(), size * size
        )
        return tf.reshape(found, (size, size))[:-1, :-1]


class Group(NamedTuple):
    """The points of sites of one kind side by side.

    Attributes:
        sites: which ones, an int array.
        x: (points, sites).
        log_weights: (points, sites).
        low: where the cell of each begins, in places u; the level itself.
        high: where it ends.
        log_slopes: log |dx/du|, (points, sites).
        stretch: how x follows from u; None where they are the same.
    """

    sites: Array
    x: tf.Tensor
    log_weights: tf.Tensor
    low: tf.Tensor
    high: tf.Tensor
    log_slopes: tf.Tensor
    stretch: Stretch | None = None


class Points:
    """The points of all sites side by side, with as many for each.

    What is more than a site has comes again, with no weight.

    Args:
        groups: that together hold each site once.
    """

    def __init__(self, groups: list[Group]):
        self.groups = groups
        sites = np.concatenate([group.sites for group in groups])
        self.order = np.argsort(sites)
        self.is_ordered = bool((np.diff(sites) > 0).all())
        sizes = [tf.shape(group.x)[0] for group in groups]
        self.most = tf.reduce_max(tf.stack(sizes))

    @functools.cached_property
    def x(self) -> tf.Tensor:
        """The values, (points, sites)."""
        return self.side_by_side("x")

    @functools.cached_property
    def log_weights(self) -> tf.Tensor:
        """(points, sites); -inf for what comes again."""
        return self.side_by_side("log_weights", -np.inf)

    def side_by_side(self, name: str, fill: float | None = None) -> tf.Tensor:
        """An attribute of the groups for all sites, (points, sites).

        Args:
            name: of the attribute.
            fill: what stands where a site has no more; None repeats its last.
        """
        columns = []
        for group in self.groups:
            part = tf.convert_to_tensor(getattr(group, name), tf.float64)
            if len(self.groups) > 1:
                rest = self.most - tf.shape(part)[0]
                end = part[-1:]
                if fill is not None:
                    end = tf.fill(tf.shape(end), np.float64(fill))
                part = tf.concat([part, tf.repeat(end, rest, axis=0)], axis=0)
            columns.append(part)
        return self.in_order(columns)

    def in_order(self, columns: list[tf.Tensor]) -> tf.Tensor:
        """Columns of the groups, (n, sites), in the order of the sites."""
        found = columns[0] if len(columns) == 1 else tf.concat(columns, axis=1)
        return (
            found if self.is_ordered else tf.gather(found, self.order, axis=1)
        )

    def inside(self, places: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """(x, log |dx/du|) of places (n, sites) in cells."""
        parts = []
        for group in self.groups:
            own = tf.gather(places, group.sites, axis=1)
            if group.stretch is None:
                parts.append((own, tf.zeros_like(own)))
            else:
                parts.append(group.stretch(own))
        x, log_slopes = (
            self.in_order(list(columns)) for columns in zip(*parts, strict=True)
        )
        return x, log_slopes


def _closed(space, sites, nodes, breaks):
    """The `Group` of sites that have ends: all is known before."""
    axes = [space.axis(site, nodes, breaks) for site in sites]
    most = max(len(axis.values) for axis in axes)

    def columns(parts, fill=None):
        longer = [
            np.append(
                part,
                np.full(most - len(part), part[-1] if fill is None else fill),
            )
            for part in parts
        ]
        return np.stack(longer, axis=1)

    has_cells = [axis.edges is not None for axis in axes]
    pairs = list(zip(axes, has_cells, strict=True))
    low = [a.edges[:-1] if c else a.values for a, c in pairs]
    high = [a.edges[1:] if c else a.values for a, c in pairs]
    x = columns([axis.values for axis in axes])
    log_weights = columns([axis.log_weights for axis in axes], -np.inf)
    slopes = np.zeros_like(x)
    return Group(sites, x, log_weights, columns(low), columns(high), slopes)


def _whole(sites, extent):
    """The `Group` of whole numbers without end."""
    own = tf.transpose(tf.gather(extent[:, :2], sites))
    # As many as the widest window holds, which may be few.
    widest = tf.cast(tf.reduce_max(own[1] - own[0]), tf.int32) + 1
    axis = whole_axis(own, tf.minimum(widest, _WHOLE))
    x, log_weights = axis.values, axis.log_weights
    return Group(sites, x, log_weights, x, x, tf.zeros_like(x))


def _open(space, sites, extent, nodes, breaks):
    """The `Group` of unbounded sites that end, or not, on the same side."""
    low, high = (tf.gather(end, sites) for end in space.bounds(extent[:, :2]))
    left, right, centre, scale = tf.unstack(tf.gather(extent, sites), axis=1)
    end, sign = None, 1.0
    if np.isfinite(space.low[sites[0]]):
        end = space.low[sites]
    elif np.isfinite(space.high[sites[0]]):
        end, sign = space.high[sites], -1.0
    how = Stretch(centre, scale, end, sign)
    low = tf.where(scale > 0, left, low)
    high = tf.where(scale > 0, right, high)
    found: Any = moving_axes(low, high, nodes, breaks, how)
    slopes, edges = how(found.places)[1], found.edges
    return Group(
        sites,
        found.values,
        found.log_weights,
        edges[:-1],
        edges[1:],
        slopes,
        how,
    )


class ProductRoute(ExactRoute):
    """Independent sites: log Z is a sum of those of the sites.

    Args:
        density: the `Density`, whose features are of one site each.
        window: where unbounded sites are integrated, each for itself.
        parts: what the features are.
    """

    name = "independent_sites"

    def __init__(self, density: Density, window: Window, parts: OneSite):
        super().__init__(density, window)
        self.parts = parts
        space = density.space
        self.slots = Slots.of(parts, space.width, len(density.features))
        self._is_integral = len(space.real_sites) > 0
        window.alone = alone_of(density, parts, self.slots)

    def points(
        self, nodes: int | None = None, extent: tf.Tensor | None = None
    ) -> Points:
        """The `Points`, those of unbounded sites in the window."""
        density = self.density
        nodes = nodes or density.features.nodes or _NODES
        breaks, space = density.features.breaks, density.space
        if extent is None:
            extent = self.window.extent()
        groups = []
        for kind, sites in self._kinds.items():
            if kind == "closed":
                groups.append(_closed(space, sites, nodes, breaks))
            elif kind == "whole":
                groups.append(_whole(sites, extent))
            else:
                groups.append(_open(space, sites, extent, nodes, breaks))
        return Points(groups)

    @functools.cached_property
    def _kinds(self):
        """The sites by what their points are like."""
        space = self.density.space
        kinds = np.select(
            [~space.unbounded, space.whole, np.isfinite(space.low)],
            ["closed", "whole", "above"],
            np.where(np.isfinite(space.high), "below", "both"),
        )
        return {str(k): np.flatnonzero(kinds == k) for k in np.unique(kinds)}

    def _values(self, x):
        """The functions at x, (n, sites, most)."""
        shape = self.density.space.event_shape
        found = self.parts.function(tf.reshape(x, (-1, *shape)))
        return self.slots.spread(tf.cast(found, tf.float64))

    def moments(
        self,
        multipliers: tf.Tensor,
        shift: tf.Tensor,
        second: bool = True,
        nodes: int | None = None,
    ) -> Moments:
        """The `Moments`, site by site."""
        log_w, centred = self._shifted(self.points(nodes), multipliers, shift)
        log_z = tf.reduce_logsumexp(log_w, axis=0)
        p = tf.exp(log_w - log_z)[:, :, None]
        mean = tf.reduce_sum(tf.math.multiply_no_nan(centred, p), axis=0)
        covariance = None
        if second and self.slots.are_many:
            covariance = self.covariance(multipliers, shift, tf.identity)
        elif second:
            centred -= mean
            rooted = tf.math.multiply_no_nan(centred, tf.sqrt(p))
            each = tf.einsum("pik,pil->ikl", rooted, rooted)
            covariance = self.slots.sum_pairs(each)
        zero = tf.zeros((), tf.float64)
        value = tf.reduce_sum(log_z)
        return Moments(value, self.slots.sum(mean), covariance, zero)

    def one_site_means(
        self, multipliers: tf.Tensor, parts: OneSite, count: int
    ) -> tf.Tensor:
        """<f> of other features of one site each, (count,)."""
        points = self.points()
        log_w, _ = self._shifted(points, multipliers, 0 * multipliers)
        shape = self.density.space.event_shape
        found = parts.function(tf.reshape(points.x, (-1, *shape)))
        p = tf.gather(tf.nn.softmax(log_w, axis=0), parts.sites, axis=1)
        values = tf.math.multiply_no_nan(tf.cast(found, tf.float64), p)
        means = tf.reduce_sum(values, axis=0)
        return tf.math.unsorted_segment_sum(means, parts.owners, count)

    def _shifted(self, points, multipliers, shift):
        """(log weights, functions less their share of a shift) at points."""
        values = self._values(points.x) - self.slots.of_features(
            shift / self.slots.parts_of
        )
        own = self.slots.of_features(multipliers)
        return tf.einsum("pik,ik->pi", values, own) + points.log_weights, values

    def covariance(
        self,
        multipliers: tf.Tensor,
        centre: tf.Tensor,
        combine: Callable[[tf.Tensor], tf.Tensor],
    ) -> tf.Tensor:
        """The covariance of functions of the features; see `Summation`."""
        log_w, values = self._shifted(self.points(), multipliers, centre)
        p = tf.nn.softmax(log_w, axis=0)
        mean = tf.reduce_sum(
            tf.math.multiply_no_nan(values, p[:, :, None]), axis=0
        )
        count = self.slots.features
        size = combine(tf.zeros((1, count), tf.float64)).shape[1]

        def add(site, total):
            hot = tf.one_hot(
                tf.gather(self.slots.owner, site), count, dtype=tf.float64
            )
            found = combine(tf.matmul(values[:, site] - mean[site], hot))
            weighed = tf.math.multiply_no_nan(found, p[:, site, None])
            return site + 1, total + tf.matmul(found, weighed, transpose_a=True)

        _, total = tf.while_loop(
            lambda site, _: site < self.density.space.width,
            add,
            (tf.zeros((), tf.int32), tf.zeros((size, size), tf.float64)),
        )
        return total

    def coarse(
        self, multipliers: tf.Tensor, shift: tf.Tensor
    ) -> tf.Tensor | None:
        """log Z - lambda . shift with fewer nodes; None for states."""
        if not self._is_integral:
            return None
        fewer = int((self.density.features.nodes or _NODES) / _COARSER)
        return self.moments(multipliers, shift, False, fewer).log_z

    def log_partition(
        self, multipliers: tf.Tensor, shift: tf.Tensor
    ) -> partition.LogPartition:
        """log Z; its error is that of fewer nodes, and of what is cut off."""
        if self.density.space.is_discrete:
            return super().log_partition(multipliers, shift)
        found = self.solved(multipliers, shift)
        error = float(found.error)
        extent = self.window.extent().numpy()
        for site in np.flatnonzero(self.density.space.whole).tolist():
            alone = self.window.alone[site]
            own = alone.density.own(multipliers)
            error += tail_bound(alone.density, own, extent[site : site + 1])
        method = self.name.replace("_", " ")
        return partition.LogPartition.integrated(found.log_z, error, method)

    def ranges(self) -> tuple[Array, Array]:
        """The least and the greatest of each feature at the points."""
        points = self.points()
        values = self._values(points.x)
        known = 1.0 * (self.slots.function < self.slots.functions)
        ends = []
        for pick in (tf.reduce_min, tf.reduce_max):
            ends.append(self.slots.sum(known * pick(values, axis=0)).numpy())
        return ends[0], ends[1]

    def states(
        self,
        multipliers: tf.Tensor,
        n: Any,
        seed: random.Seed,
        temperature: Any,
        extent: tf.Tensor,
    ) -> tf.Tensor:
        """n independent states: each site through the cells of its points.

        Real sites are then corrected by Metropolis-Hastings steps, each site
        for itself.
        """
        beta = tf.cast(1 / temperature, tf.float64)
        points = self.points(extent=extent)
        own = beta * self.slots.of_features(multipliers)

        def log_density(x):
            return tf.einsum("pik,ik->pi", self._values(x), own)

        at_nodes = log_density(points.x)
        log_p = at_nodes + points.log_weights
        p = tf.exp(log_p - tf.reduce_max(log_p, axis=0))
        cumulative = tf.transpose(tf.cumsum(p, axis=0))
        # Of the last with any probability, not of those that come again.
        last = tf.argmax(cumulative, axis=1, output_type=tf.int32)
        width = self.density.space.width

        low_ends = points.side_by_side("low")
        high_ends = points.side_by_side("high")
        at_nodes += points.side_by_side("log_slopes")

        def pick(table, number):
            rows = tf.gather(
                tf.transpose(table), tf.transpose(number), batch_dims=1
            )
            return tf.transpose(rows)

        def propose(seed):
            first, second = random.split(seed, 2)
            share = random.uniform((n, width), first, "float64")
            share = tf.transpose(share) * cumulative[:, -1:]
            number = tf.searchsorted(cumulative, share, side="right")
            number = tf.transpose(tf.minimum(number, last[:, None]))
            low, high = pick(low_ends, number), pick(high_ends, number)
            share = random.uniform((n, width), second, "float64")
            x, log_slope = points.inside(low + (high - low) * share)
            log_q = pick(at_nodes, number) - log_slope
            return x, log_q

        first, second = random.split(seed, 2)
        x, log_q = propose(first)
        if not self._is_integral:
            return x

        def correct(number, x, log_w):
            again, choice = random.split(random.fold_in(second, number), 2)
            new, log_q = propose(again)
            new_log_w = log_density(new) - log_q
            uniform = random.uniform((n, width), choice, "float64")
            accepted = tf.math.log(uniform) < new_log_w - log_w
            x = tf.where(accepted, new, x)
            return number + 1, x, tf.where(accepted, new_log_w, log_w)

        _, x, _ = tf.while_loop(
            lambda number, *_: number < _CORRECTIONS,
            correct,
            (tf.zeros((), tf.int32), x, log_density(x) - log_q),
        )
        return x


class OneSiteDensity:
    """The density of one site alone, for the window to look at.

    Args:
        density: of all sites.
        parts: what its features are.
        slots: where the functions of each site are.
        site: which one.
    """

    reference = None

    def __init__(
        self, density: Density, parts: OneSite, slots: Slots, site: int
    ):
        self.owner = density.owner
        self.space = density.space.site(site)
        self.features = _FunctionsOfSite(density, parts, slots, site)
        self.nodes = density.features.nodes or self.space.default_nodes
        kept = slots.function[site] < slots.functions
        self.owners = slots.owner[site][kept]

    def own(self, multipliers: Any) -> tf.Tensor:
        """The multipliers of this site's functions."""
        return tf.gather(multipliers, self.owners)

    def log_weight(
        self, states: tf.Tensor, multipliers: tf.Tensor
    ) -> tf.Tensor:
        """log p(x) Z of states (batch, 1), by multipliers as of `own`."""
        return tf.linalg.matvec(self.features(states), multipliers)


class _FunctionsOfSite:
    def __init__(self, density, parts, slots, site):
        kept = slots.function[site] < slots.functions
        self.columns = slots.function[site][kept]
        self.function, self.site = parts.function, site
        self.space = density.space
        self.breaks = density.features.breaks
        self.nodes = density.features.nodes

    @functools.cached_property
    def others(self):
        """A state, all of whose sites are where functions are defined."""
        space = self.space
        state = np.clip(np.ones(space.width), space.low, space.high)
        for site, levels in enumerate(space.levels):
            if levels is not None:
                state[site] = levels[0]
        return state

    def __call__(self, states):
        rows = tf.shape(states)[0]
        x = tf.tile(tf.constant(self.others)[None], (rows, 1))
        here = np.arange(self.space.width) == self.site
        x = tf.where(here, states, x)
        x = tf.reshape(x, (-1, *self.space.event_shape))
        return tf.gather(self.function(x), self.columns, axis=1)


def alone_of(density: Density, parts: OneSite, slots: Slots) -> dict:
    """The unbounded sites, each with a window of its own."""
    return {
        site: Alone(OneSiteDensity(density, parts, slots, site))
        for site in np.flatnonzero(density.space.unbounded).tolist()
    }


def find_product(density: Density) -> OneSite | None:
    """What the features of independent sites are; None for others.

    Every function must be of one site, or a sum of such, without a reference.
    """
    if density.reference is not None:
        return None
    parts = density.features.one_site()
    if parts is None:
        return None
    space = density.space
    sizes = [_NODES if v is None else len(v) for v in space.levels]
    if space.whole.any():
        sizes.append(_WHOLE)
    most = int(np.bincount(parts.sites, minlength=space.width).max())
    if max(sizes) * space.width * most > _MOST_NUMBERS:
        return None
    return parts
