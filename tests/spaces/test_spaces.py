import itertools
import json
import time

import keras
import numpy as np
import pytest
import tensorflow as tf
from goodness_of_fit import assert_chi_square, assert_kolmogorov_smirnov

import genzoo as gz
from genzoo import spaces
from genzoo.runtime.random import as_seed
from genzoo.spaces.grid import gauss_legendre
from genzoo.spaces.space import get

ALL = {
    "spin": spaces.Spin((2, 3)),
    "binary": spaces.Binary(4),
    "categorical": spaces.Categorical([0.1, -3, 7], (2, 2)),
    "counts": spaces.Counts(3, (1, 2)),
    "interval": spaces.Interval(-1.0, 2.5, 3),
    "half line": spaces.Interval(0, np.inf),
    "box": spaces.Box([[0.0, -np.inf]], [[1.0, 2.0]]),
    "real": spaces.Real((2, 1)),
    "product": spaces.Product(
        [
            spaces.Spin(2),
            spaces.Product([spaces.Categorical([0, 5]), spaces.Real(1)]),
            spaces.Interval(0.0, 4.0, 2),
        ]
    ),
}
every_space = pytest.mark.parametrize("space", ALL.values(), ids=ALL)


def integral(grid, function):
    points = grid.points(0, grid.count).numpy()
    weights = np.exp(grid.log_weights(0, grid.count).numpy())
    return weights @ function(points)


def normal_cdf(x):
    return 0.5 * (1 + tf.math.erf(x / np.sqrt(2)).numpy())


@pytest.mark.parametrize(
    ("space", "levels"),
    [
        (spaces.Spin(3), [[-1, 1]] * 3),
        (spaces.Binary((2, 2)), [[0, 1]] * 4),
        (spaces.Categorical([3, 1, 2.5], 2), [[3, 1, 2.5]] * 2),
        (
            spaces.Product([spaces.Spin(1), spaces.Categorical([0, 5, 7], 2)]),
            [[-1, 1], [0, 5, 7], [0, 5, 7]],
        ),
    ],
)
def test_states_are_all_once_the_first_site_slowest(space, levels):
    states = space.states()
    expected = np.array(list(itertools.product(*levels)), float)
    assert space.state_count == len(expected)
    assert states.shape == (len(expected), *space.event_shape)
    assert states.dtype == np.float64
    np.testing.assert_array_equal(states.reshape(len(states), -1), expected)


def test_a_grid_gives_any_block_of_its_points():
    grid = spaces.Product([spaces.Spin(2), spaces.Interval(0, 1)]).quadrature(8)
    points = grid.points(0, grid.count).numpy()
    log_weights = grid.log_weights(0, grid.count).numpy()
    np.testing.assert_array_equal(grid.points(5, 20), points[5:25])
    np.testing.assert_array_equal(grid.log_weights(5, 20), log_weights[5:25])
    np.testing.assert_array_equal(grid.points(30, 4), points[[30, 31, 0, 1]])


@pytest.mark.parametrize("nodes", [8, 11])
def test_quadrature_integrates_polynomials_exactly(nodes):
    grid = spaces.Interval(-1.0, 3.0).quadrature(nodes)
    assert grid.count == nodes
    for power in range(2 * nodes):
        exact = (3.0 ** (power + 1) - (-1.0) ** (power + 1)) / (power + 1)
        found = integral(grid, lambda x, p=power: x[:, 0] ** p)
        np.testing.assert_allclose(found, exact, rtol=1e-12)
    # and not the next even power: the nodes are Gauss's, no more
    power = 2 * nodes
    exact = (3.0 ** (power + 1) + 1) / (power + 1)
    found = integral(grid, lambda x: x[:, 0] ** power)
    assert abs(found / exact - 1) > 1e-12


def test_quadrature_with_breaks_is_exact_for_pieces():
    breaks = (1.5, 0.0, 0.0, 9.0, -1.0)
    grid = spaces.Interval(-1.0, 3.0).quadrature(24, breaks=breaks)
    assert grid.count == 24
    found = integral(
        grid,
        lambda x: np.where(x < 0, x**2, np.where(x < 1.5, -(x**3), 7.0))[:, 0],
    )
    np.testing.assert_allclose(found, 1 / 3 - 1.5**4 / 4 + 7 * 1.5, rtol=1e-13)


