"""Where a density on unbounded sites has its mass: the grid's window."""

from typing import Any, NoReturn

import keras
import numpy as np
import tensorflow as tf

from genzoo.models.maxent.density import Density
from genzoo.models.maxent.routes.tails import Tail, slowest_tail
from genzoo.runtime import distribute
from genzoo.spaces import Grid, Space
from genzoo.types import Array

# A window reaches so many standard deviations of the data to both sides.
STANDARD_DEVIATIONS = 12
# An unbounded site is integrated where the log-density is within this many
# nats of its maximum.
_DEPTH = 45.0
# What is cut off where numbers end must at least be so many nats below.
_LEAST_DEPTH = 32.0
_MOST_MOVES = 25
# Wider windows tried for a density that grows beyond its own.
_MOST_GROWTHS = 3
_FARTHEST = 1e12
# Distances at which a mode is looked for.
_FAR = np.geomspace(1e-9, 1e9, 721)
# A body as wide as the first of these distances is at a pole.
_AT_A_POLE = 1e-8
# The body of a density is within so many nats of its maximum. A site is
# stretched if the window is so many times as wide as the body, and falls.
_BODY = 2.0
_WIDE = 40.0
# Of the scale of a stretched site, which need not be that of the body.
_NEAR = 10.0
# Ends of stretched sites, of which the first that features can bear is
# taken: where x is some 1e150, and less.
_PLACES = (6.08, 5.6, 5.2, 4.8, 4.4, 4.0, 3.6, 3.2)
# Near a finite end there is nothing but its neighbourhood, except for a pole:
# then as near as numbers go.
_NEAREST = -4.2
_POLES = (-6.7, -6.08, -5.6, -5.2, -4.8, _NEAREST)
_BLOCK = 2**16


