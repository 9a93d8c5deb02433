"""The table's adversarial networks, and the judge of digits."""

from genzoo import networks
from genzoo.models import GAN

CONDITIONINGS = ("concatenation",)
from genzoo.zoo import sizes
from genzoo.zoo.arguments import flag, list_of, number, one_of, optional, whole
from genzoo.zoo.digit_features import DigitFeatures
from genzoo.zoo.parts import AUGMENTATION, SEED
from genzoo.zoo.table import TABLE, Entry, describe, part

_LENGTH = whole(1, 2**14)
_SIDE = whole(8, 128)
_COMMON = {
    "latent": _LENGTH,
    "width": whole(1, 2**12),
    "classes": optional(whole(2, 10_000)),
    "condition": optional(_LENGTH),
    "conditioning": one_of(*CONDITIONINGS),
    "packing": whole(1, 64),
    "activation": one_of("linear", "relu", "sigmoid", "softplus", "tanh"),
    "spectral_normalization": flag,
}


def _image_shape(value, where):
    value = list_of(whole(1, 128), 3, 3)(value, where)
    _SIDE(value[0], where)
    return value


def _pair(function):
    def make(**arguments):
        return getattr(networks, function)(**arguments)

    return make


def _describe_recipe(recipe):
    plain = {"image_shape": list}
    return {
        name: plain.get(name, lambda value: value)(value)
        for name, value in recipe.arguments.items()
    }


for _function, _own in (
    ("mlp", {"output": _LENGTH, "depth": whole(0, 64)}),
    (
        "dcgan",
        {"image_shape": _image_shape, "mapping": optional(whole(0, 64))},
    ),
    ("resnet", {"image_shape": _image_shape}),
):
    TABLE[f"networks.{_function}"] = Entry(
        _pair(_function), {**_COMMON, **_own}, _describe_recipe
    )

TABLE["networks.dilepton"] = Entry(
    _pair("dilepton"),
    {"latent": _LENGTH, "width": whole(1, 2**12), "depth": whole(1, 64)},
    _describe_recipe,
)
_NETWORKS = tuple(
    f"networks.{name}" for name in ("dcgan", "dilepton", "mlp", "resnet")
)


def _make_gan(networks, **arguments):
    return GAN(*networks, **arguments)


def _describe_gan(gan):
    recipes = [
        getattr(network, "recipe", None)
        for network in (gan.generator, gan.discriminator)
    ]
    if recipes[0] is None or recipes[0] != recipes[1]:
        raise ValueError(
            "GAN.save_to_preset: a preset holds the arguments of "
            "a function of genzoo.networks; these networks were made "
            "otherwise, or loaded from a .keras file. Save as .keras instead."
        )
    augmentation = gan.augmentation
    if augmentation is not None:
        where = "GAN.save_to_preset"
        augmentation = describe(augmentation, where, (AUGMENTATION,))
    return {
        "networks": {
            "class": f"networks.{recipes[0].function}",
            **_describe_recipe(recipes[0]),
        },
        "latent": gan.latent,
        "ema": gan.ema,
        "packing": gan.packing,
        "augmentation": augmentation,
        "self_conditioned": gan.clusters is not None,
        "seed": gan.draws.seed,
    }


def _count_gan(config):
    arguments = dict(config["networks"])
    function = arguments.pop("class").partition(".")[2]
    total = sizes.pair(function, arguments)
    if config["self_conditioned"]:
        total += sizes.clusters(arguments)
    return total


def _gan_weights(gan):
    return {
        **_numbered("generator", gan.averaged_generator),
        **_numbered("discriminator", gan.discriminator),
        **({} if gan.clusters is None else _numbered("clusters", gan.clusters)),
    }


def _numbered(name, network):
    return {f"{name}.{i}": w for i, w in enumerate(network.weights)}


def _average_to_generator(gan):
    if gan.averaged_generator is not gan.generator:
        gan.generator.set_weights(gan.averaged_generator.get_weights())


TABLE["GAN"] = Entry(
    _make_gan,
    {
        "networks": part(*_NETWORKS),
        "latent": one_of("normal", "uniform"),
        "ema": optional(number(1e-9, 1 - 1e-9)),
        "packing": whole(1, 64),
        "augmentation": optional(part(AUGMENTATION)),
        "self_conditioned": flag,
        "seed": SEED,
    },
    _describe_gan,
    _count_gan,
    _gan_weights,
    _average_to_generator,
)
TABLE["DigitFeatures"] = Entry(
    DigitFeatures,
    {},
    lambda model: {},
    lambda config: 213_162,
    lambda model: _numbered("layer", model),
    lambda model: None,
)
