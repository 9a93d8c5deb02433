"""When a discriminator cannot tell, against SciPy and known shifts."""

import keras
import numpy as np
import pytest
from scipy import stats

import genzoo as gz
from genzoo.callbacks.equilibrium import area_under_curve


class Game:
    """A model whose samples differ by a shift that shrinks by the epoch."""

    stop_training = False

    def __init__(self, shifts, is_dead=False):
        self.shifts = shifts
        self.is_dead = is_dead
        self.epoch = 0

    def sample(self, n, seed):
        rng = np.random.default_rng([k % 2**32 for k in seed])
        return self.shifts[self.epoch] + rng.standard_normal((n, 1))

    def score(self, x):
        return np.zeros(len(x)) if self.is_dead else -np.abs(x[:, 0])


def _run(model, epochs, n=2000, data=9, **options):
    x = np.random.default_rng(data).standard_normal((n, 1))
    stop = gz.callbacks.Equilibrium(x, **options)
    stop.set_model(model)
    stop.set_params({"epochs": epochs})
    stop.on_train_begin()
    seen = []
    for model.epoch in range(epochs):
        logs = {}
        stop.on_epoch_end(model.epoch, logs)
        seen.append(logs)
        if model.stop_training:
            break
    return stop, seen


def test_the_area_is_that_of_the_rank_test():
    rng = np.random.default_rng(0)
    one = np.round(rng.normal(0.3, 1, 300), 1)
    other = np.round(rng.normal(0, 2, 200), 1)
    expected = stats.mannwhitneyu(one, other).statistic / (300 * 200)
    area, stderr = area_under_curve(one, other)
    assert area == pytest.approx(expected, abs=1e-12)
    # The error, against the spread over fresh samples.
    areas = [
        area_under_curve(rng.normal(0.3, 1, 300), rng.normal(0, 2, 200))[0]
        for _ in range(400)
    ]
    assert stderr == pytest.approx(np.std(areas), rel=0.15)


def test_it_stops_at_the_epoch_at_which_samples_are_right():
    stop, seen = _run(Game([3.0, 1.5, 0.8, 0.0, 0.0, 0.0]), 6, patience=2)
    assert stop.stopped_epoch == 4
    assert [round(logs["critic_auc"], 1) for logs in seen[:2]] == [1.0, 0.8]
    assert abs(seen[4]["critic_auc"] - 0.5) < 0.05
    assert seen[4]["critic_control_auc"] > 0.55


def test_a_dead_critic_is_no_equilibrium():
    with pytest.warns(UserWarning, match="may be dead"):
        stop, seen = _run(Game([3.0], is_dead=True), 1)
    assert stop.stopped_epoch is None
    assert seen[0]["critic_auc"] == 0.5


def test_the_error_rate_is_that_of_the_whole_fit():
    # Samples at which the area differs from 1/2 by just the tolerance.
    shift = 0.4
    rng = np.random.default_rng(3)
    far = -np.abs(shift + rng.standard_normal(10**6))
    near = -np.abs(rng.standard_normal(10**6))
    tolerance = area_under_curve(near, far)[0] - 0.5
    stops = 0
    for number in range(200):
        options = {"tolerance": tolerance, "error_rate": 0.2}
        stop, _ = _run(
            Game([shift] * 5), 5, 300, data=number, seed=number, **options
        )
        stops += stop.stopped_epoch is not None
    # At most one in five, and four deviations of the binomial distribution.
    assert stops < 200 * 0.2 + 4 * np.sqrt(200 * 0.2 * 0.8)


def test_wrong_arguments_and_models_are_refused():
    x = np.zeros((200, 2))
    for options, said in (
        ({"x": x[:50]}, "at least 100"),
        ({"x": x, "tolerance": 0.5}, "below 0.5"),
        ({"x": x, "error_rate": -1}, "error_rate"),
        ({"x": x, "patience": 0}, "patience"),
    ):
        with pytest.raises(ValueError, match=said):
            gz.callbacks.Equilibrium(**options)
    stop = gz.callbacks.Equilibrium(x)
    stop.set_model(keras.Sequential([keras.layers.Dense(1)]))
    with pytest.raises(ValueError, match="no score"):
        stop.on_train_begin()


@pytest.fixture(scope="module")
def told():
    """A GAN that is told vectors, and examples for it."""
    rng = np.random.default_rng(3)
    x, told = rng.normal(size=(2, 120, 2)).astype("float32")
    gan = gz.GAN(*gz.networks.mlp(2, 2, condition=2, width=8, depth=1), seed=0)
    gan.compile()
    return gan, x, told


def test_conditions_are_told(told):
    gan, x, conditions = told
    stop = gz.callbacks.Equilibrium(x, conditions=conditions)
    logs = gan.fit(x, conditions, verbose=0, callbacks=[stop]).history
    drawn = gan.sample(
        120,
        seed=tuple(gz.runtime.random.fold_in(stop.seed, 0).key.numpy()),
        conditions=conditions,
    )
    scores = (gan.score(part, conditions=conditions) for part in (x, drawn))
    expected = stats.mannwhitneyu(*scores).statistic / 120**2
    assert logs["critic_auc"][0] == pytest.approx(expected, abs=1e-9)


def test_what_it_cannot_score_is_told_before_the_first_epoch(told):
    gan, x, conditions = told
    before = [weight.numpy().copy() for weight in gan.variables]
    for options, said in (
        ({"x": x}, "conditional"),
        ({"x": x[:, :1]}, "must have shape"),
        ({"x": x * np.nan, "conditions": conditions}, "finite"),
        ({"x": x, "conditions": conditions[:7]}, "120 examples and 7"),
        ({"x": x, "labels": [0] * 120}, "conditions="),
    ):
        stop = gz.callbacks.Equilibrium(**options)
        with pytest.raises(ValueError, match=said):
            gan.fit(x, conditions, verbose=0, callbacks=[stop])
    for weight, value in zip(gan.variables, before, strict=True):
        np.testing.assert_array_equal(weight, value)
