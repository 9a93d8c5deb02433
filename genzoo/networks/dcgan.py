"""Convolutional pairs for images."""

from collections.abc import Callable

from keras import layers

from genzoo.networks.condition import Condition
from genzoo.networks.grids import image_shape
from genzoo.networks.recipe import Pair, recorded
from genzoo.networks.strided import ARGUMENTS, strided


@recorded(**ARGUMENTS, image_shape=image_shape)
def dcgan(
    latent: int,
    image_shape: tuple[int, int, int],
    width: int = 64,
    mapping: int | None = None,
    classes: int | None = None,
    condition: int | None = None,
    conditioning: str = "projection",
    packing: int = 1,
    activation: str | Callable = "tanh",
    spectral_normalization: bool = False,
) -> Pair:
    """Strided convolutions up from a small grid, and down to it.

    As in the paper, but without batch normalisation, whose statistics couple
    the examples of a batch: replicas would differ from one device, and
    gradient penalties would not be those of D at one example.

    Args:
        latent: length of the latent vectors.
        image_shape: (height, width, channels), sides 3 to 256, 1 to 16
            channels.
        width: channels at half of the full resolution; twice as many at each
            halving.
        mapping: hidden layers of 64 units between the latents and the first
            grid; by default 2 without conditions, where the latents alone
            must tell one mode from the next, and none with conditions. More
            of them separate the modes of many data better (8 of MNIST), but
            collapse on few (1,500 digits of 8x8); clusters separate them
            better still, see `GAN`'s `self_conditioned`.
        classes: number of classes, for integer conditions; or None.
        condition: length of vector conditions; or None.
        conditioning: how the discriminator learns of the condition,
            "projection", "concatenation" or "auxiliary".
        packing: how many images the discriminator sees at once.
        activation: of the generator's output; "tanh" for data in [-1, 1].
        spectral_normalization: whether each layer of the discriminator has
            a spectral norm of one.

    Returns:
        (generator, discriminator), Keras models.

    Raises:
        ValueError: for another shape of image, or an argument out of range.

    Reference:
        Radford, Metz and Chintala, "Unsupervised representation learning
        with deep convolutional generative adversarial networks", 2016; the
        mapping: Karras, Laine and Aila, "A style-based generator architecture
        for generative adversarial networks", 2019.

    Example:
    >>> generator, discriminator = genzoo.networks.dcgan(64, (28, 28, 1))
    """
    return strided(
        Condition.make("dcgan", classes, condition, conditioning),
        latent,
        image_shape,
        width,
        mapping,
        packing,
        layers.Activation(activation, dtype="float32"),
        spectral_normalization,
    )