@pytest.mark.parametrize("breaks", [(), (0.5, 2.0)])
def test_cells_of_an_axis_cover_it_with_one_node_each(breaks):
    axis = gauss_legendre(-1.0, 3.0, 33, breaks)
    assert axis.edges[0] == -1.0
    assert axis.edges[-1] == 3.0
    assert (np.diff(axis.values) > 0).all()
    np.testing.assert_allclose(
        np.diff(axis.edges), np.exp(axis.log_weights), atol=1e-14
    )
    assert (axis.edges[:-1] < axis.values).all()
    assert (axis.values < axis.edges[1:]).all()


def test_quadrature_of_several_sites():
    box = spaces.Box([0.0, -1.0], [2.0, 3.0])
    grid = box.quadrature(10)
    assert grid.count == 100
    np.testing.assert_allclose(
        integral(grid, lambda x: x[:, 0] ** 3 * x[:, 1] ** 2),
        4 * 28 / 3,
        rtol=1e-13,
    )
    # Levels count one each: a sum over spins, an integral over the rest.
    mixed = spaces.Product([spaces.Spin(2), spaces.Interval(0.0, 1.0)])
    np.testing.assert_allclose(
        integral(
            mixed.quadrature(9),
            lambda x: (2 + x[:, 0]) * (5 + x[:, 1]) * x[:, 2] ** 4,
        ),
        4 * 2 * 5 / 5,
        rtol=1e-13,
    )


def test_an_unbounded_site_is_integrated_in_its_window():
    window = np.array([[-9.0, 11.0], [5.0, 12.0], [-6.0, 77.0]])
    space = spaces.Box(
        [-np.inf, 0.0, -np.inf],
        [np.inf, np.inf, 1.0],
    )
    low, high = space.bounds(window)
    np.testing.assert_array_equal(low, [-9, 0, -6])
    np.testing.assert_array_equal(high, [11, 12, 1])
    grid = space.quadrature(16, window)
    volume = 20 * 12 * 7
    np.testing.assert_allclose(
        integral(grid, lambda x: np.ones(len(x))), volume, rtol=1e-13
    )
    for site, middle in enumerate([1.0, 6.0, -2.5]):
        found = integral(grid, lambda x, site=site: x[:, site])
        np.testing.assert_allclose(found, middle * volume, rtol=1e-12)
    real = spaces.Real(1).quadrature(60, np.array([[-11.0, 13.0]]))
    gauss = integral(real, lambda x: np.exp(-0.5 * (x[:, 0] - 1) ** 2))
    np.testing.assert_allclose(gauss, np.sqrt(2 * np.pi), rtol=1e-12)
    # Where the window ends, the cells end: draws are made in them.
    digits = real.digits(tf.range(60))
    ends = [end.numpy()[:, 0] for end in real.cells(digits)]
    np.testing.assert_allclose([ends[0][0], ends[1][-1]], [-11, 13])


CONTAINED = {
    "spin int8": (spaces.Spin(2), np.array([[1, -1]], "int8"), True),
    "spin float16": (spaces.Spin(2), np.array([[1, -1]], "float16"), True),
    "spin zero": (spaces.Spin(2), np.array([[1, 0]], "int8"), False),
    "spin 255": (spaces.Spin(2), np.array([[1, 255]], "uint8"), False),
    "spin bool": (spaces.Spin(2), np.array([[True, False]]), False),
    "spin nan": (spaces.Spin(2), np.array([[1.0, np.nan]]), False),
    "binary bool": (spaces.Binary(2), np.array([[True, False]]), True),
    "binary uint8": (spaces.Binary(2), np.array([[1, 0]], "uint8"), True),
    "binary two": (spaces.Binary(2), np.array([[1, 2]], "uint8"), False),
    "binary near": (spaces.Binary(1), np.array([[1 - 1e-6]]), False),
    "binary int64": (spaces.Binary(1), np.array([[2**40 + 1]]), False),
    "tenth single": (
        spaces.Categorical([0.1, 0.7]),
        np.array([[0.1]], "float32"),
        True,
    ),
    "tenth double": (spaces.Categorical([0.1, 0.7]), np.array([[0.1]]), True),
    "other level": (spaces.Categorical([0.1, 0.7]), np.array([[0.2]]), False),
    "end": (spaces.Interval(0.1, 1), np.array([[0.1]], "float32"), True),
    "below": (spaces.Interval(0.1, 1), np.array([[0.05]]), False),
    "above": (spaces.Interval(0, 10), np.array([[11]], "uint8"), False),
    "integer": (spaces.Interval(0, 10), np.array([[10]], "uint8"), True),
    "interval nan": (spaces.Interval(0, 1), np.array([[np.nan]]), False),
    "infinite": (spaces.Real(1), np.array([[np.inf]]), False),
    "half": (spaces.Interval(0, np.inf), np.array([[1e30]]), True),
    "half infinite": (spaces.Interval(0, np.inf), [[np.inf]], False),
    "product": (ALL["product"], np.array([[1, -1, 5, -9, 0, 4]]), True),
    "product moved": (ALL["product"], np.array([[1, 5, -1, 9, 0, 4]]), False),
    "product beyond": (ALL["product"], [[1, -1, 5, -9, 0, 4.1]], False),
}


