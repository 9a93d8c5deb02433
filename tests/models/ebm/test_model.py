"""Neural energies on all kinds of spaces: log Z, samples, saves, errors."""

import itertools

import keras
import numpy as np
import pytest
from scipy import stats

import genzoo as gz
from genzoo import spaces

RNG = np.random.default_rng(11)
COUPLED = RNG.integers(0, 3, (300, 3))
COUPLED[:, 1] = COUPLED[:, 0]
SIDE = np.where(RNG.random((300, 1)) < 0.3, 1.0, -1.0)

# Spaces, and data whose columns are neither even nor independent.
DATA = {
    "categories": (spaces.Categorical([-1, 0, 1], 3), COUPLED - 1),
    "far columns": (
        spaces.Real(2),
        [1e5, -3e-4] + RNG.standard_normal((300, 2)) @ [[10, 1e-5], [0, 2e-5]],
    ),
    "box": (
        spaces.Interval(-1.0, 3.0, shape=2),
        4 * RNG.beta(2, [[5, 2]], (300, 2)) - 1,
    ),
    "half-line": (spaces.Interval(0.0, None), RNG.exponential(3.0, (300, 1))),
    "angles": (spaces.Angle(1), RNG.vonmises(1, 2, (300, 1))),
    "counts": (spaces.Counts(None), RNG.poisson(4, (300, 1))),
    "mixed": (
        spaces.Product([spaces.Spin(1), spaces.Real(1)]),
        np.concatenate([SIDE, 5 + 2 * SIDE + RNG.normal(size=(300, 1))], 1),
    ),
}


def _network(space, seed=1):
    return gz.networks.energy_mlp(space, width=8, depth=1, seed=seed)


# Others walk as those of a MaxEnt do, by the same moves.
WALKED = ("categories", "counts", "mixed")


@pytest.fixture(scope="module", params=DATA)
def fitted(request):
    space, x = DATA[request.param]
    model = gz.EnergyModel(space, _network(space), seed=2)
    model.compile("adam", watch=False)
    model.fit(x, epochs=2, batch_size=50, verbose=0)
    # Far from independent sites.
    *_, last = [w for w in model.parameters if w.name == "kernel"]
    last.assign(np.random.default_rng(5).normal(size=last.shape) / 2)
    return model, x, request.param in WALKED


def _points(model):
    """Points of the space and log of their weights, made by NumPy."""
    axes = []
    for site, levels in enumerate(model.space.levels):
        if levels is not None or model.space.whole[site]:
            values = np.arange(200.0) if levels is None else np.asarray(levels)
            axes.append((values, np.ones(len(values))))
            continue
        middle = float(model.sites.middle.numpy()[site])
        spread = float(model.sites.spread.numpy()[site])
        low = max(model.space.low[site], middle - 12 * spread)
        high = min(model.space.high[site], middle + 25 * spread)
        # With two sites the points are the square of these.
        edges = np.linspace(low, high, 1201 if model.space.width == 1 else 301)
        width = np.diff(edges)
        axes.append(((edges[1:] + edges[:-1]) / 2, width))
    values, weights = zip(*axes, strict=True)
    x = np.stack(np.meshgrid(*values, indexing="ij"), -1)
    weight = np.stack(np.meshgrid(*weights, indexing="ij"), -1).prod(-1)
    return x.reshape(-1, len(axes)), np.log(weight.ravel())


def test_log_z_and_samples_are_those_of_sums(fitted):
    model, _, walks = fitted
    x, log_weight = _points(model)
    rows = x.reshape(-1, *model.event_shape)
    log_p = log_weight - model.energy(rows)
    top = log_p.max()
    log_z = top + np.log(np.sum(np.exp(log_p - top)))
    exact = model.log_partition()
    assert abs(exact.value - log_z) < 2e-4 + 4 * exact.stderr
    if walks:
        annealed = model.log_partition("ais", 60, 100, reverse=False)
        assert abs(annealed.value - log_z) < 4 * annealed.stderr + 2e-4
    p = np.exp(log_p - log_z)
    mean = p @ x
    deviation = np.sqrt(p @ (x - mean) ** 2)
    for method, n in [("exact", 2000), ("chains", 500)][: 1 + walks]:
        drawn = model.sample(n, seed=0, method=method, steps=60)
        gap = drawn.reshape(n, -1).mean(axis=0) - mean
        assert np.all(np.abs(gap) < 4.5 * deviation / np.sqrt(n)), method
        assert not model.space.outside(drawn)


