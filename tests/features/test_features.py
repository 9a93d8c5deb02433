import itertools
import json

import keras
import numpy as np
import pytest
import tensorflow as tf

import genzoo as gz
from genzoo import features, spaces
from genzoo.features import FeatureList, Function
from genzoo.features.pairwise import lattice_bonds

REAL = np.random.default_rng(0).standard_normal((7, 3))
DICE = np.random.default_rng(1).choice([1.0, 2.0, 4.0], (9, 3))
SPINS = np.random.default_rng(2).choice([-1.0, 1.0], (8, 3, 4))


@keras.saving.register_keras_serializable("test_features")
def cosine(x):
    return tf.cos(x[:, 0] + x[:, -1])


def bond_sum(x, periodic):
    """The sum over bonds, site by site."""
    shape, total = x.shape[1:], np.zeros(len(x))
    for place in np.ndindex(shape):
        for axis, wraps in enumerate(periodic):
            following = list(place)
            following[axis] += 1
            if following[axis] == shape[axis]:
                if not wraps or shape[axis] == 1:
                    continue
                following[axis] = 0
            total += x[(slice(None), *place)] * x[(slice(None), *following)]
    return total[:, None]


def one_hot(x, values):
    return (x[:, :, None] == np.array(values)).astype(float)


def pair_products(x, edges):
    hot = one_hot(x, [1, 2])
    return np.concatenate(
        [
            (hot[:, i, :, None] * hot[:, j, None, :]).reshape(len(x), -1)
            for i, j in edges
        ],
        axis=1,
    )


def hinges(x, knots):
    """As maxnet's `hinge`: hingeval(x, h, max), then hingeval(x, min, h)."""
    ends = [(k, knots[-1]) for k in knots[:-1]]
    ends += [(knots[0], k) for k in knots[1:]]
    return np.stack([np.interp(x, pair, [0, 1]) for pair in ends], axis=1)


