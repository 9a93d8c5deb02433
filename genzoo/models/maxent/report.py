"""What a fitted MaxEnt tells: its constraints, errors and identities."""

from typing import NamedTuple

import numpy as np

from genzoo.models.maxent.routes.route import ExactRoute
from genzoo.types import Array

_MOST_ROWS = 50
_STEP = 1e-4
_DIRECTIONS = 3


class Solution(NamedTuple):
    """The constraints of a model, and how they are met.

    Attributes:
        title: what the model is.
        names: of the features.
        observed: their averages, nan where there are none.
        mean: <f_i> under the model.
        multipliers: lambda; infinite where states have probability zero.
        stderr: their standard errors, nan where they are not determined.
        is_redundant: for each feature whether it follows from others.
        entropy: in nats; None where it is not exact.
        log_partition: log Z; None where it is not exact.
    """

    title: str
    names: list[str]
    observed: Array
    mean: Array
    multipliers: Array
    stderr: Array
    is_redundant: Array
    entropy: float | None
    log_partition: float | None

    def lines(self) -> list[str]:
        """A table of the constraints, for people."""
        columns = [self.observed, self.mean, self.multipliers, self.stderr]
        shown = self.names[:_MOST_ROWS]
        wide = max(10, *(len(name) for name in shown))
        titles = ("observed", "model", "multiplier", "stderr")
        head = " ".join([" " * wide, *(f"{title:>12}" for title in titles)])
        lines = [self.title, head]
        for number, name in enumerate(shown):
            row = " ".join(f"{column[number]:12.6g}" for column in columns)
            note = "  redundant" if self.is_redundant[number] else ""
            if np.isinf(self.multipliers[number]):
                note = "  a limit: states of probability zero"
            lines.append(f"{name:<{wide}} {row}{note}")
        if len(self.names) > _MOST_ROWS:
            lines.append(f"... and {len(self.names) - _MOST_ROWS} more")
        if self.entropy is not None:
            lines.append(
                f"entropy {self.entropy:.6g} nats, "
                f"log Z {self.log_partition:.6g} nats"
            )
        return lines


def multiplier_stderr(
    fisher: Array,
    free: Array,
    stderr: Array,
    count: int,
    inverse: Array | None = None,
) -> Array:
    """Standard errors of multipliers, nan for those that are not free.

    With n examples behind the averages it is `sqrt(diag(F^-1) / n)`; with
    errors s of the averages, `diag(F^-1 diag(s^2) F^-1)`.

    Args:
        fisher: F, the covariance of the features, with that of a tolerance.
        free: for each whether it is solved for.
        stderr: s, zeros where the averages are exact.
        count: n.
        inverse: F^-1, where it is known better than F; else None.
    """
    errors = np.full(len(free), np.nan)
    part = np.ix_(free, free)
    if inverse is None:
        inverse = np.linalg.pinv(fisher[part], hermitian=True)
    else:
        inverse = inverse[part]
    noise = stderr[free]
    if noise.any():
        variance = np.square(inverse) @ np.square(noise)
    else:
        variance = np.diag(inverse) / count
    errors[free] = np.sqrt(np.maximum(variance, 0))
    return errors


def gradient_identity(
    route: ExactRoute, multipliers: Array, shift: Array, is_redundant: Array
) -> float:
    """The largest |d log Z / d lambda - <f>|, by central differences."""
    found = route.solved(multipliers, shift, True)
    mean = found.mean.numpy()
    scale = np.sqrt(np.diag(np.asarray(found.covariance)))
    worst = 0.0
    # A few directions, each through many multipliers.
    generator = np.random.default_rng(0)
    for _ in range(_DIRECTIONS):
        direction = generator.standard_normal(len(multipliers))
        direction /= np.maximum(scale, 1e-12) * np.sqrt(len(multipliers))
        direction *= is_redundant == 0
        low, high = (
            float(route.solved(multipliers + step * direction, shift).log_z)
            for step in (-_STEP, _STEP)
        )
        slope = (high - low) / (2 * _STEP)
        worst = max(worst, abs(slope - direction @ mean))
    return worst