def test_what_is_given_is_held(fitted):
    model, x, walks = fitted
    if not walks or model.space.width == 1:
        # Of one site nothing would be left to draw.
        return
    row = np.asarray(x[0], float).copy()
    row[1] = np.nan
    drawn = model.sample(500, seed=0, given=row, steps=60)
    assert np.all(drawn[:, 0] == np.float32(row[0]))
    points, log_weight = _points(model)
    # The place of the row among the points of the first site.
    first = np.unique(points[:, 0])
    own = points[:, 0] == first[np.argmin(np.abs(first - row[0]))]
    points = points[own].copy()
    points[:, 0] = row[0]
    log_p = log_weight[own] - model.energy(points)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    mean = p @ points[:, 1]
    deviation = np.sqrt(p @ (points[:, 1] - mean) ** 2)
    assert abs(drawn[:, 1].mean() - mean) < 4.5 * deviation / np.sqrt(500)


def test_a_network_of_ones_own_is_the_energy():
    network = keras.Sequential([keras.Input((2,)), keras.layers.Lambda(_well)])
    model = gz.EnergyModel(spaces.Real(2), network, reference=None)
    x = np.random.default_rng(0).normal(size=(5, 2)).astype("float32")
    np.testing.assert_allclose(model.energy(x), _well(x), rtol=1e-6)
    # No data are needed: two wells in one direction, a normal in the other.
    nodes = np.linspace(-4, 4, 4001)
    wells = np.trapezoid(np.exp(-5 * (nodes**2 - 1) ** 2), nodes)
    log_z = np.log(wells * np.sqrt(2 * np.pi) * 0.5)
    found = model.log_partition("ais", 60, 200, reverse=False)
    assert abs(found.value - log_z) < 4 * found.stderr
    assert abs(model.log_partition().value - log_z) < 1e-5
    drawn = model.sample(2000, seed=0, method="exact")
    assert abs(np.mean(drawn[:, 0] > 0) - 0.5) < 4 * 0.5 / np.sqrt(2000)
    assert abs(drawn[:, 1].std() - 0.5) < 4 * 0.5 / np.sqrt(4000)


def test_samples_leave_chains_that_are_in_one_mode():
    network = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(_far)])
    model = gz.EnergyModel(spaces.Real(4), network, reference=None)
    model.compile(loss=gz.losses.PersistentContrastiveDivergence(chains=64))
    model.chains.write_all(np.full((64, 4), [1, 0, 0, 0], "float32"))
    drawn = model.sample(512, seed=0, steps=100)
    # Half of them on each side, by symmetry.
    assert abs(np.mean(drawn[:, 0] > 0) - 0.5) < 0.12


def _far(x):
    return 8 * (x[:, 0] ** 2 - 1) ** 2 + 2 * keras.ops.sum(
        x[:, 1:] ** 2, axis=1
    )


def _well(x):
    return 5 * (x[:, 0] ** 2 - 1) ** 2 + 2 * x[:, 1] ** 2


def test_constant_and_silent_columns_are_learned():
    x = np.random.default_rng(0).normal(size=(200, 3)) * [1, 0, 1] + [0, 7, 0]
    x[:, 2] = 2 * x[:, 0]
    model = gz.EnergyModel(spaces.Real(3), _network(spaces.Real(3)), seed=0)
    model.compile(watch=False)
    model.fit(x, epochs=2, verbose=0)
    assert np.isfinite(model.energy(x)).all()
    bits = np.zeros((50, 4), "uint8")
    model = gz.EnergyModel(spaces.Binary(4), seed=0)
    model.compile()
    model.fit(bits, epochs=1, verbose=0)
    # As after fifty zeros and half a one, and another half.
    p = model.log_prob(bits[:1])[0]
    assert p == pytest.approx(4 * np.log(50.5 / 51), abs=0.05)