@pytest.mark.parametrize("case", CONTAINED)
def test_what_a_space_contains(case):
    space, x, expected = CONTAINED[case]
    x = np.asarray(x)
    assert bool(space.contains(x)[0]) == expected
    assert bool(space.outside(x)) != expected
    # one bad example among good ones is enough
    good = np.round(space.start(3, as_seed(0)).numpy().astype("float64"), 6)
    good = good.astype(x.dtype)
    if x.dtype.kind == "f":
        both = np.concatenate([good, x])
        assert np.array(space.contains(both)).tolist() == [True] * 3 + [
            expected
        ]
        assert bool(space.outside(both)) != expected
    tensor = tf.constant(x)
    if tensor.dtype.is_floating:
        assert bool(space.outside(tensor)) != expected


@every_space
def test_a_start_lies_in_the_space_and_follows_from_the_seed(space):
    x = space.start(50, as_seed(3))
    assert x.shape == (50, space.width)
    assert x.dtype == tf.float32
    assert not bool(space.outside(x))
    np.testing.assert_array_equal(x, space.start(50, as_seed(3)))
    assert (x.numpy() != space.start(50, as_seed(4)).numpy()).any()
    # Draws are addressed by row, so that replicas make their own.
    np.testing.assert_array_equal(
        x[20:], space.start(30, as_seed(3).at_row(20))
    )


def test_a_start_is_drawn_evenly_or_from_the_normal_distribution():
    space = spaces.Product(
        [
            spaces.Categorical([4, -1, 2]),
            spaces.Spin(2),
            spaces.Interval(-1.0, 3.0),
            spaces.Real(1),
            spaces.Interval(2.0, np.inf),
            spaces.Interval(-np.inf, -1.0),
        ]
    )
    x = space.start(4000, as_seed(1)).numpy().astype("float64")
    discrete = [np.unique(x[:, :3], axis=0, return_counts=True)[1]]
    assert_chi_square(discrete[0], np.full(12, 1 / 12))

    def half_normal(z):
        return 2 * normal_cdf(z) - 1

    assert_kolmogorov_smirnov(x[:, 3], lambda u: (u + 1) / 4)
    assert_kolmogorov_smirnov(x[:, 4], normal_cdf)
    assert_kolmogorov_smirnov(x[:, 5], lambda u: half_normal(u - 2))
    assert_kolmogorov_smirnov(-x[:, 6], lambda u: half_normal(u - 1))
    # Sites are independent of each other.
    correlation = np.corrcoef(x.T) - np.eye(space.width)
    assert np.abs(correlation).max() < 5 / np.sqrt(len(x))


@every_space
def test_configurations_round_trip(space):
    config = keras.saving.serialize_keras_object(space)
    again = keras.saving.deserialize_keras_object(
        json.loads(json.dumps(config))
    )
    assert again == space
    assert again.event_shape == space.event_shape
    np.testing.assert_array_equal(again.low, space.low)
    np.testing.assert_array_equal(again.high, space.high)
    assert get(config) == space
    assert repr(again) == repr(space)


def test_different_spaces_differ():
    for one, two in itertools.combinations(ALL.values(), 2):
        assert one != two
    assert spaces.Spin(4) != spaces.Spin((2, 2))
    assert spaces.Spin(4) != spaces.Binary(4)
    assert spaces.Categorical([1, 2]) != spaces.Categorical([2, 1])


