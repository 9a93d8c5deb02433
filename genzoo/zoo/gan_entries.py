"""How adversarial networks, and the judge of digits, are presets."""

import functools
from typing import Any, ClassVar

from genzoo import checks, networks
from genzoo.layers import Augmentation
from genzoo.models import GAN
from genzoo.models.gan.clusters import Clusters
from genzoo.networks.recipe import Pair
from genzoo.zoo.digit_features import DigitFeatures
from genzoo.zoo.table import TABLE


class GANEntry:
    """How a GAN is a preset: the recipe of its networks, and their weights."""

    arguments: ClassVar[checks.Arguments] = {
        "networks": checks.part(
            networks.dcgan, networks.dilepton, networks.mlp, networks.resnet
        ),
        "latent": checks.one_of("normal", "uniform"),
        "ema": checks.optional(checks.number(1e-9, 1 - 1e-9)),
        "packing": checks.whole(1, 64),
        "augmentation": checks.optional(checks.part(Augmentation)),
        "self_conditioned": checks.flag,
        "seed": checks.seed_pair,
    }

    @staticmethod
    def preset_make(networks: Pair, **arguments: Any) -> GAN:
        """The GAN of a pair of networks."""
        return GAN(*networks, **arguments)

    @staticmethod
    def preset_size(networks: Pair, self_conditioned: bool, **_: Any) -> int:
        """Both networks, and clusters if there are any."""
        total = sum(network.count_params() for network in networks)
        if self_conditioned:
            generator, _ = networks
            classes = generator.recipe.arguments.get("classes") or 0
            shape = generator.output_shape[1:]
            total += Clusters(classes, shape).count_params()
        return total

    @staticmethod
    def preset_config(gan: GAN) -> dict[str, Any]:
        """The arguments above.

        Raises:
            ValueError: if its networks have no recipe.
        """
        recipes = [
            getattr(network, "recipe", None)
            for network in (gan.generator, gan.discriminator)
        ]
        if recipes[0] is None or recipes[0] != recipes[1]:
            raise ValueError(
                "GAN.save_to_preset: a preset holds the arguments of "
                "a function of genzoo.networks; these networks were made "
                "otherwise, or loaded from a .keras file. Save as .keras "
                "instead."
            )
        return {
            "networks": recipes[0],
            "latent": gan.latent,
            "ema": gan.ema,
            "packing": gan.packing,
            "augmentation": gan.augmentation,
            "self_conditioned": gan.clusters is not None,
            "seed": gan.draws.seed,
        }

    @staticmethod
    def preset_weights(gan: GAN) -> dict[str, Any]:
        """Those of the generator's average, the discriminator, clusters."""
        return {
            **_numbered("generator", gan.averaged_generator),
            **_numbered("discriminator", gan.discriminator),
            **(_numbered("clusters", gan.clusters) if gan.clusters else {}),
        }

    @staticmethod
    def preset_loaded(gan: GAN) -> None:
        """The generator goes on from its average."""
        if gan.averaged_generator is not gan.generator:
            gan.generator.set_weights(gan.averaged_generator.get_weights())


def _numbered(name, layer):
    return {f"{name}.{i}": w for i, w in enumerate(layer.weights)}


class DigitFeaturesEntry:
    """How the judge of digits is a preset: there is only one."""

    arguments: ClassVar[checks.Arguments] = {}
    preset_make = DigitFeatures

    @staticmethod
    @functools.cache
    def preset_size() -> int:
        """All of its weights."""
        return DigitFeatures().count_params()

    @staticmethod
    def preset_config(model: DigitFeatures) -> dict[str, Any]:
        """Nothing."""
        return {}

    @staticmethod
    def preset_weights(model: DigitFeatures) -> dict[str, Any]:
        """Its weights in their order."""
        return _numbered("layer", model)

    @staticmethod
    def preset_loaded(model: DigitFeatures) -> None:
        """Nothing is left to do."""


TABLE["GAN"] = GANEntry
TABLE["DigitFeatures"] = DigitFeaturesEntry
