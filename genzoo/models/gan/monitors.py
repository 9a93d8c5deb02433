"""What callbacks of Keras watch, where a game has nothing to watch."""

import warnings
from collections.abc import Iterable

import keras

from genzoo.models.gan.game import LOGS

_CHOOSERS = (
    keras.callbacks.EarlyStopping,
    keras.callbacks.ModelCheckpoint,
    keras.callbacks.ReduceLROnPlateau,
)


def warn_of(where: str, callbacks: Iterable[keras.callbacks.Callback]) -> None:
    """Warn of callbacks that choose an epoch by what one player pays.

    The loss of D is least where it tells samples from data best, so that the
    worst generator would be kept, and that of G tells how D fares, too.
    """
    names = {f"{held}{name}" for name in LOGS for held in ("", "val_")}
    for callback in callbacks:
        is_chooser = isinstance(callback, _CHOOSERS)
        saves_all = not getattr(callback, "save_best_only", True)
        if not is_chooser or saves_all or callback.monitor not in names:
            continue
        warnings.warn(
            f"{where}: {type(callback).__name__} watches "
            f"{callback.monitor!r}, which says who is ahead, D or G, and not "
            "how good samples are: the loss of D is least where it tells them "
            "from data best. Watch a metric of samples, such as "
            "'val_frechet_distance' of compile(metrics=[genzoo.metrics."
            "FrechetDistance()]), with mode='min'; or stop by "
            "genzoo.callbacks.Equilibrium.",
            stacklevel=4,
        )