VALUES = {
    "mean": (features.Moments(), REAL, REAL),
    "powers in the order asked for": (
        features.Moments(3, 1),
        REAL,
        np.concatenate([REAL**3, REAL], axis=1),
    ),
    "tied powers": (
        features.Moments(1, 4, tied=True),
        REAL,
        np.stack([REAL.sum(1), (REAL**4).sum(1)], axis=1),
    ),
    "all pairs": (
        features.Pairwise(),
        REAL,
        np.stack(
            [REAL[:, i] * REAL[:, j] for i, j in ((0, 1), (0, 2), (1, 2))], 1
        ),
    ),
    "edges": (
        features.Pairwise([[2, 0], [1, 2]]),
        REAL,
        REAL[:, [0, 1]] * REAL[:, [2, 2]],
    ),
    "pairs on a lattice": (
        features.Pairwise([[0, 5]]),
        SPINS,
        (SPINS[:, 0, 0] * SPINS[:, 1, 1])[:, None],
    ),
    "bonds": (
        features.LatticeBonds((3, 4)),
        SPINS,
        bond_sum(SPINS, (True, True)),
    ),
    "open bonds": (
        features.LatticeBonds((3, 4), periodic=False),
        SPINS,
        bond_sum(SPINS, (False, False)),
    ),
    "bonds of a strip": (
        features.LatticeBonds((3, 4), periodic=[False, True]),
        SPINS,
        bond_sum(SPINS, (False, True)),
    ),
    "bonds of a cube": (
        features.LatticeBonds((3, 2, 2)),
        SPINS.reshape(-1, 3, 2, 2),
        bond_sum(SPINS.reshape(-1, 3, 2, 2), (True,) * 3),
    ),
    "bonds of a pair": (
        features.LatticeBonds(2),
        SPINS[:, 0, :2],
        2 * SPINS[:, 0, :1] * SPINS[:, 0, 1:2],
    ),
    "bonds of a line": (
        features.LatticeBonds((1, 4)),
        SPINS[:, :1],
        bond_sum(SPINS[:, :1], (True, True)),
    ),
    "no bonds": (features.LatticeBonds(1), SPINS[:, 0, :1], np.zeros((8, 1))),
    "weighted sums": (
        features.Linear([[0.5, -1, 0], [0, 0, 2]]),
        REAL,
        np.stack([0.5 * REAL[:, 0] - REAL[:, 1], 2 * REAL[:, 2]], axis=1),
    ),
    "indicators": (
        features.Indicators([1, 2, 4]),
        DICE,
        one_hot(DICE, [1, 2]).reshape(9, 6),
    ),
    "pairs of indicators": (
        features.PairIndicators([1, 2, 4]),
        DICE,
        pair_products(DICE, [(0, 1), (0, 2), (1, 2)]),
    ),
    "some pairs of indicators": (
        features.PairIndicators([1, 2, 4], [[2, 1]]),
        DICE,
        pair_products(DICE, [(1, 2)]),
    ),
    "histogram": (
        features.Histogram([1, 1.5, 2, 4]),
        DICE,
        np.stack(
            [
                np.histogram(row[site : site + 1], [1, 1.5, 2, 4])[0]
                for row in DICE
                for site in range(3)
            ]
        ).reshape(9, 9),
    ),
    "hinges, of each site its own": (
        features.Hinge(np.quantile(REAL, [0, 0.2, 0.5, 1], axis=0)),
        REAL,
        np.concatenate(
            [hinges(v, np.quantile(v, [0, 0.2, 0.5, 1])) for v in REAL.T], 1
        ),
    ),
    "hinges of some sites, which end inside of the data": (
        features.Hinge([-0.5, 0, 1e-3, 0.5], sites=[2, 0]),
        REAL,
        np.concatenate(
            [hinges(REAL[:, i], [-0.5, 0, 1e-3, 0.5]) for i in (2, 0)], 1
        ),
    ),
    "thresholds at levels": (
        features.Threshold([2, 2.5, 4]),
        DICE,
        np.concatenate(
            [DICE[:, [i]] >= np.array([2, 2.5, 4]) for i in range(3)], 1
        ),
    ),
    "one threshold": (
        features.Threshold([0.0], sites=1),
        REAL,
        1.0 * (REAL[:, [1]] >= 0),
    ),
    "lambda": (
        Function(lambda x: tf.stack([x[:, 0] ** 2, x[:, 1] * x[:, 2]], 1)),
        REAL,
        np.stack([REAL[:, 0] ** 2, REAL[:, 1] * REAL[:, 2]], 1),
    ),
    "function of one value": (
        Function(cosine),
        REAL,
        np.cos(REAL[:, :1] + REAL[:, 2:]),
    ),
}


def space_of(x, name):
    if x is DICE:
        return spaces.Categorical([1, 2, 4], 3)
    kind = spaces.Real if x is REAL else spaces.Spin
    return kind(x.shape[1:])


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_values_are_those_of_numpy(name, dtype):
    feature, x, expected = VALUES[name]
    value = feature(tf.constant(x, dtype))
    assert value.dtype == dtype
    tolerance = 1e-12 if dtype == "float64" else 1e-5
    np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance)
    names = feature.names(space_of(x, name))
    assert len(names) == len(set(names)) == expected.shape[1]
    # The same in a list, on states, in a graph of any batch size.
    listed = FeatureList(space_of(x, name), [feature])
    assert listed.names == names
    states = tf.constant(x.reshape(len(x), -1), dtype)
    spec = tf.TensorSpec((None, states.shape[1]), dtype)
    graph = tf.function(listed, input_signature=[spec])
    np.testing.assert_allclose(
        graph(states), expected, rtol=tolerance, atol=tolerance
    )


@pytest.mark.parametrize(
    "name", [n for n in VALUES if n not in ("lambda", "function of one value")]
)
def test_configurations_round_trip(name):
    feature, x, _ = VALUES[name]
    config = keras.saving.serialize_keras_object(feature)
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert again.get_config() == feature.get_config()
    assert again.names(space_of(x, name)) == feature.names(space_of(x, name))
    x = tf.constant(x)
    np.testing.assert_array_equal(again(x), feature(x))


