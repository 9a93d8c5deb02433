"""Weights that are counted before they exist."""

import resource
import time

import keras
import numpy as np
import pytest
from keras.src.backend.common import global_state

import genzoo as gz
from genzoo.features.pairwise import edge_count
from genzoo.zoo import table
from genzoo.zoo.counting import Unallocated

IMAGE = {"image_shape": (13, 13, 3), "width": 3}
SIGNAL = {"signal_shape": (13, 3), "width": 3}
VOLUME = {"volume_shape": (5, 4, 6, 2), "width": 3}


def waiting():
    """How many variables the next scope that closes would make."""
    name = "uninitialized_variables"
    return len(global_state.get_global_attribute(name, []))


def counted(make):
    with Unallocated() as scope:
        layers = make()
        count = sum(layer.count_params() for layer in layers)
    assert waiting() == 0
    return count, layers, scope


@pytest.mark.parametrize("normalised", [False, True])
@pytest.mark.parametrize(
    "given",
    [
        {"packing": 2},
        {"classes": 3, "conditioning": "concatenation"},
        {"classes": 3, "conditioning": "projection"},
        {"classes": 3, "conditioning": "auxiliary"},
        {"condition": 2, "conditioning": "concatenation"},
        {"condition": 2, "conditioning": "projection"},
    ],
)
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        ("mlp", {"output": 2, "width": 7, "depth": 2}),
        ("dcgan", IMAGE),
        ("dcgan", {**IMAGE, "mapping": 3}),
        ("resnet", IMAGE),
        ("modern", {**IMAGE, "blocks": 1}),
        ("conv1d", SIGNAL),
        ("conv3d", VOLUME),
    ],
)
def test_weights_are_counted_without_memory(
    function, arguments, given, normalised
):
    def make():
        return getattr(gz.networks, function)(
            4, **arguments, **given, spectral_normalization=normalised
        )

    count, _, _ = counted(make)
    assert count == sum(w.numpy().size for net in make() for w in net.weights)


def test_weights_of_dileptons_are_counted():
    def make():
        return gz.networks.dilepton(latent=3, width=5, depth=2)

    count, _, _ = counted(make)
    assert count == sum(w.numpy().size for net in make() for w in net.weights)


@pytest.mark.parametrize("function", ["mlp", "dcgan", "resnet"])
def test_weights_of_clusters_are_counted(function):
    own = {"output": 5} if function == "mlp" else IMAGE
    pair = getattr(gz.networks, function)(4, **own, classes=7)
    gan = gz.GAN(*pair, self_conditioned=True)
    with Unallocated():
        sizes = [
            table.TABLE["GAN"].preset_size(networks=pair, self_conditioned=flag)
            for flag in (False, True)
        ]
    assert sizes[1] - sizes[0] == gan.clusters.count_params()
    assert sizes[0] == sum(network.count_params() for network in pair)


@pytest.mark.parametrize(
    ("make", "size"),
    [
        (lambda: gz.units.Bernoulli(5), 5),
        (lambda: gz.units.Spin((2, 3)), 6),
        (lambda: gz.units.ReLU(5), 15),
        (lambda: gz.units.Categorical(5, states=3), 15),
        (lambda: gz.units.Gaussian(5), 20),
        (lambda: gz.units.Gaussian(5, learn_variance=True), 20),
    ],
)
def test_weights_of_units_are_counted(make, size):
    count, (unit,), scope = counted(lambda: [make()])
    assert count == size == sum(w.numpy().size for w in make().weights)
    scope.allocate(unit)
    for weight, expected in zip(unit.weights, make().weights, strict=True):
        np.testing.assert_array_equal(weight.numpy(), expected.numpy())


def test_networks_are_allocated_after_they_were_counted():
    _, pair, scope = counted(lambda: gz.networks.mlp(3, 2, width=5))
    scope.allocate(pair)
    gan = gz.GAN(*pair, seed=0)
    gan.compile()
    x = np.random.default_rng(0).normal(size=(80, 2))
    gan.fit(x, epochs=1, batch_size=20, verbose=0)
    assert np.isfinite(gan.sample(5, seed=0)).all()
    assert waiting() == 0


