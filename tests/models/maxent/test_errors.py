"""What no distribution can have is refused, and the constraint is named."""

import warnings

import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import features, spaces
from genzoo.features import Moments, Pairwise

DIE = spaces.Categorical([1, 2, 3, 4, 5, 6])


def compiled(space, parts, optimizer=None, loss="auto", **options):
    model = gz.MaxEnt(space, parts, seed=0, **options)
    model.compile(optimizer, loss)
    return model


IMPOSSIBLE = {
    "beyond": (DIE, Moments(1), [6.5], "of x is 6.5; .*between 1 and 6, so no"),
    "below": (DIE, Moments(1), [0.9], "of x is 0.9; .*so no distribution"),
    "nan": (DIE, Moments(1), [np.nan], "observations: none is known"),
    "infinite": (DIE, Moments(1, 2), [3.0, np.inf], r"of x\^2 is not a finite"),
    "variance": (
        DIE,
        Moments(1, 2),
        [4.0, 15.0],
        r"average of x\^2 is 15, of x 4: the variance would be -1",
    ),
    # The least variance of a mean of 3.5 is 0.25, half on 3 and half on 4.
    "two powers": (
        DIE,
        Moments(1, 2),
        [3.5, 3.5**2 + 0.2],
        r"\(x.*no distribution has these averages",
    ),
    "three pairs": (
        spaces.Spin(3),
        Pairwise(),
        [-0.5] * 3,
        r"-1 \(x_. x_.\) -1 \(x_. x_.\) -1 \(x_. x_.\) is 1.5; .* 1, so no",
    ),
    "a pair's means": (
        spaces.Spin(2),
        [Moments(1), Pairwise()],
        [0.9, 0.9, 0.0],
        r"\(x_0\).*\(x_1\).*(no distribution|no variance)",
    ),
    "interval": (
        spaces.Interval(0.0, 1.0),
        Moments(1),
        [1.2],
        "between 0 and 1, so no",
    ),
    "interval's end": (
        spaces.Interval(0.0, 1.0),
        Moments(1),
        [0.0],
        "of x is 0; .*boundary",
    ),
    "interval's variance": (
        spaces.Interval(0.0, 1.0),
        Moments(1, 2),
        [0.5, 0.51],
        "no distribution|boundary",
    ),
    "share": (
        spaces.Interval(0.0, 1.0),
        features.Histogram([0.0, 0.2, 0.6]),
        [0.5, 0.6],
        r"\(x in \[0, 0.2\)\).*no distribution",
    ),
    "real's variance": (
        spaces.Real(1),
        Moments(1, 2),
        [2.0, 3.0],
        "variance would be -1",
    ),
    "real's square": (spaces.Real(1), Moments(2), [-1.0], r"of x\^2"),
    "half line": (spaces.Interval(0, np.inf), Moments(1), [-1.0], "of x is -1"),
    "two reals": (
        spaces.Real(2),
        [Moments(1, 2), Pairwise()],
        [0.0, 0.0, 1.0, 1.0, 1.5],
        "x_0|covariance",
    ),
}


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_impossible_averages_are_named(name):
    space, parts, observed, message = IMPOSSIBLE[name]
    model = compiled(space, parts)
    with pytest.raises(ValueError, match=f"MaxEnt.fit: .*{message}"):
        model.fit(observations=observed, verbose=0)
    # Nothing was learned from them.
    assert not model.is_adapted
    np.testing.assert_array_equal(model.multipliers, 0)
    np.testing.assert_array_equal(model.observations.values.numpy(), 0)


def test_impossible_averages_of_many_features():
    # Six spins: the sum of 15 products is at least -3.
    model = compiled(spaces.Spin(6), [Moments(1), Pairwise()])
    assert len(model.features) > 12
    message = "MaxEnt.fit: .*(no distribution|no variance)"
    with pytest.raises(ValueError, match=message):
        model.fit(observations=[0.0] * 6 + [-0.5] * 15, verbose=0)