@pytest.mark.parametrize(
    ("space", "feature", "names"),
    [
        (spaces.Real(1), features.Moments(1, 2), ["x", "x^2"]),
        (
            spaces.Real(2),
            features.Moments(2, 1),
            ["x_0^2", "x_1^2", "x_0", "x_1"],
        ),
        (spaces.Spin(3), features.Moments(tied=True), ["sum x"]),
        (spaces.Spin((1, 2)), features.Pairwise(), ["x_0_0 x_0_1"]),
        (spaces.Spin(4), features.LatticeBonds((2, 2)), ["bonds"]),
        (
            spaces.Categorical([1, 2.5, 3], 2),
            features.Indicators([1, 2.5, 3]),
            ["x_0=1", "x_0=2.5", "x_1=1", "x_1=2.5"],
        ),
        (
            spaces.Categorical([1, 2, 3], 2),
            features.PairIndicators([1, 2, 3]),
            ["x_0=1 x_1=1", "x_0=1 x_1=2", "x_0=2 x_1=1", "x_0=2 x_1=2"],
        ),
        (
            spaces.Interval(0, 1),
            features.Histogram([0, 0.5, 1]),
            ["x in [0, 0.5)", "x in [0.5, 1]"],
        ),
        (spaces.Real(2), Function(cosine), ["cosine"]),
        (spaces.Real(2), Function(cosine, name="wave"), ["wave"]),
        (spaces.Real(2), Function(lambda x: 2 * x), ["f_0", "f_1"]),
        (
            spaces.Real(2),
            Function(keras.layers.Dense(2, name="layer")),
            ["layer_0", "layer_1"],
        ),
    ],
)
def test_names_say_what_is_constrained(space, feature, names):
    assert feature.names(space) == names


def test_names_come_once():
    listed = FeatureList(
        spaces.Spin(2), [features.Moments(), features.Moments(), cosine]
    )
    assert listed.names == ["x_0", "x_1", "x_0 (2)", "x_1 (2)", "cosine"]
    assert len(listed) == 5


def levels(values, shape):
    return spaces.Categorical(values, shape)


POTTS = [1.0, 2.0, 4.0]
QUADRATIC = {
    "spins": (
        spaces.Spin(4),
        [features.Moments(), features.Pairwise()],
    ),
    "one spin": (
        spaces.Spin(1),
        [features.Moments(), features.Pairwise()],
    ),
    "binary graph": (
        spaces.Binary(4),
        [features.Pairwise([[3, 0], [1, 2]]), features.Moments()],
    ),
    "lattice": (
        spaces.Spin((2, 3)),
        [features.LatticeBonds((2, 3)), features.Moments(tied=True)],
    ),
    "open lattice": (
        spaces.Spin((2, 3)),
        [
            features.LatticeBonds((2, 3), periodic=[True, False]),
            features.Moments(),
        ],
    ),
    "short lattice": (spaces.Spin((2, 2)), [features.LatticeBonds((2, 2))]),
    "line": (spaces.Spin((1, 4)), [features.LatticeBonds((1, 4))]),
    "no bonds": (
        spaces.Spin(1),
        [features.LatticeBonds(1), features.Moments()],
    ),
    "each twice": (
        spaces.Spin((2, 2)),
        [
            features.Moments(),
            features.Moments(tied=True),
            features.Pairwise(),
            features.LatticeBonds((2, 2)),
        ],
    ),
    "dice": (
        levels([-1, 0.5, 3], 3),
        [features.Moments(), features.Pairwise()],
    ),
    "fields": (levels(POTTS, 3), [features.Indicators(POTTS)]),
    "potts": (
        levels(POTTS, 3),
        [features.Indicators(POTTS), features.PairIndicators(POTTS)],
    ),
    "potts graph": (
        levels(POTTS, 4),
        [
            features.PairIndicators(POTTS, [[3, 1], [0, 1]]),
            features.Indicators(POTTS),
        ],
    ),
    "equal bonds": (
        levels(POTTS, (2, 3)),
        [features.LatticeBonds((2, 3), equal=True), features.Indicators(POTTS)],
    ),
    "equal bonds of a triangle": (
        spaces.Spin((2, 3)),
        [
            features.LatticeBonds(
                (2, 3), equal=True, lattice="triangular", boundary="open"
            ),
            features.PairIndicators([-1, 1], [[0, 4]]),
        ],
    ),
    "triangular lattice": (
        spaces.Spin((3, 3)),
        [
            features.LatticeBonds((3, 3), lattice="triangular"),
            features.Moments(tied=True),
        ],
    ),
    "two levels": (
        levels([2, 5], 3),
        [features.Indicators([2, 5]), features.PairIndicators([2, 5])],
    ),
    "product of like spaces": (
        spaces.Product([spaces.Spin(2), levels([-1, 1], 1)]),
        [features.Moments(), features.Pairwise()],
    ),
}


