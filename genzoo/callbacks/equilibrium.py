"""The end of a game: when the critic cannot tell samples from data."""

import math
import warnings
from collections.abc import Mapping
from statistics import NormalDist
from typing import Any

import keras
import numpy as np

from genzoo import checks
from genzoo.runtime import random
from genzoo.types import Array, ArrayLike, SeedLike


class Equilibrium(keras.callbacks.Callback):
    """Stops a GAN when its discriminator cannot tell held-out data.

    After each epoch the discriminator scores held-out data and as many new
    samples. The area under the curve, P(score of data > score of a sample),
    is 1/2 where it cannot tell them. Training stops once it was shown, for
    `patience` epochs in a row, to differ from 1/2 by less than `tolerance`:
    an equivalence test, which a discriminator that can tell by more passes
    with a probability of at most `error_rate` in the whole fit, all its epochs
    together.

    A dead discriminator cannot tell anything. So it also scores the data with
    noise of their own size added: if it cannot tell even these, a warning says
    so, and training goes on. Adds to the logs:

    - `critic_auc`: of data against samples, with `critic_auc_stderr`;
    - `critic_control_auc`: of data against noisy data.

    Args:
        x: held-out examples, at least 100; 2,000 and more see small
            differences.
        tolerance: the difference from 1/2 that does not matter, below 1/2.
        patience: the epochs in a row.
        error_rate: of stops while the discriminator can tell.
        labels: classes of the examples, for a GAN that is told classes.
        conditions: what else they are told; a tuple or dict of several.
        seed: of the samples.

    Raises:
        ValueError: for an argument out of range; before the first epoch, for
            a model without `score`, or examples that it cannot score.

    Reference:
        DeLong, DeLong and Clarke-Pearson, "Comparing the areas under two or
        more correlated receiver operating characteristic curves", Biometrics
        44, 1988. Schuirmann, "A comparison of the two one-sided tests
        procedure and the power approach", J. Pharmacokin. Biopharm. 15, 1987.

    Example:
    >>> x = np.random.default_rng(0).standard_normal((400, 2))
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=16, depth=1))
    >>> gan.compile()
    >>> stop = genzoo.callbacks.Equilibrium(x[200:], tolerance=0.1)
    >>> history = gan.fit(x[:200], verbose=0, callbacks=[stop])
    >>> 0 <= history.history["critic_auc"][0] <= 1
    True
    """

    def __init__(
        self,
        x: ArrayLike,
        tolerance: float = 0.05,
        patience: int = 1,
        error_rate: float = 0.05,
        labels: ArrayLike | None = None,
        seed: SeedLike = 0,
        conditions: ArrayLike | None = None,
    ):
        super().__init__()
        # Of several arrays the model makes rows, when it is known.
        self.x: Any = x
        if not isinstance(x, (tuple, Mapping)):
            self.x = _enough(x)
        self.tolerance = checks.positive_number(
            tolerance, "Equilibrium: tolerance"
        )
        self.patience = checks.positive_int(patience, "Equilibrium: patience")
        self.error_rate = checks.positive_number(
            error_rate, "Equilibrium: error_rate"
        )
        for name in ("tolerance", "error_rate"):
            if getattr(self, name) >= 0.5:
                raise ValueError(
                    f"Equilibrium: {name} must be below 0.5; received "
                    f"{getattr(self, name)}."
                )
        given = {"labels": labels, "conditions": conditions}
        self.given = {k: v for k, v in given.items() if v is not None}
        self.seed = random.as_seed(seed)
        self.stopped_epoch: int | None = None
        self._in_a_row = 0

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Refuse a model that has no discriminator to ask, or none of x."""
        if not hasattr(self.model, "score"):
            raise ValueError(
                "Equilibrium: the model has no score; it is for a genzoo.GAN. "
                "A model with a likelihood stops by EarlyStopping('val_loss')."
            )
        self._in_a_row, self.stopped_epoch = 0, None
        parts = getattr(self.model, "parts", None)
        if parts is not None:
            self.x = _enough(parts.check("Equilibrium", self.x))
        # What fails at the end of an epoch is to fail before the first.
        self._scores(0)

    def _scores(self, epoch):
        """(of data, of as many samples) in this epoch."""
        seed = tuple(int(k) for k in random.fold_in(self.seed, epoch).key)
        of_data = self.model.score(self.x, **self.given)
        drawn = self.model.sample(len(self.x), seed=seed, **self.given)
        return of_data, self.model.score(drawn, **self.given)

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        """Ask the discriminator, and stop if it cannot tell."""
        if logs is None:
            return
        of_data, of_samples = self._scores(epoch)
        area, stderr = area_under_curve(of_data, of_samples)
        generator = np.random.default_rng(epoch)
        spread = self.x.std(axis=0, dtype=np.float64)
        noise = generator.standard_normal(self.x.shape) * spread
        noisy = (self.x + noise).astype(np.float32)
        control, of_control = area_under_curve(
            of_data, self.model.score(noisy, **self.given)
        )
        logs["critic_auc"], logs["critic_auc_stderr"] = area, stderr
        logs["critic_control_auc"] = control
        # All looks together: each has its share of the error.
        looks = max(self.params.get("epochs") or 1, 1)
        margin = NormalDist().inv_cdf(1 - self.error_rate / looks)
        if abs(area - 0.5) + margin * stderr >= self.tolerance:
            self._in_a_row = 0
            return
        if abs(control - 0.5) - margin * of_control <= self.tolerance:
            warnings.warn(
                "Equilibrium: the discriminator cannot tell samples from data, "
                "but neither data from noisy data: it may be dead. Training "
                "goes on; look at samples, and compile with a smaller rate of "
                "the discriminator or weaker penalties.",
                stacklevel=2,
            )
            self._in_a_row = 0
            return
        self._in_a_row += 1
        if self._in_a_row >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True


def _enough(x):
    x = np.asarray(x)
    if x.ndim < 2 or len(x) < 100:
        raise ValueError(
            "Equilibrium: x must be at least 100 held-out examples; "
            f"received shape {x.shape}."
        )
    return x


def area_under_curve(one: Array, other: Array) -> tuple[float, float]:
    """(P(one > other) + P(one = other) / 2, its standard error).

    By the placements of each value among the other sample.
    """
    one, other = (np.asarray(v, np.float64).ravel() for v in (one, other))
    of_one = _placements(one, other)
    of_other = 1 - _placements(other, one)
    variance = of_one.var(ddof=1) / len(one) + of_other.var(ddof=1) / len(other)
    # Where nothing overlaps, as if one pair in all did.
    least = 0.5 / (len(one) * len(other))
    return float(of_one.mean()), math.sqrt(max(variance, least))


def _placements(values, among):
    ordered = np.sort(among)
    below = np.searchsorted(ordered, values, side="left")
    upto = np.searchsorted(ordered, values, side="right")
    return (below + upto) / (2 * len(among))