def test_sites_are_named_by_their_place():
    assert spaces.Real(1).site_names == ["x"]
    assert spaces.Spin(2).site_names == ["x_0", "x_1"]
    assert spaces.Spin((2, 2)).site_names == [
        "x_0_0",
        "x_0_1",
        "x_1_0",
        "x_1_1",
    ]
    product = ALL["product"]
    np.testing.assert_array_equal(product.continuous_sites, [3, 4, 5])
    assert not product.is_discrete
    assert not product.is_bounded
    assert product.state_count is None


def test_examples_and_states_are_the_same_numbers():
    space = spaces.Spin((2, 3))
    x = space.states()
    flat = space.flatten(x)
    assert flat.shape == (64, 6)
    np.testing.assert_array_equal(space.unflatten(flat), x)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: spaces.Spin(0), "Spin: .*positive int.*received 0"),
        (lambda: spaces.Spin(2.5), r"Spin: .*received 2\.5"),
        (lambda: spaces.Binary(True), "Binary: .*received True"),
        (lambda: spaces.Binary(()), r"Binary: .*received \(\)"),
        (lambda: spaces.Spin((3, -1)), r"Spin: .*received \(3, -1\)"),
        (lambda: spaces.Categorical([1]), "two or more different"),
        (lambda: spaces.Categorical([1, 2, 1.0]), "two or more different"),
        (lambda: spaces.Categorical([1, np.nan]), "two or more different"),
        (lambda: spaces.Categorical([1, np.inf]), "two or more different"),
        (lambda: spaces.Categorical(["a", "b"]), "list of numbers.*Number the"),
        (lambda: spaces.Interval(1, 1), "low must be less than high"),
        (lambda: spaces.Interval(2, 1), "low=2.*high=1"),
        (lambda: spaces.Interval(np.nan, 1), "low must be less than high"),
        (lambda: spaces.Box([0, 1], [1, 1]), "low must be less than high"),
        (lambda: spaces.Box([0, 0], [1, 1, 1]), r"Box: high must be.*\(2,\)"),
        # "ValueError: if the shapes differ", also where they would broadcast
        (lambda: spaces.Box([0, 0], [1]), "Box: high must be"),
        (lambda: spaces.Product([]), "Product: spaces is empty"),
        (lambda: spaces.Product([spaces.Spin(2), 3]), "one of genzoo.spaces"),
        (lambda: get("spins"), "one of genzoo.spaces.*received 'spins'"),
        (lambda: spaces.Real(1).states(), r"Real.states: .*quadrature\(\)"),
        (lambda: spaces.Spin(25).states(), "33,554,432 states"),
        (lambda: spaces.Real(2).quadrature(), r"Real.quadrature: .*window"),
        (
            lambda: spaces.Interval(0, np.inf).quadrature(),
            "Interval.quadrature: a site is unbounded",
        ),
    ],
)
def test_impossible_spaces_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


HINTS = {
    "spins for bits": (spaces.Binary(2), [[-1, 1]], r"take \(x \+ 1\) / 2"),
    "bits for spins": (spaces.Spin(2), [[0, 1]], r"take 2\.0 \* x - 1"),
    "all down": (spaces.Binary(2), [[-1, -1]], r"\(x \+ 1\) / 2"),
    "bytes": (spaces.Binary(2), [[0, 255], [3, 9]], "Binarise.*x > 127"),
    "grey levels": (spaces.Binary(2), [[0, 16], [5, 9]], "x > 8"),
    "shares": (spaces.Binary(2), [[0, 1], [0.25, 0.5]], "x > 0.5"),
    "one and two": (spaces.Binary(2), [[1, 2]], "x == 2"),
    "grey spins": (spaces.Spin(2), [[0, 255], [3, 9]], "where.x > 127, 1, -1"),
    "missing": (spaces.Binary(2), [[0, np.nan]], "missing.*NaN"),
    "infinite": (spaces.Spin(2), [[1, np.inf]], "what is infinite"),
    "labels from 1": (spaces.Categorical(range(4), 2), [[1, 4]], "x - 1"),
    "no level": (spaces.Categorical([1, 5], 2), [[1, 3], [7, 9]], "where"),
    "many levels": (spaces.Categorical(range(9)), [[2.5]], r"them: \[2.5\]"),
    "image for a unit": (spaces.Interval(0, 1, 2), [[0, 255]], "x / 255"),
    "beyond": (spaces.Interval(0, None, 2), [[-3, 255]], "lies beyond"),
    "probabilities": (
        spaces.Binary(3),
        [[0, 0.2, 0.9]],
        r"random\(x.shape\) < x.*units.UnitInterval",
    ),
    "standardised": (spaces.Binary(2), [[-2, 3.1], [0.2, 1]], "Gaussian"),
    "gaps as -1": (spaces.Binary(3), [[-1, 0, 1]], r"missing=-1.*x > 0"),
    "gaps as 0": (spaces.Spin(3), [[-1, 0, 1]], r"missing=0.*where\(x > 0"),
    "gaps among labels": (
        spaces.Categorical(range(4), 3),
        [[-1, 3, 2]],
        "missing=-1.*x \\+ 1",
    ),
    "spins of bytes": (spaces.Spin(2), [[1, 255]], r"astype\('int8'\)\."),
    "gaps of bytes": (spaces.Binary(3), [[1, 0, 255]], "int8.*missing=-1"),
    "no state": (
        spaces.OneHot(2, 3),
        [[1, 0, 0, 0, 1, 0], [1, 0, 0, 0, 0, 0]],
        r"x\[1\] has no 1 in group 1.*one_hot",
    ),
    "two states": (spaces.OneHot(1, 3), [[0, 1, 1]], "2 ones in group 0"),
    "soft states": (spaces.OneHot(1, 3), [[0.2, 0.5, 0.3]], "probabilities"),
    "numbers in groups": (
        spaces.OneHot(1, 3),
        [[0, 2, 1]],
        "other than 0 and 1 in group 0",
    ),
    "a product's site": (
        spaces.Product([spaces.Spin(1), spaces.Interval(0.0, 2.0, 2)]),
        [[1, 0.5, 2], [-1, 2, 2.5]],
        r"x\[1\] has 2.5 at the site x_2.*\[0, 2\]",
    ),
}


