"""How many weights the networks of `genzoo.networks` have, unbuilt.

So that a config.json that asks for too many is refused before they exist.
"""

import math

from genzoo.networks.dcgan import MAPPING_DEPTH, MAPPING_WIDTH
from genzoo.networks.image import grid


def pair(function, arguments):
    """The weights of the generator and of the discriminator together.

    Args:
        function: "mlp", "dcgan", "resnet" or "dilepton".
        arguments: all of its arguments, a dict.
    """
    if function == "dilepton":
        return _dilepton(**arguments)
    return {"mlp": _mlp, "dcgan": _dcgan, "resnet": _resnet}[function](
        _Sizes(arguments)
    )


def clusters(arguments):
    """The weights of a self-conditioned GAN's clusters.

    Args:
        arguments: all of the networks' arguments, a dict.
    """
    shape = arguments.get("image_shape") or [arguments.get("output", 0)]
    return (arguments.get("classes") or 0) * (math.prod(shape) + 1)


class _Sizes:
    """Numbers of weights, for one set of arguments."""

    def __init__(self, arguments):
        for name, value in arguments.items():
            setattr(self, name, value)
        self.given = self.classes or self.condition or 0
        kind = self.conditioning if self.given else None
        self.joins = kind == "concatenation"
        self.projects = kind == "projection"
        self.classifies = kind == "auxiliary"
        self.one_hot = self.classes**2 if self.classes else 0
        self.norm = int(self.spectral_normalization)

    def layer(self, inputs, outputs, window=1, norm=0):
        """A dense layer or a convolution; a norm keeps a vector too."""
        return (window * inputs + 1 + norm) * outputs

    def embedding(self, size):
        """The condition as a vector of this size."""
        return size * (self.classes or self.condition + 1)

    def logits(self, features):
        """The last layers of the discriminator."""
        total = self.layer(features, 1, norm=self.norm)
        if self.projects:
            total += self.embedding(features)
        if self.classifies:
            total += self.layer(features, self.classes)
        return total

    def image(self):
        """(side, channels D sees, weights of the condition's channel)."""
        side, _, channels = self.image_shape
        seen = self.packing * channels + self.joins
        return side, seen, self.embedding(side**2) if self.joins else 0


def _mlp(sizes):
    def hidden(inputs, norm):
        total = 0
        for _ in range(sizes.depth):
            total += sizes.layer(inputs, sizes.width, norm=norm)
            inputs = sizes.width
        return total, inputs

    generator, last = hidden(sizes.latent + sizes.given, 0)
    generator += sizes.one_hot + sizes.layer(last, sizes.output)
    seen = sizes.packing * sizes.output + sizes.joins * sizes.given
    discriminator, last = hidden(seen, sizes.norm)
    discriminator += sizes.joins * sizes.one_hot + sizes.logits(last)
    return generator + discriminator


def _halved(side, times):
    for _ in range(times):
        side = -(-side // 2)
    return side


def _dcgan(sizes):
    side, seen, total = sizes.image()
    start, doublings = grid(side)
    widths = [sizes.width * 2**level for level in range(doublings)]
    last = widths[-1]
    total += sizes.one_hot
    inputs = sizes.latent + sizes.given
    mapping = sizes.mapping
    if mapping is None:
        mapping = 0 if sizes.given else MAPPING_DEPTH
    for _ in range(mapping):
        total += sizes.layer(inputs, MAPPING_WIDTH)
        inputs = MAPPING_WIDTH
    total += sizes.layer(inputs, start**2 * last)
    for size in [*reversed(widths[:-1]), sizes.image_shape[2]]:
        total += sizes.layer(last, size, 16)
        last = size
    for size in widths:
        total += sizes.layer(seen, size, 16, sizes.norm)
        seen = size
    return total + sizes.logits(_halved(side, doublings) ** 2 * seen)


def _resnet(sizes):
    def block(inputs, size, norm):
        total = sizes.layer(inputs, size, 9, norm)
        total += sizes.layer(size, size, 9, norm)
        # The shortcut has no bias.
        return total + (inputs != size) * (inputs + norm) * size

    side, seen, total = sizes.image()
    start, doublings = grid(side)
    widths = [sizes.width * 2 ** min(n, 2) for n in range(doublings + 1)]
    last = widths[-1]
    total += sizes.one_hot
    total += sizes.layer(sizes.latent + sizes.given, start**2 * last)
    for size in reversed(widths[:-1]):
        total += block(last, size, 0)
        last = size
    total += sizes.layer(last, sizes.image_shape[2], 9)
    total += sizes.layer(seen, widths[0], 9, sizes.norm)
    for before, size in zip(widths[:-1], widths[1:], strict=True):
        total += block(before, size, sizes.norm)
    return total + sizes.logits(_halved(side, doublings) ** 2 * widths[-1])


def _dilepton(latent, width, depth):
    # Latents and the energy; twelve observables and the energy.
    hidden = (latent + 2) * width + 14 * width
    hidden += 2 * (depth - 1) * (width + 1) * width
    return hidden + (width + 1) * (6 + 1)
