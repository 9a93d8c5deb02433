"""Generative adversarial networks of any two Keras models."""

import copy
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self

import keras
import numpy as np
import tensorflow as tf

from genzoo import checks
from genzoo import networks as pairs
from genzoo.layers import Augmentation
from genzoo.losses.adversarial import (
    AdversarialLoss,
    descend,
    get_adversarial,
)
from genzoo.models.common import resume, sample_weights
from genzoo.models.common.endpoints import Endpoints
from genzoo.models.common.generative_model import GenerativeModel
from genzoo.models.common.given import Given
from genzoo.models.common.presets import numbered
from genzoo.models.common.sample_metrics import SampleMetrics
from genzoo.models.gan import latents as laws
from genzoo.models.gan import networks as facts
from genzoo.models.gan import paths, updates
from genzoo.models.gan.clusters import Clusters
from genzoo.models.gan.conditions import (
    UNKNOWN,
    Seen,
    Unconditional,
    parts_of,
)
from genzoo.models.gan.drawing import Drawing
from genzoo.models.gan.game import (
    LOGS,
    Critic,
    Game,
    Judged,
    Record,
    Source,
    get_penalties,
    own_losses,
)
from genzoo.models.gan.health import Health, warn_of_monitors
from genzoo.models.gan.inversion import Inversion, Inverter
from genzoo.models.gan.parts import Parts
from genzoo.models.gan.terms import Terms
from genzoo.models.gan.units import Units
from genzoo.models.gan.updates import Average, Rates
from genzoo.networks import recipe
from genzoo.optimizers.falling import Plan, Planned
from genzoo.runtime import batch, distribute, random, weights
from genzoo.runtime import data as pipeline
from genzoo.spaces import Space
from genzoo.types import Array, ArrayLike, SeedLike

# Of tables and points: batches of an epoch, and rows of a batch, within.
_BATCHES, _ROWS = 40, (32, 256)
# Beside the steps of a batch: the seed of labels that are missing.
_LABELS = 2**16
_EMA = checks.optional(
    checks.number(0, 1, "between 0 and 1, or None", open_ends=True)
)