def test_after_a_refusal_a_model_is_as_before():
    model = compiled(DIE, Moments(1))
    model.fit(observations=[4.5], verbose=0)
    before = [w.numpy() for w in model.weights]
    for bad in ([6.5], [0.0], [np.nan], [1, 2]):
        with pytest.raises(ValueError, match="MaxEnt.fit"):
            model.fit(observations=bad, verbose=0)
    for old, new in zip(before, model.weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())
    history = model.fit(observations=[4.5], verbose=0).history
    assert len(history["loss"]) <= 4


@pytest.mark.parametrize(
    ("space", "parts", "observed"),
    [
        (spaces.Real(1), Moments(1), [1.0]),
        (spaces.Real(1), Moments(1, 3), [0.0, 1.0]),
        (spaces.Interval(0, np.inf), lambda x: tf.exp(-x), [0.5]),
    ],
    ids=["mean alone", "odd power", "half line"],
)
def test_a_density_that_does_not_decay_is_refused(space, parts, observed):
    model = compiled(space, parts)
    with pytest.raises(ValueError, match=r"does not decay.*Moments\(1, 2\)"):
        model.fit(observations=observed, verbose=0)


@pytest.fixture(scope="module")
def fitted():
    model = compiled(DIE, Moments(1, 2))
    model.fit(observations=[4.0, 18.5], verbose=0)
    return model


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "pass either examples x or observations"),
        (
            {"x": np.ones((3, 1)), "observations": [4.0, 18.5]},
            "pass either examples x or observations",
        ),
        ({"observations": [4.0]}, r"must be 2 numbers.*\(x, x\^2\).*\[4.0\]"),
        ({"observations": [4.0, 18.5, 1.0]}, "must be 2 numbers"),
        ({"observations": [[4.0, 18.5]]}, "must be 2 numbers"),
        ({"observations": 4.0}, "must be 2 numbers"),
        ({"observations": ["a", "b"]}, "must be 2 numbers"),
        ({"observations": np.zeros(100)}, r"an array of shape \(100,\)"),
        ({"observation_stderr": [0.1] * 3}, "observation_stderr must be 2"),
        ({"observation_stderr": "small"}, "observation_stderr must be 2"),
        ({"observation_stderr": -0.1}, "must be 0 or more, or nan.*-0.1"),
        ({"observation_stderr": [0.1, -np.inf]}, "must be 0 or more"),
        ({"observation_stderr": np.inf}, "but not all"),
        ({"tolerance": "uniform"}, "tolerance must be.*received 'uniform'"),
        ({"observation_count": 0}, "observation_count"),
        ({"observation_count": -3}, "observation_count"),
        ({"sample_weight": [1.0]}, "sample_weight goes with examples x"),
        ({"y": [1.0]}, "takes no y"),
        ({"x": np.full((3, 1), 7.0)}, r"must hold values from \[1.0, .*7"),
        ({"x": np.ones((3, 2))}, r"x must have shape \(n, 1\)"),
        ({"x": np.ones((0, 1))}, "x is empty"),
        ({"batch_size": 0}, "batch_size must be a positive int"),
    ],
)
def test_arguments_of_fit(arguments, message, fitted):
    before = [w.numpy() for w in fitted.weights]
    if arguments and "x" not in arguments:
        arguments = {"observations": [4.0, 18.5], **arguments}
    with pytest.raises(ValueError, match=f"MaxEnt.fit: .*{message}"):
        fitted.fit(**arguments, verbose=0)
    for old, new in zip(before, fitted.weights, strict=True):
        np.testing.assert_array_equal(old, new.numpy())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.sample(0), "MaxEnt.sample: n must be a positive int"),
        (lambda m: m.sample(3, steps=0), "steps must be a positive int"),
        (lambda m: m.sample(3, steps=2.0), "steps must be a positive int"),
        (
            lambda m: m.sample(3, temperature=0),
            "temperature must be a positive",
        ),
        (lambda m: m.sample(3, temperature=-1.0), "positive.*received -1.0"),
        (lambda m: m.sample(3, temperature=np.inf), "temperature must be"),
        (lambda m: m.sample(3, temperature=np.nan), "temperature must be"),
        (lambda m: m.sample(3, temperature="hot"), "temperature must be"),
        (lambda m: m.sample(3, temperature=[1, 2, 3]), "temperature must be"),
        (lambda m: m.sample(3, start="here"), "start must be 'chains', 'rand"),
        (lambda m: m.sample(3, start="chains"), "no persistent chains"),
        (
            lambda m: m.sample(3, start=np.ones((2, 1))),
            "start has 2 rows; n is",
        ),
        (lambda m: m.sample(3, start=np.zeros((3, 1))), "start: x must hold"),
        (lambda m: m.log_prob([7]), "MaxEnt.log_prob: x must hold values"),
        (lambda m: m.prob([np.nan]), "1 values that are not finite"),
        (lambda m: m.log_partition("quadrature"), "one of .'auto', 'enum"),
        (lambda m: m.log_partition("magic"), "received 'magic'"),
        (lambda m: m.log_partition("ais", chains=1), "chains must be an int"),
        (lambda m: m.log_partition("ais", temperatures=1.5), "temperatures"),
        (
            lambda m: m.evaluate(np.zeros((2, 1))),
            "MaxEnt.evaluate: x must hold",
        ),
        (lambda m: setattr(m, "multipliers", [1.0]), "expected 2 numbers"),
        (lambda m: setattr(m, "multipliers", [1.0, np.nan]), "finite"),
    ],
)
def test_impossible_questions(call, message, fitted):
    before = fitted.multipliers
    with pytest.raises(ValueError, match=message):
        call(fitted)
    np.testing.assert_array_equal(fitted.multipliers, before)


