"""Convolutional pairs for volumes."""

from collections.abc import Callable

from genzoo.layers import Standardization
from genzoo.networks.condition import Condition
from genzoo.networks.grids import shape_of
from genzoo.networks.recipe import Pair, recorded
from genzoo.networks.strided import ARGUMENTS, strided
from genzoo.networks.units import in_units

_volume_shape = shape_of(
    "(depth, height, width, channels), sides 4 to 64, 1 to 16 channels, "
    "channels last",
    axes=3,
    sides=(4, 64),
    channels=16,
    hint="Give volumes of one channel a last axis, x[..., None]; crop or "
    "pool larger ones.",
)


@recorded(**ARGUMENTS, volume_shape=_volume_shape)
def conv3d(
    latent: int,
    volume_shape: tuple[int, int, int, int],
    width: int = 32,
    mapping: int | None = None,
    classes: int | None = None,
    condition: int | None = None,
    conditioning: str = "projection",
    packing: int = 1,
    activation: str | Callable = "linear",
    spectral_normalization: bool = False,
) -> Pair:
    """A generator and a discriminator for volumes: `dcgan` along three axes.

    Channels may have any units: both networks have layers of
    `genzoo.layers.Standardization`, which `GAN.fit` adapts to its first data.

    Args:
        latent: length of the latent vectors.
        volume_shape: (depth, height, width, channels), sides 4 to 64, which
            need be no powers of two, 1 to 16 channels.
        width: channels of the network at half of the full resolution; twice
            as many at each halving.
        mapping: hidden layers of 64 units between the latents and the first
            grid; by default 2 without conditions and none with them.
        classes: number of classes, for integer conditions; or None.
        condition: length of vector conditions; or None.
        conditioning: how the discriminator learns of the condition,
            "projection", "concatenation" or "auxiliary".
        packing: how many volumes the discriminator sees at once.
        activation: of the generator's output; "tanh" for data in [-1, 1],
            above all for levels such as -1 and 1.
        spectral_normalization: whether each layer of the discriminator has
            a spectral norm of one.

    Returns:
        (generator, discriminator), Keras models.

    Raises:
        ValueError: for another shape, or an argument out of range.

    Reference:
        Wu et al., "Learning a probabilistic latent space of object shapes via
        3D generative-adversarial modeling", 2016.

    Example:
    >>> generator, discriminator = genzoo.networks.conv3d(8, (12, 12, 12, 1))
    >>> gan = genzoo.GAN(generator, discriminator)
    """
    return strided(
        Condition.make("conv3d", classes, condition, conditioning),
        latent,
        volume_shape,
        width,
        mapping,
        packing,
        lambda x: in_units(x, activation),
        spectral_normalization,
        see=Standardization(),
    )