@keras.saving.register_keras_serializable("genzoo")
class GAN(GenerativeModel):
    """A generator G and a discriminator D that learn against each other.

    D learns to tell data from `G(z)`, z drawn at random; G learns to be
    mistaken for data. Each `train_step` updates D, then G, then the running
    average of G's weights, by which samples are drawn.

    The model is conditional if the generator has further inputs, labels
    (int32, shape ()), vectors or images. The discriminator then takes these
    conditions too, in the same order or by the same names, or gives logits of
    the classes as a second output (an auxiliary classifier). An auxiliary
    classifier learns from examples without a label, -1, too: they count as
    data, and not in the cross-entropy of classes. Several conditions are
    given as a tuple, in the order of the generator's inputs, or as a dict by
    their names: `fit(x, {"label": labels, "energy": energies})`.

    A generator of several outputs, a tuple or a dict by name, gives examples
    of several arrays: the layers of a calorimeter, an image and its label.
    The discriminator takes as many inputs, in the same order or by the same
    names, before the conditions or among them. Data are a tuple or a dict of
    arrays, samples are the same, and correlations between the parts are
    learned, too: `fit({"image": images, "energy": energies})`. Metrics,
    penalties and clusters see each example as one row of all its numbers,
    which `parts.join` and `parts.split` make and take apart; terms of losses
    see the parts.

    A generator that has the discriminator's conditions alone, and no latents,
    makes one example of each condition: image to image.

    Args:
        generator: a built Keras model of latents, perhaps with conditions, or
            of conditions alone. Data must lie in the range of its last
            activation.
        discriminator: a built Keras model of examples to one *logit*, or to
            a map of logits, (height, width, 1), each of which costs.
        latent: law of z, "normal" (the default) or "uniform" in [-1, 1); a
            function or a Keras layer that makes latents of normal numbers of
            their shape; or a distribution of TensorFlow Probability with
            quantiles. The shape is that of the generator's input.
        ema: decay of the running average of the generator's weights, slower
            in the first steps; None samples from the weights themselves.
        packing: how many examples the discriminator sees at once, side by
            side along the last axis (PacGAN).
        augmentation: a `genzoo.layers.Augmentation` of images before D sees
            them, or None.
        classes: number of classes, where it cannot be read off an embedding;
            of several labels a list.
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
        networks: the facts that are read off the two.
        conditions: what the user tells the model of examples, if anything.
        parts: what joins and splits examples of several arrays; None of one.
        clusters: those of a self-conditioned model, or None.
        game: what both minimise, once the model is compiled.

    Logs: `discriminator_loss` (with penalties), also as `loss`, and
    `generator_loss`; `real_score` and `fake_score`, the means of D(x) and
    D(G(z)) as the loss scores them; `accuracy`, the share that D tells
    rightly: 0.5 where it cannot tell generated examples from data. Once an
    epoch, on examples of both kinds: `logit_spread`, the standard deviation
    of D's logits; `dead_units`, the share of D's units that do not vary;
    `sample_gradient`, the root mean square of D's gradient at samples, from
    which G learns. If D gives nearly one logit to all and samples differ from
    data, `fit` warns: its losses are those of an equilibrium and mean none.
    So it does at its end if no sample comes near a part of the data.

    Layers `genzoo.layers.Standardization` in the networks, as `networks.mlp`
    has them, are adapted to the first data, so that columns may have any
    units; penalties then are of gradients in standard deviations.

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
    >>> images = 2.0 * x_train.reshape(-1, 8, 8, 1) - 1  # as tanh gives
    >>> gan = genzoo.GAN(*genzoo.networks.dcgan(8, (8, 8, 1), width=4))
    >>> gan.compile()
    >>> history = gan.fit(images, epochs=1, verbose=0)
    >>> gan.sample(16, seed=0).shape
    (16, 8, 8, 1)
    """

    default_batch_size = 64
    # Every cost is linear in the data, so that the weights need to be those
    # of a density only together.
    _takes_negative_weights = True
    arguments: ClassVar[checks.Arguments] = {
        "networks": checks.part(
            pairs.conv1d,
            pairs.conv3d,
            pairs.dcgan,
            pairs.dilepton,
            pairs.mlp,
            pairs.modern,
            pairs.resnet,
        ),
        "latent": checks.one_of("normal", "uniform"),
        "ema": checks.optional(checks.number(1e-9, 1 - 1e-9)),
        "packing": checks.whole(1, 64),
        "augmentation": checks.optional(checks.part(Augmentation)),
        "self_conditioned": checks.flag,
        "seed": checks.seed_pair,
    }

    def __init__(
        self,
        generator: keras.Model,
        discriminator: keras.Model,
        latent: Any = None,
        ema: float | None = 0.999,
        packing: int = 1,
        augmentation: Augmentation | None = None,
        classes: int | Sequence[int] | None = None,
        self_conditioned: bool = False,
        seed: SeedLike | None = None,
        **kwargs: Any,
    ):
        ema = _EMA(ema, "GAN: ema")
        packing = checks.positive_int(packing, "GAN: packing")
        networks = facts.read(generator, discriminator, packing, classes)
        _check_augmentation(augmentation, networks)
        if networks.told.has_latents:
            latent = laws.checked(latent, networks.latent_shape)
        elif latent not in (None, "normal"):
            raise ValueError(
                f"GAN: latent is {latent!r}, and the generator takes no "
                "latents, only what the discriminator is told. Leave it out."
            )
        else:
            latent = "normal"
        clusters = None
        if self_conditioned:
            clusters = _cluster_count(networks, latent)
        super().__init__(seed=seed, **kwargs)
        if augmentation is not None:
            weights.claim("GAN", augmentation=augmentation)
        self.networks = networks
        self.space = networks.space
        self.parts: Parts | None = networks.parts
        self.conditions = networks.conditions
        self.generator = generator
        self.discriminator = discriminator
        self.latent = latent
        self.ema = ema
        self.packing = packing
        self.augmentation = augmentation
        self.clusters: Clusters | None = None
        if clusters is not None:
            self.clusters = Clusters(clusters, self.event_shape)
            self.conditions = Unconditional(
                "It finds classes of its own, since it was made with "
                "self_conditioned=True."
            )
        self.averaged_generator = generator
        self._average: Average | None = None
        if ema is not None:
            self.averaged_generator = facts.copied(generator)
            self._average = Average(self.averaged_generator, generator, ema)
            self._average.start()
        self._source, self._sampler = (
            Source(network, networks, self.latent, self.clusters, packing)
            for network in (generator, self.averaged_generator)
        )
        self._critic = Critic(discriminator, networks, packing)
        self._drawing = Drawing(
            self._sampler, self._critic, self.conditions, self.space
        )
        self._inverter = Inverter(self._sampler, self.conditions, self.space)
        makers = {id(v): v for v in (generator, self.averaged_generator)}
        self._units = Units(makers.values(), discriminator, networks)
        self._health: Health | None = None
        classes = self.conditions.classes
        self._seen = Seen(classes, name="seen") if classes else None
        self._rates = Rates(name="rates")
        self._record = Record(name="means")
        self.built = True

    @property
    def is_conditional(self) -> bool:
        """Whether the user tells the model of each example."""
        return self.conditions.shape is not None

    @property
    def latent_shape(self) -> tuple[int, ...]:
        """Of one z: the generator's, and one more that chooses a cluster."""
        return self._sampler.latent_shape

    def __repr__(self) -> str:
        sizes = ", ".join(
            f"{name} of {network.count_params():,} weights"
            for name, network in (
                ("generator", self.generator),
                ("discriminator", self.discriminator),
            )
        )
        latents = f"latents {self.latent_shape}"
        if not self._sampler.has_latents:
            latents = "no latents"
        examples = f"examples {self.event_shape}"
        if self.parts is not None:
            shapes = self.parts.spaces.items()
            examples = ", ".join(f"{k} {v.event_shape}" for k, v in shapes)
        return (
            f"<GAN of {examples}, {latents}, "
            f"{self.conditions.description}: {sizes}>"
        )

    # Compiling -------------------------------------------------------------

    def compile(
        self,
        optimizer: Any = None,
        discriminator_optimizer: Any = None,
        loss: str | AdversarialLoss = "non_saturating",
        penalties: Any = None,
        discriminator_steps: int = 1,
        auxiliary_weight: float = 1.0,
        generator_losses: Any = None,
        discriminator_losses: Any = None,
        metrics: Any = None,
        run_eagerly: bool = False,
        steps_per_execution: int = 1,
        jit_compile: bool | str = "auto",
    ) -> None:
        """Choose both optimizers, the game and its penalties.

        Args:
            optimizer: of the generator, any Keras optimizer; by default
                `genzoo.optimizers.FallingAdam(2e-3, beta_1=0, beta_2=0.99)`,
                whose rate falls to zero over a `fit`. Momentum (beta_1)
                makes the game turn in circles.
            discriminator_optimizer: of the discriminator; by default another
                like the generator's.
            loss: an adversarial loss of `genzoo.losses` or its name:
                "minimax", "non_saturating", "least_squares", "hinge",
                "wasserstein" or "relativistic_pairing".
            penalties: list of `genzoo.penalties`; by default `R1` and `R2`:
                0.01 for each column, 0.02 at least, 0.5 at most, on a quarter
                of the batch for vectors; 1 on an eighth for images, signals
                and volumes.
            discriminator_steps: updates of D for each one of G, with the
                same data and other latents.
            auxiliary_weight: of the cross-entropy of an auxiliary classifier.
            generator_losses: list of functions that give what else G
                minimises, one number for each example or one for all; each
                gets a turn, with `real` and `generated` examples, their
                `condition`, and D's `logits` and `features` as functions of
                examples. So feature matching, the L1 of image to image, or a
                law of conservation.
            discriminator_losses: the same of D, label smoothing for example.
            metrics: list of `keras.metrics.Metric`s, whose `update_state`
                gets (data, samples) in `evaluate` and for validation data; of
                several outputs rows, or a dict of lists by the output whose
                arrays they compare.
            run_eagerly: as in Keras.
            steps_per_execution: as in Keras; 10 or more help small networks.
            jit_compile: as in Keras.

        A callback that sets `model.optimizer.learning_rate` changes the
        discriminator's in proportion. Under float16 both losses are scaled.

        Raises:
            ValueError: for an unknown loss, one optimizer for both networks,
                networks without trainable weights,
                a penalty on a discriminator without gradient, or an option
                that fails under the current strategy.
        """
        self._check_options(run_eagerly, steps_per_execution, jit_compile)
        game = Game(
            self._critic,
            get_adversarial(loss),
            get_penalties(penalties, self._critic, self.networks),
            checks.penalty(auxiliary_weight, "GAN.compile: auxiliary_weight"),
            self.augmentation,
            self._units,
            Terms.read(
                "GAN.compile: discriminator_losses", discriminator_losses
            ),
            Terms.read("GAN.compile: generator_losses", generator_losses),
        )
        steps = checks.positive_int(
            discriminator_steps, "GAN.compile: discriminator_steps"
        )
        compared = SampleMetrics(metrics, self.parts)
        optimizer, other = updates.optimizers(
            optimizer, discriminator_optimizer, self.networks.needs_loss_scale
        )
        if not any(
            network.trainable_variables
            for network in (self.generator, self.discriminator)
        ):
            raise ValueError(
                "GAN.compile: neither network has trainable weights. Set "
                "trainable = True for one of them."
            )
        for rates, network in (
            (optimizer, self.generator),
            (other, self.discriminator),
        ):
            self._build_optimizer(rates, network.trainable_variables)
        super().compile(
            optimizer=optimizer,
            run_eagerly=run_eagerly,
            steps_per_execution=steps_per_execution,
            jit_compile=jit_compile,
            auto_scale_loss=False,
        )
        # The game keeps its own record.
        self._loss_tracker = None
        self.discriminator_optimizer = other
        self.discriminator_steps = steps
        self.loss = game.loss
        self.game = game
        self._compared = compared
        self._rates.fix(optimizer, other)
        if not self.discriminator.trainable_variables:
            warnings.warn(
                "GAN.compile: the discriminator has no trainable weights: "
                "only the generator will learn. A GAN trains both; "
                "discriminator.trainable = False is not needed.",
                stacklevel=2,
            )

    def _optimizers(self) -> dict[str, keras.optimizers.Optimizer]:
        other = self.discriminator_optimizer
        return {**super()._optimizers(), "discriminator_optimizer": other}

    def _result_names(self) -> tuple[list[str], list[str]]:
        return list(LOGS), []

    # One step --------------------------------------------------------------

    def train_step(self, data: Any) -> dict[str, tf.Tensor]:
        """One update of the game that `compile` was given: D, G, average."""
        x, condition, weight = self._unpack(data)
        if self._seen is not None:
            self._seen.add(*condition)
        first, rows = distribute.global_rows(tf.shape(x)[0])
        seed = self.draws.next().at_row(first)
        self._rates.follow(self.optimizer, self.discriminator_optimizer)
        asked = self.conditions.filled(condition, random.fold_in(seed, _LABELS))
        for step in range(self.discriminator_steps):
            judged = self._train_discriminator(
                x, condition, asked, random.fold_in(seed, step + 1), weight
            )
        loss = self._train_generator(x, asked, random.fold_in(seed, 0), weight)
        if self._average is not None:
            self._average.follow(self.draws.state[2])
        scores = self.game.scores(judged, loss, weight)
        self._record.update_state(scores, rows)
        return distribute.shape_logs(self._record.result())

    def _train_discriminator(self, x, condition, asked, seed, weight) -> Judged:
        latents, augmenting, points = random.split(seed, 3)
        # Penalties look at what D sees: packs.
        points = points.at_row(points.row // self.packing)
        rows = tf.shape(x)[0]
        fake = self._source.fakes(rows, asked, latents, training=True)
        fake = tf.stop_gradient(fake)
        judged = descend(
            self.discriminator_optimizer,
            self.discriminator.trainable_variables,
            lambda: self.game.discriminator(
                x,
                fake,
                condition,
                augmenting,
                training=True,
                points=points,
                weight=weight,
            ),
        )
        if self.augmentation is not None:
            _, rows = distribute.global_rows(tf.shape(judged.real)[0])
            self.augmentation.adapt_to(judged.real, rows)
        return judged

    def _train_generator(self, x, condition, seed, weight) -> tf.Tensor:
        latents, augmenting = random.split(seed, 2)
        rows = tf.shape(x)[0]

        def play():
            fake = self._source.fakes(rows, condition, latents, training=True)
            own = own_losses(self.generator)
            loss = self.game.generator(
                x, fake, condition, augmenting, training=True, weight=weight
            )
            return (loss + own,)

        (loss,) = descend(
            self.optimizer, self.generator.trainable_variables, play
        )
        return loss

    def test_step(self, data: Any) -> dict[str, tf.Tensor]:
        """The game on held-out data, and the metrics of data and samples."""
        x, condition, weight = self._unpack(data)
        count = tf.shape(x)[0]
        first, rows = distribute.global_rows(count)
        seed = self.draws.next(random.SAMPLING).at_row(first)
        latents, augmenting, samples, again = random.split(seed, 4)
        asked = self.conditions.filled(condition, random.fold_in(seed, _LABELS))
        fake = self._sampler.fakes(count, asked, latents)
        judged = self.game.discriminator(
            x, fake, condition, augmenting, training=False, weight=weight
        )
        loss = self.game.generator(
            x, fake, asked, again, training=False, weight=weight
        )
        scores = self.game.scores(judged, loss, weight)
        self._record.update_state(scores, rows)
        if self._compared.metrics:
            fake = self._sampler.fakes(count, asked, samples)
            given = batch.make(x, weight if self.packing == 1 else None)
            self._compared.update(sample_weights.repeated(given), fake)
        return distribute.shape_logs(self._record.result())

    def _unpack(self, data):
        """x in whole packs, a tuple of conditions, weights of packs or None."""
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        given = batch.unpacked(x)
        x, weight = batch.examples(given), batch.weight(given)
        x = tf.ensure_shape(tf.cast(x, tf.float32), (None, *self.event_shape))
        # A last batch may not fill the last pack.
        rows = tf.shape(x)[0] // self.packing * self.packing
        x = x[:rows]
        if weight is not None:
            packs = tf.reshape(weight[:rows], (-1, self.packing))
            weight = tf.reduce_prod(packs, axis=1)
        if self.clusters is not None:
            return x, (self.clusters.nearest(x),), weight
        return x, parts_of(y), weight

    # Data ------------------------------------------------------------------

    def _prepare(self, given: Given, steps: int | None = None) -> None:
        self._adapt(given, steps)
        self._health = Health.of(self._critic, self._sampler, given)
        if self._health:
            self._health.warn_of_units(self._units.bare)

    def _prepare_batch(self, given: Given) -> None:
        self._adapt(given)

    def _own_callbacks(self) -> list[keras.callbacks.Callback]:
        return [self._health] if self._health else []

    def _adapt(self, given: Given, steps: int | None = None) -> None:
        """Find units and clusters, unless that was done before."""
        x, _, weight, _ = given
        if not self._units.are_known:
            self._units.adapt(given, steps)
        if self.clusters is None or self.clusters.is_adapted:
            return
        if distribute.is_shared_out(x):
            raise ValueError(
                "GAN.fit: clusters are not found in a dataset that is divided "
                "among replicas. Fit an array or a tf.data.Dataset."
            )
        self.clusters.adapt(x, self.draws.seed, steps, weight)

    def _batch_size(self, method: str, batch_size: int | None, x: Any) -> int:
        size = super()._batch_size(method, batch_size, x)
        rows = size
        if pipeline.is_array(x):
            # What is sparse has no length.
            rows = (*x.shape, 0)[0] if hasattr(x, "shape") else len(x)
        if 0 < min(size, rows) < self.packing:
            raise ValueError(
                f"{self._where(method)}: batches of {min(size, rows)} examples "
                f"make no pack of {self.packing}. Take more rows, a larger "
                "batch_size or less packing."
            )
        return size

    def _batch_size_for(self, given: Given) -> int:
        if self.networks.is_grid:
            return self.default_batch_size
        least, most = _ROWS
        return int(np.clip(len(given.x) // _BATCHES, least, most))

    def _as_rows(self, method: str, x: Any) -> Any:
        if self.parts is None or x is None:
            return x
        return self.parts.joined(self._where(method), x)

    def _checked_pair(self, method: str, x: Any, y: Any = None) -> tuple:
        where = self._where(method)

        def check_dataset(where, dataset):
            return self.conditions.check_dataset(where, dataset, self.space)

        x = self._checked(method, x, check_dataset)
        if pipeline.is_array(x):
            return x, self.conditions.check(where, y, len(x), learns=True)
        if y is not None:
            raise ValueError(
                f"{where}: y goes with an array x; a dataset gives (x, y)."
            )
        return x, None

    def _checked_inputs(self, method: str, x: Any) -> Any:
        """Latents, [latents, conditions] or conditions, for `predict`."""
        where = self._where(method)
        if not self._sampler.has_latents:
            is_given = pipeline.is_array(x) or isinstance(x, Mapping)
            y = parts_of(self.conditions.check(where, x)) if is_given else x
            return y if not is_given or len(y) > 1 else y[0]
        latents, *given = x if isinstance(x, (list, tuple)) else (x,)
        if latents is None:
            raise ValueError(f"{where}: x is missing.")
        if pipeline.is_array(latents):
            latents = checks.array(latents, f"{where}: latents")
            latents = latents.astype("float32")
            y = tuple(given) if len(given) > 1 else None
            if len(given) == 1:
                (y,) = given
            y = self.conditions.check(where, y, len(latents))
            x = latents if y is None else [latents, *parts_of(y)]
        shape = getattr(latents, "shape", None)
        if shape is not None and tuple(shape[1:]) != self.latent_shape:
            expected = ", ".join(map(str, self.latent_shape))
            raise ValueError(
                f"{where}: latents must have shape (n, {expected}); received "
                f"{tuple(shape)}. For scores of examples call score(x)."
            )
        return x

    def _plan_of_batches(self, x: Any, y: Any, **asked: Any) -> dict[str, Any]:
        plan = super()._plan_of_batches(x, y, **asked)
        begin = plan.get("initial_epoch", 0)
        done = resume.batches_done(self._saved, plan)
        paces = [
            Plan(1.0, begin, optimizer, repeats, done)
            for optimizer, repeats in (
                (updates.plain(self.optimizer), 1),
                (
                    updates.plain(self.discriminator_optimizer),
                    self.discriminator_steps,
                ),
            )
            if isinstance(optimizer, Planned)
        ]
        warn_of_monitors(self._where("fit"), plan["callbacks"])
        return {**plan, "callbacks": [*paces, *plan["callbacks"]]}

    def _complaints(self) -> dict[str, str]:
        told = self.conditions.description
        return {
            **super()._complaints(),
            UNKNOWN: "a batch of the dataset has conditions that the model "
            f"does not take: {told}.",
        }

    # Samples and scores ----------------------------------------------------

    def call(self, latents: Any, training: bool = False) -> tf.Tensor:
        """G of the averaged generator, of z, [z, conditions] or conditions."""
        if not self._sampler.has_latents:
            found = self._sampler(None, tf.nest.flatten(latents), training)
        else:
            latents, *condition = tf.nest.flatten(latents)
            found = self._sampler(latents, condition, training)
        return self._apart(found)

    def _apart(self, rows: Any) -> Any:
        """Examples as users have them: of several outputs, their parts."""
        return rows if self.parts is None else self.parts.split(rows)

    def sample(
        self,
        n: int,
        seed: SeedLike | None = None,
        labels: ArrayLike | None = None,
        conditions: ArrayLike | None = None,
        truncation: float | None = None,
    ) -> Any:
        """Examples drawn from the averaged generator.

        Args:
            n: number of samples.
            seed: int or pair of ints; None takes the next of the model's own
                seeds for samples, which does not affect training.
            labels: n classes, or one for all, of a model of classes; None
                takes them by their shares in training; each in turn if
                there was none since the model was made or loaded as a preset.
            conditions: n vectors or images, or one for all, of a model that is
                told those; a tuple or dict of several conditions. Without
                latents an example follows from its condition, and no seed is
                needed.
            truncation: the greatest size of a number of normal latents, whose
                law is cut off there: less of it, such as 0.5, gives more
                typical and less diverse examples. None cuts nothing off. The
                shares of clusters stay.

        Returns:
            A float32 array of shape (n, *event_shape); of a generator of
            several outputs a tuple or dict of such.

        Raises:
            ValueError: for an n below 1 or beyond memory; for labels or
                conditions that the model does not take, or missing vectors;
                for a truncation that is not positive, or of other latents.

        Reference:
            Truncation: Brock, Donahue and Simonyan, "Large scale GAN training
            for high fidelity natural image synthesis", 2019.
        """
        n = self._check_count("sample", n)
        where = self._where("sample")
        y = self.conditions.asked(where, n, labels, conditions, self._seen)
        condition = parts_of(y)
        if truncation is None:
            # What draws nothing takes no seed of the model's.
            has_latents = self._sampler.has_latents
            seed = self._seed_for(seed if has_latents else 0)
            told = map(tf.constant, condition)
            found = self._drawing.samples(tf.constant(n), seed, *told).numpy()
            return self._apart(self._finite("sample", found))
        self._check_latents("sample: truncation")
        most = checks.positive_number(truncation, f"{where}: truncation")
        if self.latent != "normal":
            raise ValueError(
                f"{where}: truncation={truncation!r} is for latents of a "
                f"normal law; this model's are {self.latent!r}. Leave it out."
            )
        z = self._sampler.latents(n, self._seed_for(seed))
        z = paths.truncated(z, most, chooses=self.clusters is not None)
        found = self._finite("sample", self._drawing.examples(z, *condition))
        return self._apart(found)

    def interpolate(
        self,
        n: int,
        steps: int = 8,
        seed: SeedLike | None = None,
        labels: ArrayLike | None = None,
        conditions: ArrayLike | None = None,
    ) -> Any:
        """Paths of examples, each from one sample to another.

        The latents of a normal law go along great circles, those of a uniform
        one along straight lines; where latents are made of normal numbers,
        those do. What tells a condition, or a cluster, stays on each path.
        The first ends are those of `sample(n, seed)`.

        Args:
            n: number of paths.
            steps: examples of each, with both ends, at least 2.
            seed: as of `sample`.
            labels: of each path, as of `sample`.
            conditions: of each path, as of `sample`.

        Returns:
            A float32 array of shape (n, steps, *event_shape), or several.

        Raises:
            ValueError: as `sample`; for fewer steps than 2.

        Reference:
            White, "Sampling generative networks", 2016.
        """
        where = self._where("interpolate")
        steps = checks.whole(2)(steps, f"{where}: steps")
        n = checks.positive_int(n, f"{where}: n")
        self._check_count("interpolate", n * steps)
        self._check_latents("interpolate")
        y = self.conditions.asked(where, n, labels, conditions, self._seen)
        shape, seed = self.latent_shape, self._seed_for(seed)
        chooses = self.clusters is not None
        z = paths.drawn(self.latent, n, steps, shape, seed, chooses)
        z = tf.reshape(z, (-1, *shape))
        condition = [np.repeat(part, steps, axis=0) for part in parts_of(y)]
        found = self._drawing.examples(z, *condition)
        found = self._finite("interpolate", found)
        return self._apart(found.reshape(n, steps, *self.event_shape))

    def invert(
        self,
        x: ArrayLike,
        steps: int = 300,
        starts: int = 4,
        seed: SeedLike | None = None,
        labels: ArrayLike | None = None,
        conditions: ArrayLike | None = None,
    ) -> Inversion:
        """Latents whose examples are nearest to given ones.

        Of each example so many descents by Adam, each from the nearest of 64
        draws, and the best point of all. `predict(found.latents)` gives the
        nearest examples. A cluster is chosen by the draws and then stays. A
        descent can end in a valley of its own: more `starts` find more, more
        `steps` come nearer where there are many latents.

        Args:
            x: examples, shape (n, *event_shape), of any values.
            steps: of each descent.
            starts: descents for each example.
            seed: of the draws, as of `sample`.
            labels: of the examples, of a model of classes.
            conditions: of the examples, of a model that is told vectors.

        Returns:
            (latents, errors): (n, *latent_shape), and the root mean squares
            of the differences, (n,), in standard deviations of the data if
            the networks have layers of `Standardization`.

        Raises:
            ValueError: for examples or conditions that do not fit the model,
                or numbers that are no positive ints.
        """
        where = self._where("invert")
        steps = checks.positive_int(steps, f"{where}: steps")
        starts = checks.positive_int(starts, f"{where}: starts")
        x = np.asarray(self.networks.finite.check(where, x))
        self._check_latents("invert")
        y = self.conditions.given(where, labels, conditions)
        condition = parts_of(self.conditions.check(where, y, len(x)))
        scale = self._units.scale_of(self.event_shape[-1])
        seed = self._seed_for(seed)
        found = self._inverter.nearest(
            x, scale, starts, steps, seed, *condition
        )
        self._finite("invert", found.errors)
        return found

    def score(
        self,
        x: ArrayLike,
        labels: ArrayLike | None = None,
        conditions: ArrayLike | None = None,
    ) -> Array:
        """The discriminator's logit of each example, an array of shape (n,).

        Args:
            x: examples, shape (n, *event_shape).
            labels: their classes, where the discriminator takes classes.
            conditions: their vectors, where it takes vectors.

        Raises:
            ValueError: for examples or conditions that do not fit the model,
                or a model with packing, which scores packs.
        """
        if self.packing > 1:
            raise ValueError(
                f"GAN.score: with packing={self.packing} the discriminator "
                "scores packs, not examples."
            )
        where = self._where("score")
        # D takes any numbers, whatever G gives.
        x = np.asarray(self.networks.finite.check(where, x))
        y = self.conditions.given(where, labels, conditions)
        is_told = self._drawing.critic_is_told
        if is_told or y is not None:
            y = self.conditions.check(where, y, len(x))
        condition = parts_of(y) if is_told else ()
        return self._finite("score", self._drawing.scores(x, *condition))

    def _check_latents(self, method):
        if not self._sampler.has_latents:
            raise ValueError(
                f"{self._where(method)}: the generator takes no latents; an "
                "example follows from its condition alone."
            )

    def endpoints(self) -> Endpoints:
        """What `export` serves: see there."""
        return self._drawing.endpoints()

    def _about(self) -> dict[str, Any]:
        return {
            **super()._about(),
            "latents": laws.told(self.latent),
            "classes": self.conditions.classes,
        }

    def _guards(self, endpoint: str) -> tuple[dict[str, Space], dict[str, int]]:
        parts = getattr(self.conditions, "parts", {"labels": self.conditions})
        found = {name: part.classes for name, part in parts.items()}
        return {}, {name: count for name, count in found.items() if count}

    # Configuration ---------------------------------------------------------

    def get_compile_config(self) -> dict[str, Any]:
        """The arguments of `compile`, serialised."""
        if not self.compiled:
            return {}
        serialize = keras.saving.serialize_keras_object
        config = super().get_compile_config()
        return {
            "optimizer": serialize(updates.plain(self.optimizer)),
            "discriminator_optimizer": serialize(
                updates.plain(self.discriminator_optimizer)
            ),
            "loss": serialize(self.loss),
            "penalties": [serialize(part) for part in self.game.penalties],
            "discriminator_steps": self.discriminator_steps,
            "auxiliary_weight": self.game.auxiliary_weight,
            **{
                f"{name}_losses": [serialize(f) for f in terms.functions]
                for name, terms in (
                    ("generator", self.game.generator_terms),
                    ("discriminator", self.game.discriminator_terms),
                )
            },
            "metrics": self._compared.serialize(),
            "run_eagerly": config["run_eagerly"],
            "steps_per_execution": config["steps_per_execution"],
            "jit_compile": config["jit_compile"],
        }

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        serialize = keras.saving.serialize_keras_object
        return {
            **super().get_config(),
            "generator": recipe.serialize(self.generator),
            "discriminator": recipe.serialize(self.discriminator),
            "latent": laws.serialize(self.latent),
            "ema": self.ema,
            "packing": self.packing,
            "augmentation": serialize(self.augmentation),
            "classes": self.networks.classes,
            "self_conditioned": self.clusters is not None,
            "seed": self.draws.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Self:
        """A GAN from `get_config`."""
        # Keras takes the dicts of a network apart.
        config = copy.deepcopy(config)
        for name in ("generator", "discriminator"):
            config[name] = recipe.deserialize(config[name])
        deserialize = keras.saving.deserialize_keras_object
        config["augmentation"] = deserialize(config["augmentation"])
        return cls(**config)

    # As a preset: the recipe of its networks, and their weights ------------

    @classmethod
    def preset_make(cls, **arguments: Any) -> Self:
        """The GAN of a pair of networks."""
        pair = arguments.pop("networks")
        return cls(*pair, **arguments)

    @classmethod
    def preset_size(cls, **arguments: Any) -> int:
        """Both networks, and clusters if there are any."""
        pair = arguments["networks"]
        total = sum(network.count_params() for network in pair)
        if arguments["self_conditioned"]:
            generator, _ = pair
            classes = generator.recipe.arguments.get("classes") or 0
            shape = facts.space_of(generator).event_shape
            total += Clusters(classes, shape).count_params()
        return total

    def preset_config(self) -> dict[str, Any]:
        """The arguments above.

        Raises:
            ValueError: if its networks have no recipe.
        """
        own, other = (
            getattr(network, "recipe", None)
            for network in (self.generator, self.discriminator)
        )
        if own is None or own != other:
            raise ValueError(
                f"{self._where('save_to_preset')}: a preset holds the "
                "arguments of a function of genzoo.networks; these networks "
                "were made otherwise. Save as .keras instead."
            )
        if self.latent not in laws.NAMED:
            raise ValueError(
                f"{self._where('save_to_preset')}: a preset holds no functions"
                f", and latent is {self.latent!r}. Save as .keras instead."
            )
        return {
            **super().preset_config(),
            "networks": own,
            "self_conditioned": self.clusters is not None,
        }

    def preset_weights(self) -> dict[str, Any]:
        """Those of the generator's average, the discriminator, clusters."""
        return {
            **numbered("generator", self.averaged_generator),
            **numbered("discriminator", self.discriminator),
            **(numbered("clusters", self.clusters) if self.clusters else {}),
        }

    def preset_loaded(self) -> None:
        """The generator goes on from its average."""
        if self.averaged_generator is not self.generator:
            average = self.averaged_generator.get_weights()
            self.generator.set_weights(average)


def _check_augmentation(augmentation, networks):
    if augmentation is None:
        return
    if not isinstance(augmentation, Augmentation):
        raise ValueError(
            "GAN: augmentation must be a genzoo.layers.Augmentation; "
            f"received {augmentation!r}."
        )
    if networks.parts is not None:
        raise ValueError(
            "GAN: augmentation changes images; the generator gives several "
            f"arrays, {list(networks.parts.spaces)}. Leave it out."
        )
    event_shape = networks.space.event_shape
    if len(event_shape) != 3:
        raise ValueError(
            "GAN: augmentation changes images, (height, width, channels); "
            f"the generator gives {event_shape}."
        )


def _cluster_count(networks: facts.Networks, latent: Any) -> int:
    classes = networks.conditions.classes
    if not networks.told.has_latents:
        classes = None
    if latent not in laws.NAMED:
        raise ValueError(
            "GAN: self_conditioned=True needs latent='normal' or 'uniform', "
            f"of which the last chooses a cluster; received {latent!r}."
        )
    if classes is None or len(networks.latent_shape) != 1:
        raise ValueError(
            "GAN: self_conditioned=True needs networks of vectors and integer "
            "conditions, one for each cluster, such as "
            "genzoo.networks.dcgan(latent, image_shape, classes=100)."
        )
    return classes
