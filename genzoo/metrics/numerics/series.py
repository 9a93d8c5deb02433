"""Standard errors of averages over series whose members are correlated.

Reference:
    Wolff, "Monte Carlo errors with less errors", Computer Physics
    Communications 156, 2004.
"""

from typing import NamedTuple

import numpy as np

from genzoo.types import Array

# Of the window in which autocorrelations are summed, as Wolff's S.
_PACE = 1.5


class Spread(NamedTuple):
    """How uncertain the mean of a series is.

    Attributes:
        stderr: of the mean of all.
        time: the integrated autocorrelation time, in members of the series:
            `2 time` of them are worth one independent one. 1/2 without
            correlations.
    """

    stderr: float
    time: float


def spread(series: Array) -> Spread:
    """The `Spread` of a series of one or more chains, (chains, n).

    Autocorrelations are summed up to a window at which statistical and
    systematic errors balance, and made free of the bias of the mean.
    """
    chains, n = series.shape
    rest = series - series.mean()
    variance = np.mean(rest**2)
    if variance == 0 or n < 2:
        count = max(chains * n - 1, 1)
        return Spread(float(np.sqrt(variance / count)), 0.5)
    # By FFT, padded so that ends do not meet.
    waves = np.abs(np.fft.rfft(rest, 2 * n, axis=1)) ** 2
    total = np.fft.irfft(waves, axis=1)[:, :n].sum(axis=0)
    correlation = total / (chains * np.arange(n, 0, -1))
    most = max(n // 2, 1)
    share = correlation[:most] / variance
    times = 0.5 + np.concatenate([[0.0], np.cumsum(share[1:])])
    window = _window(times, chains * n)
    time = times[window]
    # Each correlation is too small by the variance of the mean.
    time += time * (2 * window + 1) / (chains * n)
    time = max(time, 1.0 / (chains * n))
    return Spread(float(np.sqrt(2 * time * variance / (chains * n))), time)


def _window(times, count):
    """The first at which the next correlation would add more noise than sum."""
    lengths = np.arange(1, len(times))
    found = np.maximum(times[1:], 0.5 + 1e-9)
    scale = _PACE / np.log((2 * found + 1) / (2 * found - 1))
    falls = np.exp(-lengths / scale) - scale / np.sqrt(lengths * count)
    under = np.flatnonzero(falls < 0)
    return int(lengths[under[0]]) if len(under) else len(times) - 1