def check_form(model):
    """Assert that the pairwise energy is that of the features."""
    space, count = model.space, len(model.features)
    model.multipliers = np.random.default_rng(0).standard_normal(count)
    x = space.states()
    expected = -model.features(space.flatten(x)).numpy() @ model.multipliers
    np.testing.assert_allclose(model.energy(x), expected, atol=1e-12)
    pairwise = model.density.pairwise(model.multiplier_weights.value, "float64")
    np.testing.assert_allclose(
        pairwise.energy(space.flatten(x)), expected, atol=1e-12
    )
    coupling = pairwise.coupling.numpy()
    np.testing.assert_array_equal(coupling, coupling.T)
    size = len(coupling) // space.width
    for site in range(space.width):
        block = slice(site * size, (site + 1) * size)
        assert not coupling[block, block].any()


@pytest.mark.parametrize("name", QUADRATIC)
def test_the_quadratic_form_is_the_energy(name):
    space, parts = QUADRATIC[name]
    check_form(gz.MaxEnt(space, parts, seed=0))


@pytest.mark.parametrize(
    "part",
    [
        features.Indicators([4, 1, 2]),
        features.Indicators([1, 2]),
        features.Indicators([0, 1, 2]),
        features.PairIndicators([4, 2, 1]),
    ],
    ids=["other order", "some values", "other values", "pairs"],
)
def test_indicators_of_other_values_than_the_levels(part):
    # Chains would sample another energy. To refuse them is right, and so is
    # to have no quadratic form.
    try:
        model = gz.MaxEnt(levels(POTTS, 2), part, seed=0)
    except ValueError as error:
        assert "Indicators" in str(error)  # noqa: PT017
        return
    if model.density.quadratic is not None:
        check_form(model)


@pytest.mark.parametrize(
    ("space", "parts"),
    [
        (spaces.Spin(3), [features.Moments(1, 2)]),
        (spaces.Spin(3), [features.Moments(), lambda x: x[:, 0]]),
        (spaces.Real(2), [features.Moments(), features.Pairwise()]),
        (levels(POTTS, 2), [features.Moments(), features.Indicators(POTTS)]),
        (
            spaces.Product([spaces.Spin(1), spaces.Binary(1)]),
            [features.Moments()],
        ),
        (spaces.Binary(2), [features.Histogram([0, 0.5, 1])]),
    ],
)
def test_other_features_have_no_quadratic_form(space, parts):
    assert gz.MaxEnt(space, parts).density.quadratic is None


@pytest.mark.parametrize(
    ("shape", "periodic"),
    [
        *itertools.product(
            [(3, 4), (2, 2), (1, 4), (2, 1, 3), (1,), (2,), (5,)], [True, False]
        ),
        ((3, 2), [True, False]),
        ((2, 3), [True, False]),
    ],
)
def test_bonds_of_a_lattice(shape, periodic):
    bonds = lattice_bonds(shape, periodic)
    x = np.random.default_rng(0).standard_normal((5, *shape))
    wraps = np.broadcast_to(periodic, len(shape))
    flat = x.reshape(5, -1)
    found = (flat[:, bonds[:, 0]] * flat[:, bonds[:, 1]]).sum(1)
    np.testing.assert_allclose(found, bond_sum(x, wraps)[:, 0], atol=1e-12)
    assert (bonds[:, 0] != bonds[:, 1]).all()