@pytest.mark.parametrize("name", HINTS)
def test_messages_say_what_to_do_with_values(name):
    space, x, message = HINTS[name]
    with pytest.raises(ValueError, match=f"fit: x must hold.*{message}"):
        space.check("fit", np.asarray(x, float))


SHAPES = {
    "transposed": (spaces.Real(20), (20, 1000), r"take x\.T"),
    "image": (spaces.Binary(64), (5, 8, 8), r"x\.reshape\(len\(x\), -1\)"),
    "rows": (spaces.Binary((8, 8)), (5, 64), r"x\.reshape\(-1, 8, 8\)"),
    "channel": (spaces.Binary((8, 8)), (5, 8, 8, 1), r"reshape\(-1, 8, 8\)"),
    "single": (spaces.Binary((8, 8)), (8, 8), r"x\[None\]"),
    "single row": (spaces.Binary(7), (7,), r"x\[None\]"),
    "more": (spaces.Binary(64), (5, 60), "holds 60 numbers, an example 64"),
    "a column too many": (spaces.Binary(64), (5, 65), r"label.*x\[:, 1:\]"),
    "no channel": (spaces.Binary((8, 8, 1)), (5, 8, 8), r"x\[\.\.\., None\]"),
    "one image without channel": (
        spaces.Binary((8, 8, 1)),
        (8, 8),
        r"one example: take x\.reshape\(1, 8, 8, 1\)",
    ),
    "colours": (spaces.Binary((8, 8, 1)), (5, 8, 8, 3), "colours.*mean"),
    "grey": (spaces.Binary((8, 8, 3)), (5, 8, 8, 1), "repeat.x, 3, axis=-1"),
    # A reshape would be of the right shape, and nonsense.
    "channels first": (
        spaces.Interval(0, 1, (8, 8, 3)),
        (5, 3, 8, 8),
        r"moveaxis\(x, 1, -1\)",
    ),
    "examples last": (
        spaces.Real((8, 8, 3)),
        (8, 8, 3, 50),
        r"moveaxis\(x, 3, 0\)",
    ),
    "columns first": (
        spaces.Real((6, 8)),
        (5, 8, 6),
        r"transpose\(x, \(0, 2, 1\)\)",
    ),
    "columns before rows": (
        spaces.Real((6, 8, 3)),
        (5, 8, 6, 3),
        r"swapaxes\(1, 2\)",
    ),
    "a batch of all": (spaces.Binary(64), (1, 9, 64), r"take x\[0\]"),
    "batches": (spaces.Binary(64), (3, 9, 64), r"x\.reshape\(-1, 64\)"),
    "an image for a row": (spaces.Binary(64), (8, 8), r"reshape\(1, 64\)"),
    "labels": (
        spaces.OneHot(4, 3),
        (9, 4),
        r"look like labels.*Categorical\(4, 3\)\.one_hot\(x\)",
    ),
    "a column of labels": (
        spaces.OneHot(1, 3),
        (9,),
        r"one_hot\(x\.reshape\(-1, 1\)\)",
    ),
}


