"""Generative adversarial networks of any two Keras models."""

import keras
import tensorflow as tf

from genzoo import penalties as penalty_room
from genzoo.layers import Augmentation
from genzoo.losses.adversarial import get_adversarial
from genzoo.models import gan_networks
from genzoo.models.gan_clusters import Clusters
from genzoo.models.gan_data import GANData
from genzoo.models.gan_sampling import GANSampling
from genzoo.models.gan_training import GANTraining
from genzoo.models.generative_model import GenerativeModel
from genzoo.models.sample_metrics import SampleMetrics
from genzoo.penalties import Penalty
from genzoo.runtime import distribute


@keras.saving.register_keras_serializable("genzoo")
class GAN(GANTraining, GANData, GANSampling, GenerativeModel):
    """A generator G and a discriminator D that learn against each other.

    D learns to tell data from `G(z)`, z drawn at random; G learns to be
    mistaken for data. Each `train_step` updates D, then G, then the running
    average of G's weights, by which samples are drawn.

    The model is conditional if the generator has a second input, labels
    (int32, shape ()) or vectors. The discriminator then takes the condition
    too, or gives logits of the classes as a second output (an auxiliary
    classifier).

    Args:
        generator: a built Keras model of latents, perhaps with conditions.
            Data must lie in the range of its last activation.
        discriminator: a built Keras model of examples to one *logit*.
        latent: distribution of z, "normal" (the default) or "uniform" in
            [-1, 1); its shape is that of the generator's input.
        ema: decay of the running average of the generator's weights, slower
            in the first steps; None samples from the weights themselves.
        packing: how many examples the discriminator sees at once, side by
            side along the last axis (PacGAN).
        augmentation: a `genzoo.layers.Augmentation` of images before D sees
            them, or None.
        classes: number of classes, where it cannot be read off an embedding.
        self_conditioned: whether the classes are clusters that the model
            finds in the data itself, without labels, by k-means of the first
            data that it is fitted to. A continuous G joins separate modes by
            bridges of samples that are neither; here each cluster is a mode
            of its own. The model is used like one without conditions: the
            last of the latents chooses the cluster, by its share of the data.
        seed: int or pair of ints, for all that is drawn at random.

    Attributes:
        generator: as given, being trained.
        averaged_generator: the one that samples, exports and predicts.
        discriminator: as given.

    Raises:
        ValueError: for networks that do not fit together.

    Reference:
        Goodfellow et al., "Generative adversarial nets", 2014. Average:
        Yazici et al., 2019. Packing: Lin et al., "PacGAN", 2018. Auxiliary
        classifier: Odena, Olah and Shlens, 2017. Projection: Miyato and
        Koyama, 2018. Clusters as classes: Sage et al., "Logo synthesis and
        manipulation with clustered generative adversarial networks", 2018;
        Liu et al., "Diverse image generation via self-conditioned GANs",
        2020.

    Example:
    >>> gan = genzoo.GAN(*genzoo.networks.dcgan(64, (28, 28, 1)))
    >>> gan.compile()
    >>> history = gan.fit(images / 127.5 - 1, epochs=10)
    >>> gan.sample(16, seed=0)                     # (16, 28, 28, 1)
    """

    default_batch_size = 64

    def __init__(
        self,
        generator,
        discriminator,
        latent=None,
        ema=0.999,
        packing=1,
        augmentation=None,
        classes=None,
        self_conditioned=False,
        seed=None,
        **kwargs,
    ):
        if latent not in (None, "normal", "uniform"):
            raise ValueError(
                "GAN: latent must be 'normal' or 'uniform'; received "
                f"{latent!r}. Its shape is that of the generator's input."
            )
        if ema is not None and not 0 < ema < 1:
            raise ValueError(
                f"GAN: ema must be between 0 and 1, or None; received {ema!r}."
            )
        if not isinstance(packing, int) or packing < 1:
            raise ValueError(
                f"GAN: packing must be a positive int; received {packing!r}."
            )
        networks = gan_networks.read(generator, discriminator, packing, classes)
        _check_augmentation(augmentation, networks.event_shape)
        if self_conditioned:
            _check_self_conditioned(networks)
        super().__init__(seed=seed, **kwargs)
        self.networks = networks
        self.generator = generator
        self.discriminator = discriminator
        self.latent = latent or "normal"
        self.ema = ema
        self.packing = packing
        self.augmentation = augmentation
        self.clusters = None
        if self_conditioned:
            self.clusters = Clusters(networks.classes, networks.event_shape)
        self.averaged_generator = generator
        if ema is not None:
            average = gan_networks.copied(generator)
            average.trainable = False
            self.averaged_generator = average
            self.start_average()
        self.built = True

    def compile(
        self,
        optimizer=None,
        discriminator_optimizer=None,
        loss="non_saturating",
        penalties=None,
        discriminator_steps=1,
        auxiliary_weight=1.0,
        metrics=None,
        run_eagerly=False,
        steps_per_execution=1,
        jit_compile="auto",
    ):
        """Choose both optimizers, the game and its penalties.

        Args:
            optimizer: of the generator, any Keras optimizer; by default
                `Adam(2e-3, beta_1=0, beta_2=0.99)`. Momentum (beta_1) makes
                the game turn in circles.
            discriminator_optimizer: of the discriminator; by default another
                like the generator's.
            loss: an adversarial loss of `genzoo.losses` or its name:
                "minimax", "non_saturating", "least_squares", "hinge",
                "wasserstein" or "relativistic_pairing".
            penalties: list of `genzoo.penalties`; by default `R1` and `R2`,
                0.02 on a quarter of the batch for vectors, 1 on an eighth for
                images.
            discriminator_steps: updates of D for each one of G, with the
                same data and other latents.
            auxiliary_weight: of the cross-entropy of an auxiliary classifier.
            metrics: list of `keras.metrics.Metric`s, whose `update_state`
                gets (data, samples) in `evaluate` and for validation data.
            run_eagerly: as in Keras.
            steps_per_execution: as in Keras; 10 or more help small networks.
            jit_compile: as in Keras.

        A callback that sets `model.optimizer.learning_rate` changes the
        discriminator's in proportion. Under float16 both losses are scaled.

        Raises:
            ValueError: for an unknown loss, one optimizer for both networks,
                a penalty on a discriminator without gradient, or an option
                that fails under the current strategy.
        """
        distribute.check_compile(steps_per_execution, jit_compile)
        loss = get_adversarial(loss)
        penalties = self._penalties(penalties)
        if (
            not isinstance(discriminator_steps, int)
            or isinstance(discriminator_steps, bool)
            or discriminator_steps < 1
        ):
            raise ValueError(
                "GAN.compile: discriminator_steps must be a positive int; "
                f"received {discriminator_steps!r}."
            )
        compared = SampleMetrics(metrics)
        optimizer = keras.optimizers.get(
            self.default_optimizer if optimizer is None else optimizer
        )
        if discriminator_optimizer is None:
            discriminator_optimizer = _another(optimizer)
        other = keras.optimizers.get(discriminator_optimizer)
        if _plain(other) is _plain(optimizer):
            raise ValueError(
                "GAN.compile: discriminator_optimizer is the generator's; an "
                "optimizer keeps the state of one network. Make a second one."
            )
        if self.networks.needs_loss_scale:
            optimizer, other = map(_scaled, (optimizer, other))
        optimizer.build(self.generator.trainable_variables)
        other.build(self.discriminator.trainable_variables)
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=False,
        )
        self.discriminator_optimizer = other
        self.loss = loss
        self.penalties = penalties
        self.discriminator_steps = discriminator_steps
        self.auxiliary_weight = auxiliary_weight
        self._compared = compared
        self.follow_learning_rate()

    @property
    def default_optimizer(self):
        """What `compile` takes when it is given none."""
        return keras.optimizers.Adam(2e-3, beta_1=0.0, beta_2=0.99)

    @property
    def has_images(self):
        """Whether examples are (height, width, channels)."""
        return len(self.event_shape) == 3

    def _penalties(self, penalties):
        if penalties is None:
            weight, fraction = 0.02, 1 / 4
            if self.has_images:
                weight, fraction = 1.0, 1 / 8
            penalties = [
                penalty_room.R1(weight, fraction),
                penalty_room.R2(weight, fraction),
            ]
        if not isinstance(penalties, (list, tuple)):
            penalties = [penalties]
        penalties = [
            keras.saving.deserialize_keras_object(penalty)
            if isinstance(penalty, dict)
            else penalty
            for penalty in penalties
        ]
        for penalty in penalties:
            if not isinstance(penalty, Penalty):
                raise ValueError(
                    "GAN.compile: penalties must be of genzoo.penalties, for "
                    f"example R1(0.1); received {penalty!r}."
                )
        if penalties:
            condition = ()
            if self.networks.critic_is_conditional:
                shape = (2, *self.networks.condition_shape)
                is_label = self.networks.classes is not None
                dtype = "int32" if is_label else "float32"
                condition = (tf.zeros(shape, dtype),)
            shape = (2, *self.discriminator.inputs[0].shape[1:])
            gan_networks.check_differentiable(self.critic, shape, condition)
        return penalties

    def get_compile_config(self):
        """The arguments of `compile`, serialised."""
        if not self.compiled:
            return {}
        serialize = keras.saving.serialize_keras_object
        config = super().get_compile_config()
        return {
            "optimizer": serialize(_plain(self.optimizer)),
            "discriminator_optimizer": serialize(
                _plain(self.discriminator_optimizer)
            ),
            "loss": serialize(self.loss),
            "penalties": [serialize(penalty) for penalty in self.penalties],
            "discriminator_steps": self.discriminator_steps,
            "auxiliary_weight": self.auxiliary_weight,
            "metrics": self._compared.serialize(),
            "run_eagerly": config["run_eagerly"],
            "steps_per_execution": config["steps_per_execution"],
            "jit_compile": config["jit_compile"],
        }

    def compile_from_config(self, config):
        """Compile as before a save."""
        self.compile(**keras.saving.deserialize_keras_object(config))

    def get_config(self):
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "generator": serialize(self.generator),
            "discriminator": serialize(self.discriminator),
            "latent": self.latent,
            "ema": self.ema,
            "packing": self.packing,
            "augmentation": serialize(self.augmentation),
            "classes": self.networks.classes,
            "self_conditioned": self.clusters is not None,
            "seed": self.draws.seed,
        }

    @classmethod
    def from_config(cls, config):
        """A GAN from `get_config`."""
        config = dict(config)
        for name in ("generator", "discriminator", "augmentation"):
            config[name] = keras.saving.deserialize_keras_object(config[name])
        return cls(**config)


def _check_augmentation(augmentation, event_shape):
    if augmentation is None:
        return
    if not isinstance(augmentation, Augmentation):
        raise ValueError(
            "GAN: augmentation must be a genzoo.layers.Augmentation; "
            f"received {augmentation!r}."
        )
    if len(event_shape) != 3:
        raise ValueError(
            "GAN: augmentation changes images, (height, width, channels); "
            f"the generator gives {event_shape}."
        )


def _check_self_conditioned(networks):
    if networks.classes is None or len(networks.latent_shape) != 1:
        raise ValueError(
            "GAN: self_conditioned=True needs networks of vectors and integer "
            "conditions, one for each cluster, such as "
            "genzoo.networks.dcgan(latent, image_shape, classes=100)."
        )


def _another(optimizer):
    """An optimizer of the same configuration, without its state."""
    optimizer = _plain(optimizer)
    return type(optimizer).from_config(optimizer.get_config())


def _plain(optimizer):
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    return optimizer.inner_optimizer if scaled else optimizer


def _scaled(optimizer):
    if isinstance(optimizer, keras.optimizers.LossScaleOptimizer):
        return optimizer
    return keras.optimizers.LossScaleOptimizer(optimizer)