def test_the_rule_of_thumb_learns_a_mixture():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(4000, 1)) * 0.1 + rng.choice([-2.0, 1.0], (4000, 1))
    model = gz.EnergyModel(spaces.Real(1), seed=0)
    model.compile(loss="nce")
    model.fit(x, epochs=15, verbose=0)
    wide = -0.5 * ((x - [-2.0, 1.0]) / 0.1) ** 2
    log_p = np.logaddexp(*wide.T) - np.log(2 * 0.1 * np.sqrt(2 * np.pi))
    assert np.mean(log_p - model.log_prob(x)) < 0.05
    # It has learned its log Z, too.
    assert abs(model.log_partition().value) < 0.05


@pytest.mark.parametrize(
    "loss", ["sliced_score_matching", "denoising_score_matching"]
)
def test_scores_without_waves_learn_a_smooth_density(loss):
    rng = np.random.default_rng(3)
    z, first = rng.normal(size=(3000, 1)), rng.random((3000, 1)) < 0.3
    x = np.where(first, 500 * z, 900 + 300 * z)
    space = spaces.Real(1)
    network = gz.networks.energy_mlp(space, waves=0, seed=1)
    kinds = [type(layer).__name__ for layer in network.layers]
    assert "RandomFourier" not in kinds
    model = gz.EnergyModel(space, network, seed=0)
    model.compile(loss=loss, watch=False)
    model.fit(x, epochs=20, verbose=0)
    log_p = np.logaddexp(
        np.log(0.3) + stats.norm(0, 500).logpdf(x[:, 0]),
        np.log(0.7) + stats.norm(900, 300).logpdf(x[:, 0]),
    )
    assert np.mean(log_p - model.log_prob(x)) < 0.02


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((spaces.OneHot(3, 4),), "product of sites"),
        ((spaces.Real(2), "mlp"), "network must be a Keras model"),
        (
            (spaces.Real(2), keras.Sequential([keras.layers.Dense(2)])),
            r"one number for each example.*\(None, 2\)",
        ),
        (
            (
                spaces.Real(2),
                keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)]),
            ),
            r"examples of shape \(None, 2\)",
        ),
        ((spaces.Real(2), None, "normal"), "reference"),
    ],
)
def test_wrong_parts_are_refused(arguments, said):
    with pytest.raises(ValueError, match=said):
        gz.EnergyModel(*arguments)


@pytest.mark.parametrize(
    ("space", "loss", "said"),
    [
        (spaces.Real(40), "score_matching", "SlicedScoreMatching"),
        (spaces.Binary(4), "score_matching", "RatioMatching"),
        (spaces.Interval(0.0, 1.0), "denoising_score_matching", "no end|real"),
        (spaces.Real(2), "ratio_matching", "two levels"),
        (spaces.Real(2), "pseudolikelihood", "discrete sites"),
        (spaces.Real(4), "exact_likelihood", "too many points"),
        (spaces.Real(2), "hinge", "GAN"),
    ],
)
def test_losses_that_do_not_apply_are_refused(space, loss, said):
    model = gz.EnergyModel(space, _network(space))
    with pytest.raises(ValueError, match=said):
        model.compile(loss=loss)


def test_a_network_belongs_to_one_model():
    network = _network(spaces.Real(2))
    gz.EnergyModel(spaces.Real(2), network)
    with pytest.raises(ValueError, match="belongs to another model"):
        gz.EnergyModel(spaces.Real(2), network)