def test_a_layer_is_a_feature_frozen_and_saved_with_the_model(tmp_path):
    network = keras.Sequential(
        [
            keras.Input((3,)),
            keras.layers.Dense(4, activation="tanh"),
            keras.layers.Dense(2, name="out"),
        ],
        name="network",
    )
    rng = np.random.default_rng(0)
    network.set_weights(
        [rng.standard_normal(w.shape) for w in network.get_weights()]
    )
    before = network.get_weights()
    model = gz.MaxEnt(
        spaces.Spin(3), [features.Moments(), network, Function(cosine)], seed=0
    )
    assert model.features.names[3:] == ["network_0", "network_1", "cosine"]
    model.compile(keras.optimizers.SGD(0.1))
    assert [w.path for w in model.trainable_variables] == [
        model.multiplier_weights.path
    ]
    x = spaces.Spin(3).states()[[0, 1, 3, 3, 5, 6]]
    model.fit(x, epochs=5, verbose=0)
    for old, new in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    values = model.features(tf.constant(x)).numpy()
    np.testing.assert_allclose(values[:, 3:5], network(x), rtol=1e-6)
    np.testing.assert_allclose(
        values.mean(0), model.observations.values.numpy()
    )
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    assert again.features.names == model.features.names
    assert not again.feature_layers[0].trainable
    np.testing.assert_array_equal(again.log_prob(x), model.log_prob(x))


def test_a_plain_function_cannot_be_saved_and_says_so(tmp_path):
    model = gz.MaxEnt(spaces.Spin(2), lambda x: x[:, 0])
    with pytest.raises(ValueError, match="'f' is a plain function.*register"):
        model.get_config()
    with pytest.raises(ValueError, match="plain function"):
        model.save(tmp_path / "model.keras")
    registered = gz.MaxEnt(spaces.Spin(2), cosine)
    again = gz.MaxEnt.from_config(
        json.loads(json.dumps(registered.get_config()))
    )
    assert again.features.parts[0].function is cosine


def on(space, feature):
    return lambda: FeatureList(space, feature)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: features.Moments(0), r"Moments: powers.*received \(0,\)"),
        (lambda: features.Moments(1, 1), "different positive ints"),
        (lambda: features.Moments(1.5), "different positive ints"),
        (lambda: features.Moments(True), "different positive ints"),
        (lambda: features.Pairwise([0, 1]), r"Pairwise: edges.*shape \(2,\)"),
        (lambda: features.Pairwise([[0, 1.5]]), "pairs of ints.*float64"),
        (lambda: features.Pairwise([[1, 1]]), r"with itself: \[1, 1\]"),
        (lambda: features.Pairwise([[0, 1], [1, 0]]), "an edge comes twice"),
        (
            on(spaces.Spin(3), features.Pairwise([[0, 3]])),
            "edges name sites 0 to 3; the space has 3",
        ),
        (
            on(spaces.Spin(3), features.Pairwise([[-1, 2]])),
            "edges name sites -1 to 2",
        ),
        (
            on(
                levels(POTTS, 2),
                features.PairIndicators(POTTS, [[0, 2]]),
            ),
            "PairIndicators: edges name sites 0 to 2",
        ),
        (lambda: features.LatticeBonds((3, 0)), "LatticeBonds: shape must"),
        (
            lambda: features.LatticeBonds((3, 3), [True]),
            "one for each of the 2 dimensions",
        ),
        (lambda: features.LatticeBonds(3, "yes"), "periodic must be a bool"),
        (
            on(spaces.Spin(5), features.LatticeBonds((2, 3))),
            "has 6 sites; the space has 5",
        ),
        (lambda: features.Histogram([1]), "Histogram: bins must be two"),
        (lambda: features.Histogram([0, 0, 1]), "increasing numbers"),
        (lambda: features.Histogram([[0, 1]]), "increasing numbers"),
        (
            on(spaces.Real(1), features.Histogram([0, 1])),
            r"Histogram: the space is unbounded.*Interval\(low, high\)",
        ),
        (
            lambda: features.Hinge(np.array([[0.0, 1], [1, 1]])),
            "Those of column 1 do not increase: a site that is constant",
        ),
        (lambda: features.Hinge([0.0]), "Hinge: knots must be two"),
        (lambda: features.Threshold([2, 1]), "Threshold: knots.*in order"),
        (
            lambda: features.Hinge([[0, 0, 0], [1, 1, 1]], sites=[0, 1]),
            "knots has 3 columns.*sites names 2",
        ),
        (
            on(spaces.Real(2), features.Threshold([[0, 0, 0]])),
            "knots has 3 columns.*the space has 2",
        ),
        (
            on(spaces.Real(2), features.Threshold([0], sites=2)),
            "sites names site 2; the space has 2",
        ),
        (lambda: Function(3), "Function: expected a function.*received 3"),
        (on(spaces.Spin(2), []), "features is empty"),
        (on(spaces.Spin(2), "mean"), "features must be.*received 'mean'"),
        (on(spaces.Spin(2), [None]), "features must be.*received None"),
        (
            on(spaces.Spin((2, 3)), lambda x: x),
            r"f must turn examples of shape \(batch, 2, 3\).*gave \(3, 2, 3\)",
        ),
        (
            on(spaces.Spin(2), lambda x: tf.reduce_sum(x)),
            r"for a batch of 3 it gave \(\)",
        ),
    ],
)
def test_impossible_features_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("shape", [1, 3, (2, 3)])
@pytest.mark.parametrize(
    "make",
    [
        lambda shape: features.Moments(1),
        lambda shape: features.Moments(3, 1),
        lambda shape: features.Moments(1, 2, tied=True),
        lambda shape: features.Histogram([0, 0.5, 1]),
        lambda shape: features.Hinge([0, 0.5, 1]),
        lambda shape: features.Threshold([0.5], sites=0),
        lambda shape: features.Indicators(POTTS),
        lambda shape: features.PairIndicators(POTTS),
        lambda shape: features.Pairwise(),
        lambda shape: features.Pairwise(np.zeros((0, 2), int)),
        lambda shape: features.LatticeBonds(shape),
        lambda shape: Function(lambda x: tf.reshape(x, (len(x), -1))),
        lambda shape: Function(lambda x: tf.reshape(x, (len(x), -1))[:, 0]),
    ],
)
def test_functions_are_counted_without_a_list(make, shape):
    space = levels(POTTS, shape)
    feature = make(shape)
    names = feature.names(space)
    assert feature.count(space) == len(names)
    x = space.states()[:5]
    assert feature(tf.constant(x)).shape[1] == len(names)


