"""The game of D and G: two players, what each minimises, and its record.

Nothing here has a weight or knows of optimizers. Costs are this replica's
share of a mean over the rows of all replicas.
"""

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from genzoo import penalties
from genzoo.layers import Augmentation
from genzoo.losses.adversarial import AdversarialLoss
from genzoo.models.gan.clusters import Clusters
from genzoo.models.gan.latents import drawn
from genzoo.models.gan.networks import (
    Networks,
    check_differentiable,
    given_to,
)
from genzoo.models.gan.parts import packed
from genzoo.models.gan.terms import Terms, Turn, features_of
from genzoo.models.gan.units import Units
from genzoo.runtime import distribute, random

LOGS = (
    "loss",
    "discriminator_loss",
    "generator_loss",
    "real_score",
    "fake_score",
    "accuracy",
)
# Of R1 and R2, for vectors.
_BY_COLUMN, _MOST = 0.01, 0.5
# Tensors of conditions, as many as the generator takes.
Condition = Sequence[tf.Tensor]


class Source:
    """A player that gives examples: G and its latents.

    Args:
        generator: a Keras model of latents, of latents and conditions, or of
            conditions.
        networks: the facts about it.
        latent: the law of its latents, see `latents.checked`.
        clusters: `Clusters` of which a last latent chooses one, or None.
        packing: how many of its examples D sees at once.

    Attributes:
        latent_shape: of one z, with the latent that chooses a cluster; (0,)
            of a generator without latents.
        has_latents: whether it takes some.
    """

    def __init__(
        self,
        generator: keras.Model,
        networks: Networks,
        latent: Any,
        clusters: Clusters | None,
        packing: int,
    ):
        self.generator = generator
        self.latent = latent
        self.clusters = clusters
        self.packing = packing
        self.latent_shape = networks.latent_shape
        self.has_latents = networks.told.has_latents
        self._parts = networks.parts
        if clusters is not None:
            self.latent_shape = (networks.latent_shape[0] + 1,)

    def latents(self, n: int | tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """n latents, (n, *latent_shape), float32, addressed by row."""
        shape = (n, *self.latent_shape)
        if isinstance(self.latent, str):
            if self.latent == "normal":
                return random.normal(shape, seed)
            return 2 * random.uniform(shape, seed) - 1
        return drawn(self.latent, shape, seed)

    def __call__(
        self, z: tf.Tensor, condition: Condition = (), training: bool = False
    ) -> tf.Tensor:
        """G(z), G(z, condition) or G(condition), float32; parts as rows."""
        if self.clusters is not None:
            z, last = z[:, :-1], z[:, -1]
            condition = condition or [self.clusters.chosen(last, self.latent)]
        inputs = [z, *condition] if self.has_latents else list(condition)
        found = self.generator(
            given_to(self.generator, inputs), training=training
        )
        if self._parts is not None:
            return self._parts.join(found)
        return tf.cast(found, tf.float32)

    def fakes(
        self,
        rows: tf.Tensor,
        condition: Condition,
        seed: random.Seed,
        training: bool = False,
    ) -> tf.Tensor:
        """So many generated examples, also where that is none."""
        inputs = [self.latents(rows, seed), *condition]
        if _may_be_empty(self.packing):
            inputs = distribute.filled(*inputs)
        z, *condition = inputs
        return self(z, condition, training)[:rows]


class Critic:
    """A player that judges examples: D.

    Args:
        discriminator: a Keras model of examples, perhaps conditions too.
        networks: the facts about it.
        packing: how many examples it sees at once.
    """

    def __init__(
        self, discriminator: keras.Model, networks: Networks, packing: int
    ):
        self.discriminator = discriminator
        self._told = networks.told
        self.parts = networks.parts
        self.is_conditional = len(networks.told.order) > 0
        self.has_classifier = networks.has_classifier
        self.classified = networks.told.classified
        self.packing = packing
        self._features: keras.Model | None = None

    def features(
        self, x: tf.Tensor, condition: Condition = (), training: bool = True
    ) -> tf.Tensor:
        """What D's last layer sees, float32, (batch, width).

        Raises:
            ValueError: if D is no graph of layers that ends in one.
        """
        if self._features is None:
            self._features = features_of(self.discriminator)
        if self._features is None:
            raise ValueError(
                "GAN: features of the discriminator need a functional model "
                "that ends in one layer; name it 'logit'."
            )
        inputs = self.inputs(x, condition)
        inputs = inputs if len(inputs) > 1 else inputs[0]
        found = self._features(inputs, training=training)
        return tf.cast(found, tf.float32)

    def inputs(self, x: tf.Tensor, condition: Condition) -> list[tf.Tensor]:
        """What D takes, of packed examples and the generator's conditions."""
        if self.parts is None and not self.is_conditional:
            return [x]
        seen = [x]
        if self.parts is not None:
            seen = self.parts.packed_pieces(x, self.packing)
        return self._told.arranged(seen, condition)

    def __call__(
        self, x: tf.Tensor, condition: Condition = (), training: bool = True
    ) -> tf.Tensor:
        """Logits of examples as D sees them, float32, (batch,).

        Of a D that judges parts of an image, the mean of those.
        """
        return _mean(self.judge(x, condition, training)[0])

    def judge(
        self, x: tf.Tensor, condition: Condition, training: bool
    ) -> tuple[tf.Tensor, tf.Tensor | None]:
        """(logits, (batch,) or (batch, parts); logits of classes or None)."""
        rows = tf.shape(x)[0]
        inputs = self.inputs(x, condition)
        if _may_be_empty(self.packing):
            inputs = distribute.filled(*inputs)
        found = self.discriminator(
            given_to(self.discriminator, inputs), training=training
        )
        found, classes = found if self.has_classifier else (found, None)
        parts = math.prod(found.shape[1:])
        shape = (-1,) if parts == 1 else (-1, parts)
        found = tf.cast(tf.reshape(found, shape), tf.float32)
        if _may_be_empty(self.packing):
            found = found[:rows]
            classes = None if classes is None else classes[:rows]
        return found, classes


def _may_be_empty(packing):
    """Whether a batch may have no rows on this replica, or no pack."""
    return distribute.replica_count() > 1 or packing > 1


class Judged(NamedTuple):
    """What D said of a batch.

    Attributes:
        loss: this replica's share of D's loss.
        real: logits of data.
        fake: logits of as many generated examples.
    """

    loss: tf.Tensor
    real: tf.Tensor
    fake: tf.Tensor


@dataclasses.dataclass(frozen=True)
class Game:
    """What D and G minimise, given examples of both kinds.

    Attributes:
        critic: D.
        loss: what logits cost.
        penalties: of D's gradient.
        auxiliary_weight: of the cross-entropy of classes, if D gives them.
        augmentation: of what D sees, or None.
        units: of the examples, in which gradients of D are taken.
        discriminator_terms: what else D minimises.
        generator_terms: what else G minimises.
    """

    critic: Critic
    loss: AdversarialLoss
    penalties: tuple[penalties.Penalty, ...]
    auxiliary_weight: float
    augmentation: Augmentation | None
    units: Units
    discriminator_terms: Terms = Terms()
    generator_terms: Terms = Terms()

    def _turn(self, x, fake, condition, seed, training) -> Turn:
        parts = self.critic.parts

        def shown(examples):
            rows = examples if parts is None else parts.join(examples)
            return self.shown(rows, seed)

        def logits(examples):
            return self.critic(shown(examples), condition, training)

        def features(examples):
            return self.critic.features(shown(examples), condition, training)

        told = tuple(condition) if len(condition) > 1 else None
        if len(condition) == 1:
            (told,) = condition
        if parts is not None:
            x, fake = parts.split(x), parts.split(fake)
        return Turn(x, fake, told, logits, features)

    def shown(self, x: tf.Tensor, seed: random.Seed) -> tf.Tensor:
        """What D sees of examples: augmented, several packed."""
        if self.augmentation is not None:
            x = self.augmentation.augment(x, seed)
        packing = self.critic.packing
        return x if packing == 1 else packed(x, packing)

    def discriminator(
        self,
        x: tf.Tensor,
        fake: tf.Tensor,
        condition: Condition,
        seed: random.Seed,
        training: bool,
        points: random.Seed | None = None,
        weight: tf.Tensor | None = None,
    ) -> Judged:
        """What D minimises, and the logits.

        Args:
            x: data.
            fake: as many generated examples.
            condition: the conditions of both.
            seed: for augmentation.
            training: whether D trains.
            points: the seed of the penalties; None leaves them out.
            weight: what each example of the data counts, (batch,), with a
                mean of one over the data; of one that D does not see packed.
        """
        turn = self._turn(x, fake, condition, seed, training)
        x, fake = (
            self.shown(part, random.fold_in(seed, number))
            for number, part in enumerate((x, fake))
        )
        both = [tf.concat([part, part], axis=0) for part in condition]
        logits, classes = self.critic.judge(
            tf.concat([x, fake], axis=0), both, training
        )
        real, generated = tf.split(logits, 2)
        paired = self.loss.pairs_in_generator or len(condition) > 0
        own = own_losses(self.critic.discriminator)
        costs = self._discriminator_costs(real, generated, weight, paired)
        if classes is not None:
            told = self._classification(tf.split(classes, 2)[0], condition)
            costs += told if weight is None else weight * told
        loss = _share(costs) + own + self.discriminator_terms.cost(turn)
        if points is not None and self.penalties:
            seen = self.units.penalised(self.critic, x, fake)
            loss += penalties.total(self.penalties, *seen, condition, points)
        return Judged(loss, real, generated)

    def _discriminator_costs(self, real, fake, weight, paired):
        """Costs whose mean is that over data of these weights."""

        def costs(real, fake):
            return _mean(self.loss.discriminator(real, fake))

        if weight is None:
            return costs(real, fake)
        if paired:
            # A generated example is compared with, or has the condition of,
            # one of the data.
            return weight * costs(real, fake)
        # What generated examples cost beside a logit that is the same for all
        # keeps its own weight, of one: so it has not the noise of weights.
        alone = costs(tf.zeros_like(real), fake)
        return weight * (costs(real, fake) - alone) + alone

    def generator(
        self,
        x: tf.Tensor,
        fake: tf.Tensor,
        condition: Condition,
        seed: random.Seed,
        training: bool,
        weight: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """What G minimises; the arguments are those of `discriminator`."""
        shown = self.shown(fake, seed)
        logits, classes = self.critic.judge(shown, condition, training)
        real = None
        if self.loss.pairs_in_generator:
            shown = self.shown(x, random.fold_in(seed, 0))
            real, _ = self.critic.judge(shown, condition, training)
        costs = _mean(self.loss.generator(logits, real))
        if weight is not None and (real is not None or condition):
            costs *= weight
        if classes is not None:
            told = self._classification(classes, condition)
            costs += told if weight is None else weight * told
        turn = self._turn(x, fake, condition, seed, training)
        return _share(costs) + self.generator_terms.cost(turn)

    def _classification(self, logits, condition):
        """The cost of each label; of those that are missing none."""
        labels = tf.cast(condition[self.critic.classified], tf.int32)
        cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.maximum(labels, 0), logits=tf.cast(logits, tf.float32)
        )
        is_told = tf.cast(labels >= 0, tf.float32)
        of_all = distribute.all_sum(
            tf.stack(
                [tf.reduce_sum(tf.ones_like(is_told)), tf.reduce_sum(is_told)]
            )
        )
        # A mean over the rows that have a label.
        share = tf.math.divide_no_nan(of_all[0], of_all[1])
        return self.auxiliary_weight * share * is_told * cross_entropy

    def scores(
        self,
        judged: Judged,
        generator_loss: tf.Tensor,
        weight: tf.Tensor | None = None,
    ) -> tf.Tensor:
        """The values of `LOGS`, over all replicas, those of data by weight."""
        one = 1.0 if weight is None else weight
        each = [
            judged.loss,
            judged.loss,
            generator_loss,
            _share(one * _mean(self.loss.score(judged.real))),
            _share(_mean(self.loss.score(judged.fake))),
            _share(one * _mean(self.loss.correct(judged.real, judged.fake))),
        ]
        return distribute.all_sum(tf.stack(each))


def get_penalties(
    identifiers: Any, critic: Critic, networks: Networks
) -> tuple[penalties.Penalty, ...]:
    """Penalties of a critic; None takes R1 and R2 of a weight that does.

    Raises:
        ValueError: for what is no penalty, or a critic without gradient.
    """
    if identifiers is None:
        options = (1.0, 1 / 8)
        if not networks.is_grid:
            # Distances grow with the root of the columns: slopes with one over.
            columns = max(math.prod(networks.space.event_shape), 2)
            options = (min(_BY_COLUMN * columns, _MOST), 1 / 4)
        identifiers = [penalties.R1(*options), penalties.R2(*options)]
    found = penalties.get("GAN.compile", identifiers)
    if found:
        check_differentiable(critic, *_two_examples(critic, networks))
    return found


def _two_examples(critic, networks):
    """(the shape of what D sees of two packs, a tuple of conditions)."""
    *event, channels = networks.space.event_shape
    shape = (2, *event, critic.packing * channels)
    if not critic.is_conditional:
        return shape, ()
    return shape, tuple(
        tf.zeros((2, *told.shape[1:]), told.dtype)
        for told in networks.conditions.spec()
    )


def own_losses(network: keras.Model) -> tf.Tensor:
    """This replica's share of what a network adds to the loss of its player.

    What its layers added in its last call: `add_loss`, regularizers of
    activities and of weights.
    """
    found = [tf.cast(loss, tf.float32) for loss in network.losses]
    return tf.add_n([tf.zeros(()), *found]) / distribute.replica_count()


def _mean(each):
    """Of each example, over the parts that D judges."""
    return each if len(each.shape) == 1 else tf.reduce_mean(each, axis=1)


def _share(costs):
    """This replica's share of a mean over all replicas' rows."""
    total, rows = tf.reduce_sum(costs), tf.shape(costs)[0]
    _, rows = distribute.global_rows(rows)
    return total / tf.cast(tf.maximum(rows, 1), tf.float32)


class Record(keras.metrics.Metric):
    """The means of `LOGS` in an epoch, weighed by rows, in one weight."""

    def __init__(self, **kwargs):
        super().__init__(**{"dtype": "float32", **kwargs})
        self.sums = self.add_variable(
            shape=(len(LOGS) + 1,), initializer="zeros", name="sums"
        )

    def update_state(self, scores: tf.Tensor, rows: tf.Tensor) -> None:
        """Add the scores of a batch of so many rows, by one addition."""
        rows = tf.cast(rows, tf.float32)
        weighed = tf.concat([scores * rows, [rows]], axis=0)
        self.sums.assign_add(weighed)

    def result(self) -> dict[str, tf.Tensor]:
        """The means so far, by name."""
        sums = tf.convert_to_tensor(self.sums.value)
        means = tf.math.divide_no_nan(sums[:-1], sums[-1])
        return dict(zip(LOGS, tf.unstack(means), strict=True))
