"""Pictures of samples while a model trains."""

import os
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo.runtime import distribute, random
from genzoo.types import ArrayLike, SeedLike

_AS_IMAGE = tf.compat.v1.SummaryMetadata(
    plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="images")
)

# Behind curves: white is between tiles.
_PAPER = 0.9


class SampleGrid(keras.callbacks.Callback):
    """Writes a PNG of the same draws every few epochs.

    The seed is fixed, so that pictures differ by what was learned alone. The
    model's own draws and training are not affected. For any model with
    `sample(n, seed)`, whose samples are images, or vectors that `image_shape`
    makes images of, each channel one unless there are 1 or 3; points in the
    plane are drawn as a scatter.

    Signals of a GAN, of shape (length, channels), are drawn as curves, one
    channel below the other, each on a scale of its own. Of a volume, of shape
    (depth, height, width, channels), one sees three slices through its
    middle: across its depth, its height and its width.

    Args:
        folder: where `epoch_0001.png` and so on are written; made if missing.
        every: the epochs between two pictures; the last epoch has one.
        rows: of the grid.
        columns: of the grid.
        seed: of the draws.
        labels: of a model that is told classes, rows * columns of them; by
            default each column has a class of its own.
        conditions: of a model that is told vectors or images, rows * columns
            of them; a tuple or dict of several conditions.
        part: which of the arrays is drawn, by name, of a GAN whose generator
            has several outputs.
        image_shape: (height, width) or (height, width, channels), for models
            whose samples are vectors, or are no signals but images.
        value_range: (low, high) drawn as black and white, or as the bottom
            and the top of curves; by default the range of the model's space,
            where that is unbounded of the samples.
        log_dir: folder for TensorBoard, where the picture is written too.

    Raises:
        ValueError: for numbers that are no positive ints; when training
            begins, for samples that are no pictures.

    Example:
    >>> x = np.random.default_rng(0).normal(size=(200, 2))
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile()
    >>> grid = genzoo.callbacks.SampleGrid("samples", every=5)
    >>> history = gan.fit(x, epochs=5, verbose=0, callbacks=[grid])
    """

    def __init__(
        self,
        folder: str | os.PathLike,
        every: int = 1,
        rows: int = 8,
        columns: int = 10,
        seed: SeedLike = 0,
        labels: ArrayLike | None = None,
        conditions: ArrayLike | None = None,
        image_shape: tuple[int, ...] | None = None,
        value_range: tuple[float, float] | None = None,
        log_dir: str | os.PathLike | None = None,
        part: str | None = None,
    ):
        super().__init__()
        self.folder = Path(checks.path(folder, "SampleGrid: folder"))
        self.every = checks.positive_int(every, "SampleGrid: every")
        self.rows = checks.positive_int(rows, "SampleGrid: rows")
        self.columns = checks.positive_int(columns, "SampleGrid: columns")
        self.seed = random.as_seed(seed)
        given = {"labels": labels, "conditions": conditions}
        self.given = {
            name: part for name, part in given.items() if part is not None
        }
        event = checks.optional(checks.event_shape)
        self.image_shape = event(image_shape, "SampleGrid: image_shape")
        ends = checks.number_list("(low, high), increasing", increasing=True)
        self.value_range = checks.optional(ends)(
            value_range, "SampleGrid: value_range"
        )
        self.log_dir = log_dir
        self.part = part
        self._writer = None

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Find out before the first epoch whether there are pictures."""
        own = tuple(self._space().event_shape)
        shape = tuple(self.image_shape or own)
        self._tiles = self._kind_of(shape)
        if self._tiles is None:
            raise ValueError(
                f"SampleGrid: samples of shape {shape} are no images, signals "
                "or volumes, and no points in the plane. Pass "
                "image_shape=(height, width)."
            )
        if np.prod(shape) != np.prod(own):
            raise ValueError(
                f"SampleGrid: image_shape={shape} does not hold samples of "
                f"shape {own}."
            )
        self._shape = shape
        # What fails at the end of an epoch is to fail before the first.
        self._picture()
        # Drawn by all workers, since chains are gathered; kept by one.
        strategy = getattr(self.model, "distribute_strategy", None)
        self._keeps = distribute.is_chief(strategy)
        if not self._keeps:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.log_dir is not None:
            self._writer = tf.summary.create_file_writer(str(self.log_dir))

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Write the picture of this epoch."""
        last = epoch + 1 == self.params.get("epochs")
        if (epoch + 1) % self.every and not last:
            return
        picture = self._picture()
        if not self._keeps:
            return
        png = tf.io.encode_png(picture)
        path = self.folder / f"epoch_{epoch + 1:04d}.png"
        tf.io.write_file(str(path), png)
        if self._writer is not None:
            height, width = (str(side).encode() for side in picture.shape[:2])
            with self._writer.as_default():
                # As `tf.summary.image`, which needs TensorBoard installed.
                tf.summary.write(
                    "samples",
                    tf.stack([width, height, png]),
                    step=epoch + 1,
                    metadata=_AS_IMAGE,
                )

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Close what is open for TensorBoard."""
        if self._writer is not None:
            self._writer.close()

    def _kind_of(self, shape):
        """What makes tiles of samples of this shape; None if nothing does."""
        if self.image_shape is None and shape == (2,):
            return _scatter
        # Only a GAN's examples have channels last: those of other models are
        # sites, (8, 8) being a lattice.
        has_channels = hasattr(self.model, "discriminator")
        if self.image_shape is None and len(shape) == 2 and has_channels:
            return _curves
        return {2: _images, 3: _images, 4: _slices}.get(len(shape))

    def _picture(self):
        """The grid as uint8, (height, width, channels)."""
        if self._tiles is _scatter:
            return _scatter(np.asarray(self._drawn(4096)))
        x = np.asarray(self._drawn(self.rows * self.columns), np.float32)
        x = self._tiles(x.reshape(-1, *self._shape), self._range())
        _, height, _, channels = x.shape
        x = x.reshape(self.rows, self.columns, *x.shape[1:])
        # One white pixel between two tiles.
        x = np.pad(
            x, ((0, 0), (0, 0), (0, 1), (0, 1), (0, 0)), constant_values=1
        )
        x = x.transpose(0, 2, 1, 3, 4)
        x = x.reshape(self.rows * (height + 1), -1, channels)
        return np.round(255 * x[:-1, :-1]).astype(np.uint8)

    def _drawn(self, count):
        given = self.given
        if not given and getattr(self.model, "is_conditional", False):
            classes = self.model.conditions.classes
            if classes is None:
                raise ValueError(
                    "SampleGrid: the model takes vectors; pass conditions, "
                    f"{count} of them."
                )
            given = {"labels": np.arange(count) % self.columns % classes}
        found = self.model.sample(count, seed=self.seed, **given)
        if self.part is None:
            return found
        parts = self.model.parts
        return parts.named(parts.join(found))[self.part]

    def _space(self):
        """Where what is drawn lies: the model's space, or that of a part."""
        known = getattr(getattr(self.model, "parts", None), "spaces", {})
        if not known and self.part is None:
            return self.model
        if self.part not in known:
            raise ValueError(
                f"SampleGrid: part must be one of {list(known)}, the outputs "
                f"of the generator; received {self.part!r}."
                if known
                else f"SampleGrid: part={self.part!r} is for a GAN of several "
                "outputs; samples of this model are one array."
            )
        return known[self.part]

    def _range(self):
        """(low, high) of all samples; None if they have no ends."""
        if self.value_range is not None:
            return self.value_range
        space = getattr(self.model, "space", None)
        if self.part is not None:
            space = self._space()
        if space is None or not space.is_bounded:
            return None
        return space.low.min(), space.high.max()