def test_a_model_that_was_not_fitted_says_so():
    model = compiled(DIE, Moments(1))
    for call in (
        lambda: model.log_prob([1]),
        lambda: model.sample(2),
        model.entropy,
        model.expectation,
        model.log_partition,
        model.feature_covariance,
        model.to_distribution,
        model.evaluate,
    ):
        with pytest.raises(ValueError, match="has not seen data"):
            call()
    with pytest.raises(ValueError, match="there are no observations yet"):
        model.multiplier_stderr()
    with pytest.raises(ValueError, match="compile"):
        gz.MaxEnt(DIE, Moments(1)).fit(observations=[4.5])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gz.MaxEnt("spins", Moments(1)), "one of genzoo.spaces"),
        (lambda: gz.MaxEnt(DIE, []), "features is empty"),
        (
            lambda: gz.MaxEnt(DIE, Moments(1), reference=3.0),
            "reference must be",
        ),
        (
            lambda: gz.MaxEnt(spaces.Real(1), features.Histogram([0, 1])),
            "Histogram: the space is unbounded",
        ),
        (
            lambda: compiled(spaces.Spin(30), Pairwise(), loss="exact_likelih"),
            "loss must be a genzoo learning rule",
        ),
        (
            lambda: compiled(
                spaces.Spin(30), Pairwise(), loss="exact_likelihood"
            ),
            "ExactLikelihood: the space has too many points.*loss='pcd'",
        ),
        (
            lambda: compiled(spaces.Real(4), Moments(1, 2), loss="exact_likel"),
            "loss must be",
        ),
        (
            lambda: compiled(
                spaces.Real(4),
                [Moments(2), Pairwise()],
                loss="exact_likelihood",
            ),
            "three continuous sites",
        ),
        (
            lambda: compiled(DIE, Moments(1), "newton", "pcd"),
            "Newton does not go with PersistentContrastiveDivergence",
        ),
        (
            lambda: compiled(DIE, Moments(1), "natural_gradient"),
            "NaturalGradient does not go with ExactLikelihood",
        ),
        (
            lambda: compiled(DIE, Moments(1), "natural_gradient", "cd"),
            "NaturalGradient does not go with Contrastive",
        ),
        (
            lambda: compiled(DIE, Moments(1), "newton", "pseudolikelihood"),
            "Newton does not go with Pseudolikelihood",
        ),
        (
            lambda: compiled(DIE, Moments(1, 2), "lbfgs", "pseudolikelihood"),
            "Pseudolikelihood: needs discrete sites.*pairwise",
        ),
        (
            lambda: compiled(
                spaces.Spin(3),
                Pairwise(),
                "lbfgs",
                gz.losses.Pseudolikelihood(sites=2),
            ),
            "sites is for RBMs",
        ),
        (
            lambda: compiled(
                spaces.Real(2), Pairwise(), "sgd", "minimum_probability_flow"
            ),
            "MinimumProbabilityFlow: needs discrete sites",
        ),
        (
            lambda: gz.MaxEnt(spaces.Spin(21), Moments(1)).to_distribution(),
            "has not seen data|at most 2\\*\\*20 states",
        ),
    ],
)
def test_impossible_models(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_only_finite_spaces_are_distributions():
    model = gz.MaxEnt(spaces.Interval(0.0, 1.0), Moments(1), seed=0)
    model.multipliers = [1.0]
    with pytest.raises(ValueError, match="infinitely many. Use log_prob"):
        model.to_distribution()
    large = gz.MaxEnt(spaces.Spin(21), Moments(1), seed=0)
    large.multipliers = np.zeros(21)
    with pytest.raises(ValueError, match="this one has 2097152"):
        large.to_distribution()


def test_examples_only_losses_refuse_observations():
    model = gz.MaxEnt(spaces.Spin(3), [Moments(1), Pairwise()], seed=0)
    model.compile(loss="pseudolikelihood")
    with pytest.raises(ValueError, match="Pseudolikelihood needs examples x"):
        model.fit(observations=np.zeros(6))
    x = spaces.Spin(3).states()
    with pytest.raises(ValueError, match="takes all 8 examples in one batch"):
        model.fit(x, batch_size=4)


def test_a_bad_batch_of_a_dataset_is_not_learned_from():
    x = np.ones((60, 1))
    x[50] = 9
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(20)
    model = compiled(DIE, Moments(1))
    with pytest.raises(ValueError, match="batch of the dataset is not in"):
        model.fit(dataset, verbose=0)
    assert not model.is_adapted
    np.testing.assert_array_equal(model.multipliers, 0)


def test_averages_on_the_boundary_have_a_way_on():
    model = compiled(spaces.Spin(2), [Moments(1), Pairwise()])
    x = np.array([[1, 1], [-1, -1], [1, 1]])
    with pytest.warns(UserWarning, match=r"x_0 x_1.*observation_stderr"):
        model.fit(observations=[1 / 3, 1 / 3, 1], verbose=0)
    found = model.prob([[1, 1], [-1, -1], [1, -1]])
    np.testing.assert_allclose(found, [2 / 3, 1 / 3, 0], atol=1e-11)
    # As the message says, errors of the averages help.
    model.fit(x, observation_stderr=0.1, verbose=0)
    gap = model.expectation() - [1 / 3, 1 / 3, 1]
    np.testing.assert_allclose(gap, -0.01 * model.multipliers, atol=1e-9)


def test_possible_averages_near_the_boundary_are_found():
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = compiled(DIE, Moments(1))
        model.fit(observations=[5.999], verbose=0)
        np.testing.assert_allclose(model.expectation(), [5.999], atol=1e-9)
        spins = compiled(spaces.Spin(3), Pairwise())
        spins.fit(observations=[-0.333] * 3, verbose=0)
        np.testing.assert_allclose(spins.expectation(), -0.333, atol=1e-9)


@pytest.mark.parametrize("place", [1.0, 3.5])
def test_features_that_are_no_numbers_stop_the_fit(place):
    # Minus infinity at one face, or nothing at three.
    model = compiled(DIE, [Moments(1), lambda x: tf.math.log(x - place)])
    with pytest.raises(ValueError, match="f.*finite"):
        model.fit(observations=[4.5, 0.0], verbose=0)
    assert not model.is_adapted
