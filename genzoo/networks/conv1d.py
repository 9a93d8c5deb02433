"""Convolutional pairs for signals and series."""

from collections.abc import Callable

from genzoo.layers import Standardization
from genzoo.networks.condition import Condition
from genzoo.networks.grids import shape_of
from genzoo.networks.recipe import Pair, recorded
from genzoo.networks.strided import ARGUMENTS, strided
from genzoo.networks.units import in_units

_signal_shape = shape_of(
    "(length, channels), a length of 4 to 4096, 1 to 64 channels, channels "
    "last",
    axes=1,
    sides=(4, 4096),
    channels=64,
    hint="Give a series of one channel a last axis, x[..., None]; cut or "
    "resample longer ones.",
)
_KERNEL = 8


@recorded(**ARGUMENTS, signal_shape=_signal_shape)
def conv1d(
    latent: int,
    signal_shape: tuple[int, int],
    width: int = 32,
    mapping: int | None = None,
    classes: int | None = None,
    condition: int | None = None,
    conditioning: str = "projection",
    packing: int = 1,
    activation: str | Callable = "linear",
    spectral_normalization: bool = False,
) -> Pair:
    """A generator and a discriminator for signals and series.

    As `dcgan` along one axis, with kernels of eight places instead of four,
    which find phases sooner, and a generator that goes up by interpolation,
    which leaves smooth signals smooth; the last convolution is at the full
    length. A thousand steps and more bring curves that look like the data.
    Channels may have any units: both networks have
    layers of `genzoo.layers.Standardization`, which `GAN.fit` adapts to its
    first data.

    Args:
        latent: length of the latent vectors.
        signal_shape: (length, channels), 4 to 4096 places, which need be no
            power of two, 1 to 64 channels.
        width: channels of the network at half of the full length; twice as
            many at each halving, up to 16 times.
        mapping: hidden layers of 64 units between the latents and the first
            places; by default 2 without conditions and none with them.
        classes: number of classes, for integer conditions; or None.
        condition: length of vector conditions; or None.
        conditioning: how the discriminator learns of the condition,
            "projection", "concatenation" or "auxiliary".
        packing: how many signals the discriminator sees at once.
        activation: of the generator's output; "tanh" for data in [-1, 1],
            above all for levels such as -1 and 1.
        spectral_normalization: whether each layer of the discriminator has
            a spectral norm of one.

    Returns:
        (generator, discriminator), Keras models.

    Raises:
        ValueError: for another shape, or an argument out of range.

    Reference:
        Donahue, McAuley and Puckette, "Adversarial audio synthesis", 2019.

    Example:
    >>> t = np.linspace(0, 1, 50)
    >>> rates = np.random.default_rng(0).uniform(2, 5, (64, 1))
    >>> signals = np.sin(2 * np.pi * rates * t)[..., None]
    >>> gan = genzoo.GAN(*genzoo.networks.conv1d(8, (50, 1), width=4))
    >>> gan.compile()
    >>> history = gan.fit(signals, epochs=1, verbose=0)
    >>> gan.sample(3, seed=0).shape
    (3, 50, 1)
    """
    return strided(
        Condition.make("conv1d", classes, condition, conditioning),
        latent,
        signal_shape,
        width,
        mapping,
        packing,
        lambda x: in_units(x, activation),
        spectral_normalization,
        kernel=_KERNEL,
        see=Standardization(),
        is_smooth=True,
    )
