import keras
import numpy as np
import pytest

import genzoo as gz


@pytest.fixture
def plane():
    def make(callbacks=(), epochs=1, seed=0):
        keras.utils.set_random_seed(seed)
        gan = gz.GAN(*gz.networks.mlp(2, 2, width=8, depth=1), seed=seed)
        gan.compile()
        gan.fit(points(), epochs=epochs, verbose=0, callbacks=list(callbacks))
        return gan

    return make


def points(n=200, seed=0):
    x = np.random.default_rng(seed).standard_normal((n, 2))
    return x.astype("float32")


class Collapse(keras.callbacks.Callback):
    """The generator gives one point only, from this epoch on."""

    def __init__(self, epoch):
        super().__init__()
        self.epoch = epoch

    def on_epoch_begin(self, epoch, logs=None):
        if epoch >= self.epoch:
            generator = self.model.generator
            generator.set_weights(
                [np.zeros_like(w) for w in generator.get_weights()]
            )

    def on_epoch_end(self, epoch, logs=None):
        if epoch >= self.epoch:
            self.model.averaged_generator.set_weights(
                self.model.generator.get_weights()
            )


def test_coverage_is_that_of_its_definition(plane):
    monitor = gz.callbacks.CollapseMonitor(points(60, 1), neighbours=3)
    gan = plane([monitor])
    x, y = points(60, 1).astype(float), gan.sample(60, seed=0).astype(float)
    own = np.sort(np.linalg.norm(x[:, None] - x, axis=-1), axis=1)[:, 3]
    near = np.linalg.norm(x[:, None] - y, axis=-1) < own[:, None]
    assert monitor.coverage(y) == pytest.approx(near.any(axis=1).mean())
    assert monitor.coverage(x) == 1.0
    assert monitor.coverage(np.full((60, 2), 99.0)) == 0.0


def test_values_are_logged_and_training_is_as_without(plane):
    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.logs = dict(logs)

    keep = Keep()
    gan = plane([gz.callbacks.CollapseMonitor(points(60, 1)), keep])
    assert 0 <= keep.logs["coverage"] <= 1
    x = points(60, 1)
    margin = gan.score(x).mean() - gan.score(gan.sample(60, seed=0)).mean()
    assert keep.logs["margin"] == pytest.approx(margin, abs=1e-5)
    for a, b in zip(
        gan.generator.get_weights(),
        plane().generator.get_weights(),
        strict=True,
    ):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("action", ["warn", "stop", "roll_back"])
def test_a_collapse_is_noticed(plane, action):
    monitor = gz.callbacks.CollapseMonitor(
        points(100, 1), action=action, patience=2
    )
    kept = {}

    class Keep(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            kept[epoch] = [
                *self.model.get_weights(),
                *(v.numpy() for v in self.model.optimizer.variables),
            ]

    callbacks = [Collapse(2), monitor, Keep()]
    with pytest.warns(UserWarning, match="after epoch 4 samples cover 0.0"):
        gan = plane(callbacks, epochs=6)
    assert len(kept) == (6 if action == "warn" else 4)
    if action == "roll_back":
        now = [
            *gan.get_weights(),
            *(v.numpy() for v in gan.optimizer.variables),
        ]
        for a, b in zip(now, kept[monitor.best_epoch], strict=True):
            np.testing.assert_array_equal(a, b)
        assert monitor.best_epoch < 2


def test_bad_arguments_are_named():
    make = gz.callbacks.CollapseMonitor
    with pytest.raises(ValueError, match="action must be one of"):
        make(points(), action="sing")
    with pytest.raises(ValueError, match="tolerance must be between"):
        make(points(), tolerance=2)
    with pytest.raises(ValueError, match="patience must be a positive int"):
        make(points(), patience=0)
    with pytest.raises(ValueError, match="need more than 5 examples"):
        make(points(5))