@pytest.mark.parametrize("name", SHAPES)
def test_messages_say_what_to_do_with_shapes(name):
    space, shape, message = SHAPES[name]
    with pytest.raises(ValueError, match=f"x must have shape.*{message}"):
        space.check("fit", np.zeros(shape))


def test_one_hot_data_for_labels_are_told_so():
    hot = np.eye(3)[[0, 2, 1, 1]].reshape(2, 6)
    with pytest.raises(ValueError, match=r"reshape\(-1, 2, 3\).argmax"):
        spaces.Categorical(range(3), 2).check("fit", hot)


@pytest.mark.parametrize(
    ("shape", "of_one"),
    [((8, 8), (64,)), ((64,), (8, 8)), ((8, 8, 1), (8, 8)), ((8, 8), (8, 8))],
)
def test_datasets_of_single_examples_in_another_shape(shape, of_one):
    dataset = tf.data.Dataset.from_tensor_slices(np.zeros((5, *of_one)))
    with pytest.raises(ValueError, match=r"single examples.*batch\(128\)"):
        spaces.Binary(shape).check_dataset("fit", dataset)


def test_datasets_without_batches_are_told_so():
    dataset = tf.data.Dataset.from_tensor_slices(np.zeros((5, 8, 8)))
    with pytest.raises(ValueError, match=r"single examples.*batch\(128\)"):
        spaces.Binary((8, 8)).check_dataset("fit", dataset)


def test_messages_are_short_however_large_a_space_is():
    levels = spaces.Categorical(range(5000), 3)
    assert len(levels.description) < 100
    assert len(repr(levels)) < 120
    many = spaces.Product([levels, spaces.Spin(4)] * 9)
    assert len(repr(many)) < 500
    with pytest.raises(ValueError, match=r"\[0.0, 1.0.*5000 of them") as found:
        levels.check("fit", np.full((9, 3), -1.5))
    assert len(str(found.value)) < 300


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int64"])
@pytest.mark.parametrize("count", [3, 9, 700])
def test_levels_are_looked_up(dtype, count):
    rng = np.random.default_rng(count)
    levels = rng.permutation(count * 2)[:count]
    x = rng.integers(-2, count * 2 + 2, (300, 2)).astype(dtype)
    found = np.asarray(spaces.Categorical(levels, 2).contains(x))
    np.testing.assert_array_equal(found, np.isin(x, levels).all(axis=1))
    if dtype.startswith("float"):
        x[5, 0] = np.nan
        assert not spaces.Categorical(levels, 2).contains(tf.constant(x))[5]


def test_a_large_list_of_levels_takes_no_longer_for_each():
    space = spaces.Categorical(range(50_000))
    start = time.process_time()
    assert bool(space.outside(np.array([[49_999.5]])))
    assert not bool(space.outside(np.arange(50_000.0)[:, None]))
    # A comparison for each level took ten seconds.
    assert time.process_time() - start < 2


def test_counts_without_end_are_whole_numbers():
    space = spaces.Counts(None, 2)
    for x in ([[0, 10**6]], np.uint8([[255, 0]]), np.array([[True, False]])):
        assert not space.outside(np.asarray(x))
    for x in ([[0.5, 1]], [[-1, 0]], [[np.nan, 0]], [[np.inf, 0]]):
        assert space.outside(np.asarray(x))
    assert space.state_count is None
    assert not space.is_bounded
    for ask in (space.quadrature, space.states):
        with pytest.raises(ValueError, match="Counts"):
            ask()
    with pytest.raises(ValueError, match="whole numbers.*round"):
        space.check("fit", np.array([[0.2, 1]]))
    die = gz.MaxEnt(spaces.Counts(5), gz.features.Moments(1))
    die.compile()
    die.fit(observations=[1.0], verbose=0)
    p = die.prob(die.space.states())
    np.testing.assert_allclose(p @ np.arange(6), 1.0, atol=1e-6)
    # Of a given mean the ensemble is geometric.
    np.testing.assert_allclose(
        np.diff(np.log(p)), np.log(p[1] / p[0]), atol=1e-6
    )