def test_images_are_seen_by_convolutions():
    space = spaces.Binary((6, 6))
    network = gz.networks.energy_cnn(space, filters=4, width=8, seed=0)
    model = gz.EnergyModel(space, network, seed=0)
    model.compile(loss=gz.losses.Pseudolikelihood(sites=4), watch=False)
    x = np.random.default_rng(0).random((60, 6, 6)) < 0.3
    history = model.fit(x, epochs=2, verbose=0).history
    assert np.isfinite(history["pseudolikelihood_loss"]).all()
    assert model.sample(3, seed=0, steps=2).shape == (3, 6, 6)
    with pytest.raises(ValueError, match="images"):
        gz.networks.energy_cnn(spaces.Binary(6))


@pytest.mark.parametrize("policy", ["float64", "bfloat16"])
def test_other_policies_learn_distributions(policy):
    keras.config.set_dtype_policy(policy)
    try:
        model = gz.EnergyModel(spaces.Categorical(range(3), 3), seed=0)
        model.compile()
        x = np.random.default_rng(0).integers(0, 3, (64, 3))
        model.fit(x, epochs=1, verbose=0)
    finally:
        keras.config.set_dtype_policy("float32")
    states = np.array(list(itertools.product(range(3), repeat=3)))
    assert np.exp(model.log_prob(states)).sum() == pytest.approx(1, abs=1e-3)


def test_columns_that_float32_cannot_tell_are_refused():
    # Of such a column the density was that of variance 1, without a word.
    rng = np.random.default_rng(4)
    x = rng.normal(size=(50, 2)) * [0.01, 1.0] + [1e5, 0.0]
    model = gz.EnergyModel(spaces.Real(2), seed=0)
    with pytest.raises(
        ValueError, match=r"EnergyModel.adapt: x: columns 0 lie"
    ):
        model.adapt(x)
    assert not model.is_adapted
    model.adapt((x - x.mean(axis=0)) / x.std(axis=0))


def test_constant_columns_are_told():
    x = np.random.default_rng(4).normal(size=(50, 3))
    # Seconds since 1970 are all the same to float32.
    x[:, 1], x[:, 2] = 0.0, 1.7e9 + 5 * x[:, 2]
    model = gz.EnergyModel(spaces.Real(3), seed=0)
    with pytest.warns(UserWarning, match=r"2 of 3 columns .* \(numbers 1, 2\)"):
        model.adapt(x)


def test_narrow_peaks_are_integrated_and_drawn():
    # 25 of them, of which a node in 60 would hit one.
    sd, side = 0.006, np.linspace(-1, 1, 5)
    centres = np.stack(np.meshgrid(side, side), -1).reshape(-1, 2)
    data = centres[RNG.integers(0, 25, 500)] + sd * RNG.normal(size=(500, 2))
    x = keras.Input((2,))
    apart = keras.ops.sum((x[:, None] - centres.astype("float32")) ** 2, -1)
    energy = -keras.ops.logsumexp(-apart / (2 * sd**2), axis=-1, keepdims=True)
    network = keras.Model(x, energy)
    model = gz.EnergyModel(spaces.Real(2), network, reference=None, seed=0)
    model.compile(watch=False)
    model.adapt(data)
    # Of 25 normal densities without their factors.
    exact = np.log(25 * 2 * np.pi * sd**2)
    found = model.log_partition("quadrature")
    assert abs(found.value - exact) < 3 * found.stderr + 1e-5
    assert found.stderr < 0.05
    drawn = model.sample(2000, seed=0)
    near = np.sqrt(((drawn[:, None] - centres) ** 2).sum(-1)).min(1) / sd
    # Rayleigh's law: a mean of sqrt(pi / 2), of deviation .66 / sqrt(2000).
    assert abs(near.mean() - np.sqrt(np.pi / 2)) < 5 * 0.66 / np.sqrt(2000)


def blocks(n, seed):
    """Eight sites of four levels, of which three words are usual."""
    words = np.random.default_rng(3).integers(0, 3, (3, 8))
    rng = np.random.default_rng(seed)
    row = words[rng.integers(0, 3, n)]
    return np.where(rng.random((n, 8)) < 0.8, row, rng.integers(0, 4, (n, 8)))


