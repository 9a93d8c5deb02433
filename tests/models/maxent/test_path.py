"""A path of tolerances, against fits one by one."""

import numpy as np
import pytest

import genzoo as gz
from genzoo import features, spaces
from genzoo.runtime import random

LEVELS = np.linspace(0, 1, 30)
KNOTS = np.linspace(0, 1, 12)


def drawn(n, seed):
    p = np.exp(-8 * (LEVELS - 0.3) ** 2 + (LEVELS > 0.6))
    rng = np.random.default_rng(seed)
    return rng.choice(LEVELS, (n, 1), p=p / p.sum())


def model_of(space=None):
    parts = [features.Hinge(KNOTS), features.Threshold(KNOTS[1:-1] + 0.01)]
    model = gz.MaxEnt(space or spaces.Categorical(LEVELS), parts, seed=0)
    model.compile()
    return model


def test_a_path_of_observations():
    model, x, held = model_of(), drawn(25, 0), drawn(300, 1)
    values = model.features(x).numpy()
    asked = {"observations": values.mean(0), "tolerance": "laplace"}
    stderr = 0.01 + values.std(0) / 5
    path = model.fit_path(
        strengths=[0.02, 30, 1],
        validation_data=held,
        observation_stderr=stderr,
        observations=values.mean(0),
    )
    assert path.strength.tolist() == [30, 1, 0.02]
    alone = model_of()
    for strength, nonzero, likely in list(zip(*path, strict=True))[::-1]:
        alone.fit(observation_stderr=strength * stderr, verbose=0, **asked)
        assert np.mean(alone.log_prob(held)) == pytest.approx(likely, abs=1e-9)
        assert np.count_nonzero(alone.multipliers) == nonzero
    assert path.nonzero[0] == 0
    assert path.log_likelihood[0] == pytest.approx(-np.log(30))
    # It is left at the best, which is not the last here.
    assert path.best == 1.0
    best = path.log_likelihood.max()
    assert np.mean(model.log_prob(held)) == pytest.approx(best, abs=1e-9)
    kept = model.observations.stderr.numpy()
    np.testing.assert_array_equal(kept, stderr)


def test_a_path_of_weighed_examples_takes_their_own_errors():
    x, weight = drawn(120, 2), np.tile([1.0, 2.0, 3.0], 40)
    model = model_of()
    order = random.permutation(120, model.draws.epoch_key())
    path = model.fit_path(
        x, strengths=[2, 1], validation_split=0.25, sample_weight=weight
    )
    x, weight = x[order], weight[order]
    # Whole weights are repetitions.
    train, rest = (
        np.repeat(a, w)
        for a, w in zip(
            np.split(x[:, 0], [90]),
            np.split(weight.astype(int), [90]),
            strict=True,
        )
    )
    values = model.features(train[:, None]).numpy()
    span = np.ptp(model.features(LEVELS[:, None]).numpy(), axis=0)
    n = len(values)
    errors = np.maximum(values.std(0) / np.sqrt(n), span / n)
    kept = model.observations.stderr.numpy() / path.best
    np.testing.assert_allclose(kept, errors, rtol=1e-9)
    likely = model.log_prob(rest[:, None]).mean()
    assert path.log_likelihood.max() == pytest.approx(likely, abs=1e-9)


def test_sorted_rows_are_held_out_as_any_others():
    # By their order the last quarter would be of values that none else has.
    x = np.sort(drawn(400, 3), axis=0)
    model = model_of()
    path = model.fit_path(x, strengths=[4, 1], validation_split=0.25)
    p = np.exp(-8 * (LEVELS - 0.3) ** 2 + (LEVELS > 0.6))
    entropy = np.log(p.sum()) - (p / p.sum()) @ np.log(p)
    deviation = np.sqrt((p / p.sum()) @ (np.log(p / p.sum()) + entropy) ** 2)
    assert abs(-path.log_likelihood.max() - entropy) < 0.1 + 0.4 * deviation


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"x": drawn(9, 0)}, "pass validation_data, or .*validation_split"),
        (
            {"x": drawn(9, 0), "validation_split": 0.5, "strengths": [1, 0]},
            r"strengths must be positive.*received \[1, 0\]",
        ),
        (
            {"observations": np.zeros(32), "validation_data": drawn(9, 0)},
            "strengths multiply observation_stderr",
        ),
    ],
)
def test_a_path_that_cannot_be_is_refused(asked, message):
    with pytest.raises(ValueError, match=f"MaxEnt.fit_path: .*{message}"):
        model_of().fit_path(**asked)


def test_a_path_needs_exact_sums():
    model = gz.BoltzmannMachine(spaces.Spin(3))
    model.compile(loss="pseudolikelihood")
    with pytest.raises(ValueError, match="loss='exact_likelihood'"):
        model.fit_path(np.ones((4, 3)), validation_split=0.5)