def test_only_what_is_wanted_is_allocated():
    with Unallocated() as scope:
        wanted, other = gz.units.Bernoulli(3), gz.units.Bernoulli(4)
    scope.allocate([{"unit": wanted}, "and what is no layer"])
    assert wanted.bias.numpy().shape == (3,)
    assert other.bias._value is None


@pytest.mark.parametrize("fails", [False, True])
def test_variables_of_others_are_left_alone(fails):
    with keras.StatelessScope(initialize_variables=False):
        theirs = keras.layers.Dense(2)
        theirs.build((None, 3))
    try:
        with Unallocated() as scope:
            unit = gz.units.Bernoulli(3)
            if fails:
                raise KeyError
        scope.allocate(unit)
    except KeyError:
        assert fails
    assert waiting() == 2
    assert theirs.kernel._value is None
    with keras.StatelessScope():
        pass
    assert theirs.kernel.numpy().shape == (3, 2)
    assert waiting() == 0


_WIDE = {"width": 2**14, "classes": 10_000, "spectral_normalization": True}
_LARGE = {"latent": 2**14, "image_shape": (128, 128, 3), **_WIDE}
HUGE = [
    ("mlp", {"latent": 2, "output": 2**14, "depth": 64, **_WIDE}),
    ("dcgan", {**_LARGE, "mapping": 64, "packing": 64}),
    ("resnet", _LARGE),
    ("modern", {**_LARGE, "blocks": 1}),
    ("conv1d", {"latent": 2**14, "signal_shape": (4096, 64), **_WIDE}),
    ("conv3d", {"latent": 2**14, "volume_shape": (64, 64, 64, 16), **_WIDE}),
    ("dilepton", {"latent": 2**14, "width": 2**14, "depth": 64}),
]


@pytest.mark.parametrize(("function", "arguments"), HUGE)
def test_huge_networks_take_neither_memory_nor_time(function, arguments):
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    count, _, _ = counted(lambda: getattr(gz.networks, function)(**arguments))
    assert count > 1e10
    assert time.process_time() - start < 2
    # In units of 1024 bytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < 2**16


ALL_PAIRS = {"class": "features.Pairwise", "edges": None}
BONDS = {
    "class": "features.LatticeBonds",
    "shape": [2**10, 2**10],
    "periodic": True,
}


@pytest.mark.parametrize(
    ("feature", "functions"),
    [
        (ALL_PAIRS, 2**20 * (2**20 - 1) // 2),
        (
            {
                "class": "features.PairIndicators",
                "values": list(range(1000)),
                "edges": None,
            },
            2**20 * (2**20 - 1) // 2 * 999**2,
        ),
        (BONDS, 1),
    ],
)
def test_huge_features_take_neither_memory_nor_time(feature, functions):
    config = {
        "class": "MaxEnt",
        "space": {"class": "spaces.Spin", "shape": [2**10, 2**10]},
        "features": [feature] * 100,
        "seed": [0, 0],
    }
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.process_time()
    checked = table.Config(config).checked(("MaxEnt",), "here")
    with Unallocated():
        count = checked.entry.preset_size(**checked.parts())
    assert count == 4 * 100 * functions + 2 + 2 * 2**20 + 8
    assert time.process_time() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - most < 2**16


@pytest.mark.parametrize(
    "shape", [(1,), (2,), (7,), (1, 2), (2, 2), (2, 3), (3, 4), (2, 1, 5)]
)
@pytest.mark.parametrize("make", [gz.spaces.Spin, gz.spaces.Binary])
def test_numbers_of_a_lattice_are_counted(make, shape):
    space = make(shape)
    machine = gz.BoltzmannMachine(space, edges="lattice")
    edges = edge_count("here", "lattice", shape)
    assert len(machine.features) == space.width + edges
    config = {"space": space, "edges": "lattice"}
    size = table.TABLE["BoltzmannMachine"].preset_size(**config)
    stored = table.TABLE["BoltzmannMachine"].preset_weights(machine)
    assert size == sum(v.numpy().size for v in stored.values())