def test_categories_are_learned_in_graphs_as_without():
    x, held = blocks(1500, 1), blocks(300, 2)
    curves = []
    for eagerly, steps in ((False, 6), (True, 1)):
        model = gz.EnergyModel(gz.spaces.Categorical(range(4), 8), seed=1)
        model.compile(run_eagerly=eagerly, steps_per_execution=steps)
        options = {"epochs": 2, "verbose": 0, "validation_data": held}
        curves.append(model.fit(x, **options).history["val_loss"])
    # A compiler that rounds levels leaves chains without an energy.
    np.testing.assert_allclose(*curves, rtol=1e-3)
    share = [np.bincount(column, minlength=4) / len(x) for column in x.T]
    apart = -sum(np.log(p[held[:, i]]) for i, p in enumerate(share)).mean()
    assert curves[0][-1] < apart - 0.02


@pytest.mark.parametrize(
    ("rows", "updates"), [(20, 2), (400, 13), (1500, 12), (9000, 71)]
)
def test_an_epoch_of_few_rows_has_updates_enough_to_learn(rows, updates):
    model = gz.EnergyModel(gz.spaces.Binary(3), seed=0)
    model.compile(watch=False, loss="cd")
    x = np.random.default_rng(0).integers(0, 2, (rows, 3))
    model.fit(x, epochs=1, verbose=0)
    assert int(model.optimizer.iterations) == updates


def _of(energy, width=1):
    network = keras.Sequential(
        [keras.Input((width,)), keras.layers.Lambda(energy)]
    )
    return gz.EnergyModel(spaces.Real(width), network, reference=None)


@pytest.mark.parametrize("far", [9.0, 40.0, -25.0])
def test_log_z_holds_what_lies_beyond_the_first_window(far):
    # Two lines, of which one is farther out than a reference without data.
    ops = keras.ops

    def energy(x):
        both = ops.concatenate([ops.abs(x), 0.3 * ops.abs(x - far)], axis=1)
        return ops.min(both, axis=1)

    model = _of(energy)
    nodes = np.linspace(-500, 500, 2_000_001)
    near = np.minimum(np.abs(nodes), 0.3 * np.abs(nodes - far))
    log_z = np.log(np.trapezoid(np.exp(-near), nodes))
    found = model.log_partition()
    assert abs(found.value - log_z) < 2 * found.stderr + 1e-4
    assert found.stderr < 0.01


def test_the_error_of_log_z_has_long_tails():
    cauchy = _of(lambda x: keras.ops.log1p(x[:, 0] ** 2)).log_partition()
    assert abs(cauchy.value - np.log(np.pi)) < 2 * cauchy.stderr
    assert cauchy.stderr < 0.1


@pytest.mark.parametrize(
    "energy",
    [
        lambda x: 0 * x[:, 0],
        lambda x: keras.ops.relu(x[:, 0]),
        lambda x: -0.1 * x[:, 0] ** 2,
        lambda x: 0.5 * keras.ops.log1p(x[:, 0] ** 2),
    ],
)
def test_densities_that_have_no_log_z_are_refused(energy):
    model = _of(energy)
    x = np.zeros((2, 1), "float32")
    calls = (
        model.log_partition,
        lambda: model.log_prob(x),
        lambda: model.sample(3),
    )
    for call in calls:
        with pytest.raises(ValueError, match="cannot be normalised"):
            call()
    with pytest.raises(ValueError, match="cannot be normalised"):
        _of(lambda x: x[:, 1] ** 2, 2).log_partition()


def test_an_energy_that_is_flat_at_first_can_be_learned():
    x = np.random.default_rng(3).normal(3, 2, (500, 1))
    model = gz.EnergyModel(spaces.Real(1), reference=None, seed=0)
    model.compile(loss="exact_likelihood")
    model.fit(x, epochs=8, verbose=0)
    found = model.log_partition()
    nodes = np.linspace(-60, 60, 24_001)
    density = np.exp(model.log_prob(nodes[:, None]))
    assert np.trapezoid(density, nodes) == pytest.approx(1, abs=0.01)
    assert np.isfinite(found.stderr)