class Window(keras.layers.Layer):
    """The ends between which each site is integrated.

    Sites of finite ends keep these; for the others the window is placed
    where the data are, and follows the density from step to step.

    Args:
        space: the space of the sites.

    Where the tails of a density are heavy, a site is stretched; see
    `genzoo.spaces.Stretch`. Its ends are then those of the places u.

    Attributes:
        ends: weight (width, 2).
        stretch: weight (width, 2), the centre and the scale of stretched
            sites, with a scale of 0 for all others.
    """

    def __init__(self, space: Space, **kwargs):
        super().__init__(trainable=False, dtype="float64", **kwargs)
        self.space = space
        self.known = np.stack([space.low, space.high], axis=1)
        # Of whole numbers far from zero the least are left out too.
        self.known[space.whole] = -np.inf, np.inf
        self.ends = distribute.mirrored_weight(
            self,
            "window",
            (space.width, 2),
            lambda shape, dtype: np.tile(
                np.array([-20.0, 20.0], dtype), (shape[0], 1)
            ),
        )
        self.stretch = distribute.mirrored_weight(
            self, "stretch", (space.width, 2)
        )
        # Since the averages were new; a search that never ends has many.
        self.moves = 0
        self.tail: Tail | None = None
        # Sites whose density was infinite where its greatest was looked for.
        self.poles = np.zeros(space.width, bool)
        # Sites that are independent, each with a window of its own.
        self.alone: dict[int, Alone] = {}
        self.built = True

    def place(self, mean: Array, spread: Array) -> None:
        """Reach 12 standard deviations to both sides of the mean."""
        reach = STANDARD_DEVIATIONS * spread
        ends = np.stack([mean - reach, mean + reach], axis=1)
        # With one finite end the other is as far away as the mean asks.
        given = np.stack([self.space.low, self.space.high], axis=1)
        is_known = np.isfinite(given)
        edge = np.where(is_known, given, mean[:, None])
        far = STANDARD_DEVIATIONS * (
            spread + np.abs(mean[:, None] - edge).max(axis=1)
        )
        one_sided = is_known.any(axis=1)
        ends[:, 0] = np.where(one_sided, mean - far, ends[:, 0])
        ends[:, 1] = np.where(one_sided, mean + far, ends[:, 1])
        self.ends.assign(self._held(ends, mean))
        self.stretch.assign(np.zeros((self.space.width, 2)))

    def extent(self) -> tf.Tensor:
        """The ends and the stretch of all sites, (width, 4), in graphs too."""
        parts = (self.ends.value, self.stretch.value)
        return tf.concat([tf.convert_to_tensor(p) for p in parts], axis=1)

    def body(self) -> tf.Tensor:
        """Ends between which most of the density lies, (width, 2)."""
        return body_of(self.extent())

    def _held(self, ends: Array, among: Array | None = None) -> Array:
        """The ends, (width, 2), those of the space in their place.

        Of whole numbers they are whole, and no farther apart than are summed:
        as far as possible around `among`, (width,), or from the first on.
        """
        held = np.where(np.isfinite(self.known), self.known, ends)
        whole, space = self.space.whole, self.space
        if whole.any():
            low = np.maximum(np.floor(held[whole, 0]), space.low[whole])
            low = np.minimum(low, space.high[whole])
            high = np.maximum(np.ceil(held[whole, 1]), low + 1)
            most = space.default_nodes - 1
            if among is not None:
                first = np.floor(among[whole] - most // 2)
                low = np.clip(first, low, np.maximum(high - most, low))
            high = np.minimum(high, low + most)
            held[whole] = np.stack([low, high], axis=1)
        return held

    def place_by_moments(self, names: list[str], observed: Array) -> None:
        """Place it where the moments among averages of these names say."""
        found = dict(zip(names, observed, strict=True))
        sites = self.space.site_names
        mean = np.array([found.get(name, 0.0) for name in sites])
        spread = np.ones(len(sites))
        for i, name in enumerate(sites):
            for power in (2, 4, 6):
                moment = found.get(f"{name}^{power}")
                if moment is not None and moment > 0:
                    size = moment ** (1 / power)
                    spread[i] = np.sqrt(max(size**2 - mean[i] ** 2, 0.0))
                    spread[i] = max(spread[i], 1e-6 * size)
                    break
        self.place(mean, spread)

    def widen(self) -> None:
        """Reach four times as far."""
        ends = self.body().numpy()
        middle, reach = ends.mean(axis=1), np.ptp(ends, axis=1)
        ends = [middle - 4 * reach, middle + 4 * reach]
        self.ends.assign(self._held(np.stack(ends, axis=1)))
        self.stretch.assign(np.zeros((self.space.width, 2)))

    def at(
        self, density: Density, multipliers: tf.Tensor, temperature: float
    ) -> tf.Tensor:
        """The extent that holds p^(1 / temperature), (width, 4), float64."""
        if temperature == 1 or self.space.is_bounded:
            return self.extent()
        return tf.constant(self._found(density, multipliers, 1 / temperature))

    def settle(self, density: Density, multipliers: tf.Tensor) -> None:
        """Find the mass of a density, from anywhere.

        Raises:
            ValueError: if it does not decay towards infinity.
        """
        self._assign(self._found(density, multipliers, 1.0))

    def _assign(self, extent):
        self.ends.assign(extent[:, :2])
        self.stretch.assign(extent[:, 2:])

    def _found(self, density, multipliers, beta):
        """The extent that holds a density, wherever it is.

        A mode is looked for along one site after the other, at distances of
        all orders; then the window grows or shrinks as it does between steps.
        """
        if self.alone:
            extent = self.extent().numpy()
            for site, alone in self.alone.items():
                own = alone.density.own(multipliers)
                extent[site] = alone.window._found(alone.density, own, beta)[0]
            return extent
        _, extent = self._mode(density, multipliers, beta)
        middle = extent.mean(axis=1)
        reach = 1.5 * np.maximum(np.ptp(extent, axis=1) / 2, 1e-9)
        ends = self._held(np.stack([middle - reach, middle + reach], axis=1))
        extent = np.concatenate([ends, np.zeros_like(ends)], axis=1)
        tail = None
        for _ in range(_MOST_MOVES):
            moved, tail = self._better(density, multipliers, extent, beta)
            if moved is None:
                if tail is not None and not tail.is_integrable:
                    break
                return extent
            if np.abs(moved[:, :2]).max() > _FARTHEST:
                break
            extent = moved
        return self.refuse(extent, tail)

    def _mode(self, density, multipliers, beta, depth=_DEPTH, start=None):
        """The greatest of a density, and for each site what is near it."""
        space = self.space
        if start is None:
            start = np.clip(np.zeros(space.width), space.low, space.high)
            for site, levels in enumerate(space.levels):
                if levels is not None:
                    start[site] = levels[0]
        centre = np.array(start)
        offsets = np.concatenate([-_FAR[::-1], [0.0], _FAR])
        best = -np.inf
        extent = np.tile(centre[:, None], 2)
        for _ in range(200):
            before = best
            for site, levels in enumerate(space.levels):
                tried = centre[site] + offsets if levels is None else levels
                tried = np.asarray(tried, np.float64)
                if space.whole[site]:
                    tried = np.round(tried)
                tried = np.clip(tried, space.low[site], space.high[site])
                tried = np.unique(tried)
                points = np.tile(centre, (len(tried), 1))
                points[:, site] = tried
                weights = density.log_weight(tf.constant(points), multipliers)
                value = beta * weights.numpy()
                self.poles[site] = np.isposinf(value).any()
                if self.poles[site]:
                    with np.errstate(invalid="ignore"):
                        value = value + self._log_distance(site, tried)
                value = np.where(np.isnan(value), -np.inf, value)
                place = int(np.argmax(value))
                best, centre[site] = value[place], tried[place]
                near = tried[value > best - depth]
                extent[site] = near[[0, -1]] if len(near) else centre[site]
            if best <= before + 1e-6:
                break
        return centre, extent

    def _log_distance(self, site, x):
        """log of how far x is from a site's end, 0 for one without an end.

        At a pole there is no greatest density of x, but one of log x.
        """
        end = self.known[site][np.isfinite(self.known[site])]
        if not len(end):
            return 0.0
        with np.errstate(divide="ignore"):
            return np.log(np.abs(x - end[0]))

    def move(self, density: Density, multipliers: tf.Tensor) -> bool:
        """Fit the window to the present density; whether it has moved.

        Raises:
            ValueError: if the density does not decay towards infinity.
        """
        if self.space.is_bounded:
            return False
        kept = self.extent().numpy()
        if self.alone:
            return self._move_each(kept, multipliers)
        extent, self.tail = self._better(density, multipliers, kept, 1.0)
        if extent is None:
            if self.tail is None or self.tail.is_integrable:
                return False
            # Perhaps the window was too small for these averages.
            self.moves += _MOST_MOVES // _MOST_GROWTHS
            extent = kept.copy()
            width = np.ptp(kept[:, :2], axis=1)[:, None]
            wider = self._held(kept[:, :2] + width * [-1, 1])
            is_linear = kept[:, 3:] == 0
            extent[:, :2] = np.where(is_linear, wider, kept[:, :2])
            if np.array_equal(extent, kept):
                self.refuse()
        self.moves += 1
        if self.moves > _MOST_MOVES or np.abs(extent[:, :2]).max() > _FARTHEST:
            self.refuse()
        self._assign(extent)
        return True

    def _move_each(self, kept, multipliers):
        """As `move`, of independent sites."""
        extent, moved = kept.copy(), False
        for site, alone in self.alone.items():
            window, own = (
                alone.window,
                np.asarray(alone.density.own(multipliers)),
            )
            # Another site's window changes nothing here.
            here = (*kept[site], *own)
            fits = alone.fits
            if fits is not None and np.allclose(here, fits, 1e-9, 0.0):
                continue
            window._assign(kept[site : site + 1])
            window.moves = self.moves
            if window.move(alone.density, own):
                extent[site] = window.extent().numpy()[0]
                moved, alone.fits = True, None
            else:
                alone.fits = here
        if moved:
            self.moves += 1
            self._assign(extent)
        return moved

    def _better(self, density, multipliers, extent, beta):
        """(a better extent, None if this one is good; the slowest `Tail`)."""
        space = self.space
        grid = grid_in(density, tf.constant(extent))
        log_p = beta * _on_grid(density, multipliers, grid)
        if not np.isfinite(log_p).any():
            # Multipliers beyond all numbers tell nothing.
            return None, None
        body = body_of(extent).numpy()
        tail = slowest_tail(density, multipliers, body, beta, _DEPTH)
        profiles = _profiles(log_p, grid, space.unbounded)
        is_linear = extent[:, 3] == 0
        slow = tail.is_slow & is_linear
        for site, (places, profile) in profiles.items():
            beyond = tail.ends[site] if tail.is_integrable else places[[0, -1]]
            slow[site] |= bool(is_linear[site]) and _is_wide(
                places, profile, beyond
            )
        # Whole numbers stay where they are.
        slow &= ~space.whole
        new = extent.copy()
        if slow.any() or not is_linear.all():
            numbers = np.unravel_index(int(np.argmax(log_p)), grid.sizes)
            mode = grid.at(tf.constant([numbers]))[0].numpy()
            stretch = self._stretches(density, multipliers, beta, mode)
            slow |= ~is_linear & _is_elsewhere(extent[:, 2:], stretch)
        if slow.any():
            for site in np.flatnonzero(slow):
                new[site, 2:] = stretch[site]
                least, most = self._limits(density, new, site)
                if np.isfinite(self.known[site]).any():
                    least = max(least, _NEAREST)
                new[site, :2] = least, most
            return new, tail
        for site, (places, profile) in profiles.items():
            ends = _fitted(extent[site, :2], places, profile)
            if not is_linear[site]:
                least, most = self._limits(density, extent, site)
                ends = max(ends[0], least), min(ends[1], most)
                last = np.array([profile[0], profile[-1]]) - profile.max()
                cut = np.isclose(ends, [least, most]) & (last > -_LEAST_DEPTH)
                if cut.any() and np.array_equal(ends, extent[site, :2]):
                    if cut[0] and np.isfinite(self.known[site]).any():
                        self._refuse_pole(site)
                    self.refuse(extent, tail)
            elif tail.is_integrable:
                far = tail.ends[site]
                ends = min(ends[0], far[0]), max(ends[1], far[1])
            new[site, :2] = ends
        tops = np.zeros(space.width)
        for site, (places, profile) in profiles.items():
            tops[site] = places[np.argmax(profile)]
        new[:, :2] = np.where(
            is_linear[:, None], self._held(new[:, :2], tops), new[:, :2]
        )
        if not np.array_equal(new, extent):
            return new, tail
        # What grows for ever is told as that, however many are summed.
        for site in np.flatnonzero(space.whole & tail.is_integrable):
            self._check_whole(site, extent[site], profiles[site][1])
        return None, tail

    def _check_whole(self, site, ends, profile):
        """Refuse whole numbers that are too many to be summed."""
        low, high = ends[:2]
        first = -np.inf if low <= self.space.low[site] else profile[0]
        if max(first, profile[-1]) - profile.max() > -_LEAST_DEPTH:
            raise ValueError(
                f"MaxEnt: {self.space.site_names[site]} has its probability "
                f"on more than {self.space.default_nodes:,} whole numbers, "
                f"{low:,.0f} to {high:,.0f} and beyond, too many to be summed "
                "one by one. Constrain an average that bounds it closer, take "
                "fewer sites, or larger units and Interval(0, None)."
            )

    def _stretches(self, density, multipliers, beta, mode):
        """Centre and scale of the body of a density, (width, 2)."""
        _, body = self._mode(density, multipliers, beta, _BODY, mode)
        low, high = body.T
        scale = 0.5 * np.maximum(high - low, 1e-9)
        return np.stack([0.5 * (low + high), scale], axis=1)

    def _limits(self, density, extent, site):
        """How far the places of a stretched site may go."""
        has_end = np.isfinite(self.known[site]).any()
        least, most = -_PLACES[-1], _PLACES[-1]
        for most in _PLACES:
            least = _NEAREST if has_end else -most
            if self._bears(density, extent, site, (least, most)):
                break
        if has_end:
            for least in _POLES:
                if self._bears(density, extent, site, (least, most)):
                    break
        return least, most

    def _bears(self, density, extent, site, ends):
        """Whether features are finite at such ends of a stretched site."""
        tried = extent.copy()
        tried[site, :2] = ends
        grid = grid_in(density, tf.constant(tried))
        rows = np.tile([size // 2 for size in grid.sizes], (2, 1))
        rows[:, site] = 0, grid.sizes[site] - 1
        values = density.features(grid.at(tf.constant(rows)))
        return np.isfinite(values.numpy()).all()

    def _refuse_pole(self, site) -> NoReturn:
        name = self.space.site_names[site]
        end = self.known[site][np.isfinite(self.known[site])][0]
        raise ValueError(
            f"MaxEnt: the density of {name} rises so steeply towards its end "
            f"{end:g} that it has no integral, or too much of it lies nearer "
            f"to {end:g} than numbers tell apart. Take an average that keeps "
            f"it away from there, or fit log|{name} - ({end:g})|, for example "
            "with Moments(1, 2) on Real()."
        )

    def refuse(
        self, extent: Array | None = None, tail: Tail | None = None
    ) -> NoReturn:
        """Raise a ValueError: the density has no integral that can be had."""
        extent = self.extent().numpy() if extent is None else extent
        has_pole = self.poles & np.isfinite(self.known).any(axis=1)
        squeezed = has_pole & (extent[:, 3] > 0) & (extent[:, 3] < _AT_A_POLE)
        if squeezed.any():
            self._refuse_pole(int(np.argmax(squeezed)))
        tail = tail or self.tail
        shown = np.round(body_of(extent).numpy(), 3).tolist()
        if tail is not None and tail.is_integrable and tail.is_slow.any():
            raise ValueError(
                f"MaxEnt: the density falls off only as |x|^-{tail.power:.3g} "
                "towards infinity. It can be normalised, but so much of it "
                "lies beyond all numbers that it cannot be integrated. Use an "
                "Interval that is wide enough, or other averages."
            )
        most = ""
        if self.space.whole.any():
            most = (
                " Of a site's whole numbers at most "
                f"{self.space.default_nodes:,} are summed: of counts that "
                "spread over more take larger units and Interval(0, None)."
            )
        raise ValueError(
            "MaxEnt: the density does not decay towards infinity, so that it "
            f"cannot be normalised (looked at far beyond {shown}), or falls "
            "off so slowly that most of it lies beyond all numbers. Constrain "
            "a power that bounds it, such as Moments(1, 2), or use an "
            "Interval. If there is such a power, no density of this form has "
            "these averages, and no entropy is the greatest: ever less "
            "probability ever farther away could make up what is missing."
            f"{most}"
        )


class Alone:
    """One site of independent ones, and the window that it is seen in.

    Args:
        density: of this site, as a `Density` of one.
    """

    def __init__(self, density: Any):
        self.density = density
        self.window = Window(density.space, name="alone")
        # The window and the multipliers at which it was found to fit.
        self.fits: tuple | None = None


def body_of(extent: Array | tf.Tensor) -> tf.Tensor:
    """Ends between which most of the density lies, (width, 2), of an extent.

    Those of a site that is not stretched, which reach 12 standard deviations;
    as far around the body of one that is.
    """
    ends, centre, scale = tf.split(tf.cast(extent, tf.float64), [2, 1, 1], 1)
    reach = STANDARD_DEVIATIONS * tf.constant([-1.0, 1.0], tf.float64)
    return tf.where(scale > 0, centre + scale * reach, ends)


def tail_bound(density: Density, multipliers: Array, extent: Array) -> float:
    """Of log Z, what whole numbers beyond an extent may add to it.

    Beyond the last two that are summed probabilities fall off at least as
    they do there; 0 where no site holds whole numbers without end.
    """
    space, total = density.space, 0.0
    if not space.whole.any():
        return total
    grid = grid_in(density, tf.constant(extent))
    log_p = _on_grid(density, multipliers, grid)
    profiles = _profiles(log_p, grid, space.whole)
    largest = log_p.max()
    for site, (places, profile) in profiles.items():
        low, high = extent[site, :2]
        inside = profile[places <= high]
        count = int(high - low) + 1
        others = np.log(max(grid.count // grid.sizes[site], 1))
        ends = [inside[:count][-2:]]
        if low > space.low[site]:
            ends.append(inside[:2][::-1])
        for before, last in ends:
            ratio = min(np.exp(last - before), 1 - 1e-9)
            total += np.exp(last + others - largest) * ratio / (1 - ratio)
    return float(total)


def grid_in(
    density: Density, extent: tf.Tensor, nodes: int | None = None
) -> Grid:
    """The points of a density's space in an extent (width, 4), or in any."""
    breaks, nodes = density.features.breaks, nodes or density.nodes
    return density.space.quadrature(nodes, extent[:, :2], breaks, extent[:, 2:])


def _profiles(log_p, grid, unbounded):
    """For each unbounded site (places, the greatest of log p dx/du there)."""
    axes = []
    for number, axis in enumerate(grid.axes):
        shape = [-1 if i == number else 1 for i in range(len(grid.axes))]
        if axis.stretch is not None:
            log_p = log_p + np.reshape(axis.stretch(axis.places)[1], shape)
        axes.append(tuple(i for i in range(len(shape)) if i != number))
    return {
        int(site): (
            np.asarray(grid.axes[site].places),
            log_p.max(axis=axes[site]),
        )
        for site in np.flatnonzero(unbounded)
    }


def _is_elsewhere(stretch, better):
    """For each site whether the body is not where the site is stretched."""
    (old, scale), (new, size) = stretch.T, better.T
    far = np.abs(new - old) > _NEAR * np.maximum(scale, size)
    return far | (scale > _NEAR * size) | (size > _NEAR * scale)


def _is_wide(places, profile, beyond):
    """Whether a profile has one mode and tails far wider than its body.

    What is not negligible beyond the window counts, between `beyond`.
    """
    deep = np.flatnonzero(profile >= profile.max() - _DEPTH)
    body = np.flatnonzero(profile >= profile.max() - _BODY)
    spacing = np.diff(places)[max(body[0] - 1, 0) : body[-1] + 1].max()
    width = max(places[body[-1]] - places[body[0]], spacing)
    top = int(np.argmax(profile))
    falls = (np.diff(profile)[:top] >= 0).all()
    falls &= (np.diff(profile)[top:] <= 0).all()
    whole = max(places[deep[-1]], beyond[1]) - min(places[deep[0]], beyond[0])
    return bool(falls) and whole > _WIDE * width


def _fitted(ends, places, profile):
    """Better ends for a profile: open ones pushed out, empty ones cut off."""
    low, high = ends
    first, last = np.flatnonzero(profile >= profile.max() - _DEPTH)[[0, -1]]
    width = high - low
    a = low - (2 * width if first == 0 else 0.0)
    b = high + (2 * width if last == len(places) - 1 else 0.0)
    margin = 0.05 * (places[last] - places[first]) + 2 * np.max(
        np.diff(places[max(first - 1, 0) : last + 2])
    )
    if first > 0 and places[first] - low > 0.15 * width:
        a = max(a, places[first] - margin)
    if last < len(places) - 1 and high - places[last] > 0.15 * width:
        b = min(b, places[last] + margin)
    return a, b


def _on_grid(density, multipliers, grid):
    """log p(x) Z at the points of a grid, in its shape."""
    parts = []
    for start in range(0, grid.count, _BLOCK):
        points = grid.points(start, min(_BLOCK, grid.count - start))
        parts.append(density.log_weight(points, multipliers))
    log_p = tf.concat(parts, axis=0).numpy().reshape(grid.sizes)
    # Differences of infinities would tell nothing.
    return np.where(np.isnan(log_p), -np.inf, np.minimum(log_p, 1e300))
