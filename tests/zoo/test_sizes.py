import pytest

import genzoo as gz
from genzoo.zoo import sizes

IMAGE = {"image_shape": (13, 13, 3), "width": 3}


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
    ],
)
def test_weights_are_counted_without_building(
    function, arguments, given, normalised
):
    make = getattr(gz.networks, function)
    pair = make(4, **arguments, **given, spectral_normalization=normalised)
    built = sum(network.count_params() for network in pair)
    assert sizes.pair(function, pair[0].recipe.arguments) == built


def test_weights_of_dileptons_are_counted():
    pair = gz.networks.dilepton(latent=3, width=5, depth=2)
    built = sum(network.count_params() for network in pair)
    assert sizes.pair("dilepton", pair[0].recipe.arguments) == built


@pytest.mark.parametrize("function", ["mlp", "dcgan", "resnet"])
def test_weights_of_clusters_are_counted(function):
    own = {"output": 5} if function == "mlp" else IMAGE
    pair = getattr(gz.networks, function)(4, **own, classes=7)
    gan = gz.GAN(*pair, self_conditioned=True)
    found = sizes.clusters(pair[0].recipe.arguments)
    assert found == gan.clusters.count_params()