@pytest.mark.parametrize("edges", [[[0, 2]], [[1, 0], [1, 2]]])
def test_given_edges_are_counted(edges):
    space = levels(POTTS, 3)
    for feature in (
        features.Pairwise(edges),
        features.PairIndicators(POTTS, edges),
    ):
        assert feature.count(space) == len(feature.names(space))


@pytest.mark.parametrize(
    ("space", "feature"),
    [
        (spaces.Spin(3), features.Pairwise([[0, 3]])),
        (spaces.Spin(3), features.LatticeBonds(4)),
        (spaces.Real(3), features.Histogram([0, 1])),
    ],
)
def test_what_does_not_apply_is_not_counted(space, feature):
    with pytest.raises(ValueError, match="the space"):
        feature.count(space)


def test_all_pairs_are_counted_without_a_list():
    space = spaces.Spin((2**10, 2**10))
    assert features.Pairwise().count(space) == 2**19 * (2**20 - 1)


def test_feature_of_ones_own_is_counted_by_its_names():
    class Two(features.Feature):
        def names(self, space):
            return ["first", "second"]

    assert Two().count(spaces.Spin(3)) == 2


def test_hinges_and_thresholds_are_integrated_piece_by_piece():
    """Against Simpson's rule between the knots, of one density."""
    knots = np.array([-0.7, 0.1, 0.11, 2.0])
    space = spaces.Interval(-1.0, 3.0)
    parts = [features.Hinge(knots), features.Threshold([0.2, 1.3])]
    model = gz.MaxEnt(space, parts)
    x = np.array([3.0, -40, 2, -1, 0.5, 7, 1.5, -2])
    model.multipliers = x
    ends = np.unique([-1.0, 3.0, *knots, 0.2, 1.3])
    total = 0.0
    for low, high in itertools.pairwise(ends):
        u = np.linspace(low, high, 2001)
        inside = 0.5 * (low + high)
        energy = hinges(u, knots) @ x[:6] + x[6:] @ [
            float(inside >= 0.2),
            float(inside >= 1.3),
        ]
        weight = np.where(np.arange(2001) % 2, 4.0, 2.0)
        weight[[0, -1]] = 1
        total += np.exp(energy) @ weight * (high - low) / 6000
    assert model.log_partition().value == pytest.approx(
        np.log(total), abs=1e-11
    )
