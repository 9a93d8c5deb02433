"""Adversarial losses: what the discriminator and the generator minimise.

All act on logits D(x), one for each example, and are pure functions. Written
with softplus(t) = log(1 + exp(t)), so that they are finite for any logit:
log D(x) = -softplus(-logit), if D(x) = sigmoid(logit) is the probability that
x is data.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Self, TypeVar

import keras
import tensorflow as tf

from genzoo.checks import Arguments

Found = TypeVar("Found", bound=tuple)


class AdversarialLoss:
    """A pair of costs, given by logits of real and of generated examples.

    Attributes:
        pairs_in_generator: whether the generator's cost depends on logits of
            real examples too.

    Example:
    >>> class Exponential(genzoo.losses.AdversarialLoss):
    ...     def discriminator(self, real, fake):
    ...         return tf.exp(-real) + tf.exp(fake)
    ...
    ...     def generator(self, fake, real=None):
    ...         return tf.exp(-fake)
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(loss=Exponential())
    """

    arguments: ClassVar[Arguments] = {}
    pairs_in_generator = False

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """The discriminator's cost of each pair of examples, (batch,).

        Args:
            real: logits of data, float32, (batch,).
            fake: logits of generated examples, (batch,).
        """
        raise NotImplementedError

    def generator(
        self, fake: tf.Tensor, real: tf.Tensor | None = None
    ) -> tf.Tensor:
        """The generator's cost of each generated example, (batch,)."""
        raise NotImplementedError

    def score(self, logits: tf.Tensor) -> tf.Tensor:
        """D(x) as it is reported: a probability, where the loss has one."""
        return tf.sigmoid(logits)

    def correct(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """How much of each pair the discriminator tells rightly, 0 to 1."""
        right = tf.cast(real > 0, tf.float32) + tf.cast(fake < 0, tf.float32)
        return right / 2

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments: none."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A loss from `get_config`."""
        return cls(**config)


@keras.saving.register_keras_serializable("genzoo")
class Minimax(AdversarialLoss):
    """The cross-entropy game: D maximises what G minimises.

    `V = <log D(x)>_data + <log(1 - D(G(z)))>`. Where D is optimal, V is twice
    the Jensen-Shannon divergence less log 4. G's gradient vanishes where D is
    sure of itself; `NonSaturating` has the same fixed point without that.

    Reference:
        Goodfellow et al., "Generative adversarial nets", 2014, algorithm 1.

    Example:
    >>> loss = genzoo.losses.Minimax()
    >>> undecided = tf.zeros(1)
    >>> round(float(loss.discriminator(undecided, undecided)[0]), 3)
    1.386
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(loss=loss)
    """

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """-log D(x) - log(1 - D(G(z)))."""
        return tf.nn.softplus(-real) + tf.nn.softplus(fake)

    def generator(
        self, fake: tf.Tensor, real: tf.Tensor | None = None
    ) -> tf.Tensor:
        """log(1 - D(G(z)))."""
        return -tf.nn.softplus(fake)


@keras.saving.register_keras_serializable("genzoo")
class NonSaturating(Minimax):
    """Cross-entropy for D; G maximises log D(G(z)).

    Reference:
        Goodfellow et al., "Generative adversarial nets", 2014, section 3.

    Example:
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(loss=genzoo.losses.NonSaturating())
    >>> x = np.random.default_rng(0).normal(size=(64, 2))
    >>> history = gan.fit(x, verbose=0)
    >>> gan.sample(5, seed=0).shape
    (5, 2)
    """

    def generator(
        self, fake: tf.Tensor, real: tf.Tensor | None = None
    ) -> tf.Tensor:
        """-log D(G(z))."""
        return tf.nn.softplus(-fake)


@keras.saving.register_keras_serializable("genzoo")
class LeastSquares(AdversarialLoss):
    """D regresses 1 for data and 0 for generated examples.

    Reference:
        Mao et al., "Least squares generative adversarial networks", 2017,
        with a = 0, b = c = 1.

    Example:
    >>> loss = genzoo.losses.LeastSquares()
    >>> real, fake = tf.constant([1.0, 0.0]), tf.zeros(2)
    >>> loss.discriminator(real, fake).numpy().tolist()
    [0.0, 0.5]
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(loss=loss)
    """

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """(D(x) - 1)^2 / 2 + D(G(z))^2 / 2."""
        return (tf.square(real - 1) + tf.square(fake)) / 2

    def generator(
        self, fake: tf.Tensor, real: tf.Tensor | None = None
    ) -> tf.Tensor:
        """(D(G(z)) - 1)^2 / 2."""
        return tf.square(fake - 1) / 2

    def score(self, logits: tf.Tensor) -> tf.Tensor:
        """D(x) itself, near 1 for data and 0 for generated examples."""
        return logits

    def correct(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """Whether D(x) is above, and D(G(z)) below 1/2."""
        return super().correct(real - 0.5, fake - 0.5)


@keras.saving.register_keras_serializable("genzoo")
class Hinge(AdversarialLoss):
    """Margins of 1 for D, its output itself for G.

    Reference:
        Lim and Ye, "Geometric GAN", 2017; Miyato et al., 2018.

    Example:
    >>> loss = genzoo.losses.Hinge()
    >>> real, fake = tf.constant([2.0, 0.5]), tf.constant([-2.0, 0.5])
    >>> loss.discriminator(real, fake).numpy().tolist()
    [0.0, 2.0]
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(loss=loss)
    """

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """max(0, 1 - D(x)) + max(0, 1 + D(G(z)))."""
        return tf.nn.relu(1 - real) + tf.nn.relu(1 + fake)

    def generator(
        self, fake: tf.Tensor, real: tf.Tensor | None = None
    ) -> tf.Tensor:
        """-D(G(z))."""
        return -fake

    def score(self, logits: tf.Tensor) -> tf.Tensor:
        """D(x) itself."""
        return logits


class _Compared(AdversarialLoss):
    """Losses in which D is free up to a constant: it can only compare."""

    def correct(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """Whether D(x) > D(G(z)); a half where they are equal."""
        return (1 + tf.sign(real - fake)) / 2

    def score(self, logits: tf.Tensor) -> tf.Tensor:
        """D(x) itself."""
        return logits


@keras.saving.register_keras_serializable("genzoo")
class Wasserstein(_Compared):
    """The difference of a critic's means; needs a penalty or a Lipschitz D.

    With `GradientPenalty` and several `discriminator_steps` its negative
    estimates the earth mover's distance between data and generated examples.

    Reference:
        Arjovsky, Chintala and Bottou, "Wasserstein GAN", 2017.

    Example:
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(
    ...     loss=genzoo.losses.Wasserstein(),
    ...     penalties=genzoo.penalties.GradientPenalty(10.0),
    ...     discriminator_steps=5,
    ... )
    """

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """D(G(z)) - D(x)."""
        return fake - real

    def generator(
        self, fake: tf.Tensor, real: tf.Tensor | None = None
    ) -> tf.Tensor:
        """-D(G(z))."""
        return -fake


@keras.saving.register_keras_serializable("genzoo")
class RelativisticPairing(_Compared):
    """D is to rank each real example above a generated one.

    Reference:
        Jolicoeur-Martineau, "The relativistic discriminator", 2018; Huang et
        al., "The GAN is dead; long live the GAN!", 2024.

    Example:
    >>> gan = genzoo.GAN(*genzoo.networks.mlp(2, 2, width=8, depth=1))
    >>> gan.compile(
    ...     loss=genzoo.losses.RelativisticPairing(),
    ...     penalties=[genzoo.penalties.R1(0.02), genzoo.penalties.R2(0.02)],
    ... )
    """

    pairs_in_generator = True

    def discriminator(self, real: tf.Tensor, fake: tf.Tensor) -> tf.Tensor:
        """-log sigmoid(D(x) - D(G(z)))."""
        return tf.nn.softplus(fake - real)

    def generator(
        self, fake: tf.Tensor, real: tf.Tensor | None = None
    ) -> tf.Tensor:
        """-log sigmoid(D(G(z)) - D(x))."""
        return tf.nn.softplus(real - fake)


BY_NAME = {
    "minimax": Minimax,
    "non_saturating": NonSaturating,
    "least_squares": LeastSquares,
    "hinge": Hinge,
    "wasserstein": Wasserstein,
    "relativistic_pairing": RelativisticPairing,
}


def get_adversarial(
    identifier: str | dict | AdversarialLoss,
) -> AdversarialLoss:
    """An adversarial loss from its name, its configuration or itself.

    Raises:
        ValueError: for an unknown name, listing the known ones.
    """
    if isinstance(identifier, dict):
        identifier = keras.saving.deserialize_keras_object(identifier)
    if isinstance(identifier, str) and identifier in BY_NAME:
        return BY_NAME[identifier]()
    if isinstance(identifier, AdversarialLoss):
        return identifier
    raise ValueError(
        f"GAN.compile: loss must be one of {sorted(BY_NAME)} or an "
        f"adversarial loss of genzoo.losses; received {identifier!r}. "
        "Likelihood and pseudolikelihood are losses of energy-based models; "
        "keras.losses compare with labels."
    )


def descend(
    optimizer: keras.optimizers.Optimizer,
    variables: list[keras.Variable],
    cost: Callable[[], Found],
) -> Found:
    """A step down a cost: what that gives, a tuple that begins with it.

    Variables on which the cost does not depend stay as they are.
    """
    with tf.GradientTape(watch_accessed_variables=False) as tape:
        tape.watch([variable.value for variable in variables])
        found = cost()
        scaled = optimizer.scale_loss(found[0])
    gradients = tape.gradient(
        scaled, [variable.value for variable in variables]
    )
    pairs = [
        (gradient, variable)
        for gradient, variable in zip(gradients, variables, strict=True)
        if gradient is not None
    ]
    if pairs:
        optimizer.apply(*map(list, zip(*pairs, strict=True)))
    return found