def _scaled(x, ends):
    """From 0 to 1, between the ends or those of x."""
    low, high = ends or (x.min(), x.max())
    return np.clip((x - low) / max(high - low, 1e-12), 0, 1)


def _images(x, ends):
    """Tiles (n, height, width, 1 or 3) of (n, height, width[, channels])."""
    x = _scaled(x, ends)
    x = x.reshape(*x.shape[:3], -1)
    count, height, width, channels = x.shape
    if channels in (1, 3):
        return x
    # Bands side by side, in grey.
    x = x.transpose(0, 1, 3, 2)
    return x.reshape(count, height, channels * width, 1)


def _slices(x, ends):
    """Tiles of (n, depth, height, width, channels): three slices of each."""
    x = _scaled(x, ends)
    slices = [x.take(x.shape[axis] // 2, axis) for axis in (1, 2, 3)]
    height = max(part.shape[1] for part in slices)
    # White below the lower ones, a grey line between two of one volume.
    line = np.full((len(x), height, 1, x.shape[4]), 0.5)
    parts = []
    for part in slices:
        below = ((0, 0), (0, height - part.shape[1]), (0, 0), (0, 0))
        parts += [np.pad(part, below, constant_values=1), line]
    return _images(np.concatenate(parts[:-1], axis=2), (0, 1))


def _curves(x, ends, width=96):
    """Tiles (n, height, width, 1) of (n, length, channels), black on grey."""
    count, length, channels = x.shape
    height = max(64 // channels, 16)
    # Finer than the curve; neighbouring pixels share a point.
    points = -(-length // width) + 1
    at = np.linspace(0, length - 1, width * points + 1)
    first = np.floor(at).astype(int)
    second = np.minimum(first + 1, length - 1)
    rows = np.arange(height)[:, None]
    strips = []
    for channel in range(channels):
        y = 1 - _scaled(x[..., channel], ends)
        y = y[:, first] + (at - first) * (y[:, second] - y[:, first])
        y = np.round((height - 1) * y)
        pairs = np.stack([y[:, :-1], y[:, 1:]], axis=2)
        pairs = pairs.reshape(count, 1, width, -1)
        is_line = (rows >= pairs.min(axis=3)) & (rows <= pairs.max(axis=3))
        strips.append(np.where(is_line, 0, _PAPER))
    return np.concatenate(strips, axis=1)[..., None]


def _scatter(points, side=480):
    """A density of points in the plane, dark where there are many."""
    finite = points[np.isfinite(points).all(axis=1)]
    reach = 1.1 * max(np.abs(finite).max(initial=0), 1e-12)
    edges = np.linspace(-reach, reach, side // 2 + 1)
    counts, _, _ = np.histogram2d(finite[:, 1], finite[:, 0], (edges, edges))
    grey = np.exp(-counts[::-1])
    grey = np.repeat(np.repeat(grey, 2, axis=0), 2, axis=1)
    return (255 * grey).astype(np.uint8)[..., None]
