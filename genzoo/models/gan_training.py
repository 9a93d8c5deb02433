"""How a GAN learns: D and G in turn, then the average of G."""

import keras
import tensorflow as tf

from genzoo import penalties
from genzoo.models.gan_following import GANFollowing
from genzoo.runtime import distribute, random
from genzoo.runtime.means import Means

LOGS = (
    "discriminator_loss",
    "generator_loss",
    "real_score",
    "fake_score",
    "accuracy",
)


class GANTraining(GANFollowing):
    """The part of `GAN` that learns.

    Logs: `discriminator_loss` (with penalties) and `generator_loss`;
    `real_score` and `fake_score`, the means of D(x) and D(G(z)) as the loss
    scores them; `accuracy`, the share that D tells rightly: 0.5 where it
    cannot tell generated examples from data.
    """

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self._means = Means(LOGS, name="means")

    def critic(self, x, condition=(), training=True):
        """Logits of examples as D sees them, float32, (batch,)."""
        return self._discriminate(x, condition, training)[0]

    def _discriminate(self, x, condition, training):
        """(logits, logits of classes or None)."""
        given = self.networks.critic_is_conditional
        rows = tf.shape(x)[0]
        inputs = [x, *condition] if given else [x]
        if self._may_be_empty:
            inputs = distribute.filled(*inputs)
        found = self.discriminator(
            inputs if given else inputs[0], training=training
        )
        found, classes = (
            found if self.networks.has_classifier else (found, None)
        )
        found = tf.cast(tf.reshape(found, (-1,)), tf.float32)
        if self._may_be_empty:
            found = found[:rows]
            classes = None if classes is None else classes[:rows]
        return found, classes

    @property
    def _may_be_empty(self):
        """Whether a batch may have no rows on this replica, or no pack."""
        return distribute.replica_count() > 1 or self.packing > 1

    # One step --------------------------------------------------------------

    def train_step(self, data):
        """One update of the game that `compile` was given."""
        x, condition = self._unpack(data)
        first, rows = distribute.global_rows(tf.shape(x)[0])
        seed = self.draws.next().at_row(first)
        self._follow()
        for step in range(self.discriminator_steps):
            found = self._train_discriminator(
                x, condition, random.fold_in(seed, step + 1)
            )
        generator_loss = self._train_generator(
            x, condition, random.fold_in(seed, 0)
        )
        self._average()
        self._record(found, generator_loss, rows)
        return distribute.shape_logs(self._means.result())

    def test_step(self, data):
        """The game on held-out data, and the metrics of data and samples."""
        x, condition = self._unpack(data)
        first, rows = distribute.global_rows(tf.shape(x)[0])
        seed = self.draws.next(random.SAMPLING).at_row(first)
        latents, augmenting, samples, again = random.split(seed, 4)
        fake = self._fake(self.averaged_generator, x, condition, latents)
        found = self._discriminator_loss(
            x, fake, condition, augmenting, training=False
        )
        generator_loss = self._generator_loss(
            x, fake, condition, again, training=False
        )
        self._record(found, generator_loss, rows)
        if self._compared.metrics:
            generated = self._fake(
                self.averaged_generator, x, condition, samples
            )
            self._compared.update(x, generated)
        return distribute.shape_logs(self._means.result())

    def _unpack(self, data):
        x, y, _ = keras.utils.unpack_x_y_sample_weight(data)
        x = tf.ensure_shape(tf.cast(x, tf.float32), (None, *self.event_shape))
        kept = tf.shape(x)[0] // self.packing * self.packing
        # A last batch may not fill the last pack.
        x = x[:kept]
        if self.clusters is not None:
            return x, (self.clusters.nearest(x),)
        return x, () if y is None else (y,)

    def _fake(self, generator, x, condition, seed, training=False):
        """A generated example for each row of x, float32."""
        rows = tf.shape(x)[0]
        inputs = [self.latents(rows, seed), *condition]
        if self._may_be_empty:
            inputs = distribute.filled(*inputs)
        latents, *condition = inputs
        return self.generated(generator, latents, condition, training)[:rows]

    def _train_discriminator(self, x, condition, seed):
        latents, augmenting, points = random.split(seed, 3)
        # Penalties look at what D sees: packs.
        points = points.at_row(points.row // self.packing)
        fake = self._fake(self.generator, x, condition, latents, training=True)
        fake = tf.stop_gradient(fake)
        variables = self.discriminator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            found = self._discriminator_loss(
                x, fake, condition, augmenting, training=True, points=points
            )
            scaled = self.discriminator_optimizer.scale_loss(found[0])
        self._apply(self.discriminator_optimizer, tape, scaled, variables)
        if self.augmentation is not None:
            _, rows = distribute.global_rows(tf.shape(found[1])[0])
            self.augmentation.adapt_to(found[1], rows)
        return found

    def _discriminator_loss(
        self, x, fake, condition, seed, training, points=None
    ):
        """(this replica's share of the loss, logits of x and of the fakes).

        Args:
            x: data.
            fake: as many generated examples.
            condition: the conditions of both.
            seed: for augmentation.
            training: whether D trains.
            points: the seed of the penalties; None leaves them out.
        """
        shown = [
            self._shown(part, random.fold_in(seed, number))
            for number, part in enumerate((x, fake))
        ]
        both = [tf.concat([part, part], axis=0) for part in condition]
        logits, classes = self._discriminate(
            tf.concat(shown, axis=0), both, training
        )
        real, generated = tf.split(logits, 2)
        costs = self.loss.discriminator(real, generated)
        if classes is not None:
            costs += self._classification(tf.split(classes, 2)[0], condition)
        loss = self._share(self._costs(costs))
        if points is not None and self.penalties:
            loss += penalties.total(
                self.penalties, self.critic, *shown, condition, points
            )
        return loss, real, generated

    def _train_generator(self, x, condition, seed):
        latents, augmenting = random.split(seed, 2)
        variables = self.generator.trainable_variables
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch([variable.value for variable in variables])
            fake = self._fake(
                self.generator, x, condition, latents, training=True
            )
            loss = self._generator_loss(
                x, fake, condition, augmenting, training=True
            )
            scaled = self.optimizer.scale_loss(loss)
        self._apply(self.optimizer, tape, scaled, variables)
        return loss

    def _generator_loss(self, x, fake, condition, seed, training):
        """This replica's share of the generator's loss."""
        shown = self._shown(fake, seed)
        logits, classes = self._discriminate(shown, condition, training)
        real = None
        if self.loss.pairs_in_generator:
            shown = self._shown(x, random.fold_in(seed, 0))
            real = self.critic(shown, condition, training)
        costs = self.loss.generator(logits, real)
        if classes is not None:
            costs += self._classification(classes, condition)
        return self._share(self._costs(costs))

    def _shown(self, x, seed):
        """What D sees of examples: augmented, several packed."""
        if self.augmentation is not None:
            x = self.augmentation.augment(x, seed)
        if self.packing == 1:
            return x
        # (n, ..., channels) to (n / m, ..., m * channels).
        shape = tf.shape(x)
        event = x.shape[1:]
        x = tf.reshape(x, (shape[0] // self.packing, self.packing, *event))
        order = [0, *range(2, len(x.shape) - 1), 1, len(x.shape) - 1]
        x = tf.transpose(x, order)
        return tf.reshape(x, (-1, *event[:-1], self.packing * event[-1]))

    def _classification(self, logits, condition):
        (labels,) = condition
        cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
            labels=tf.cast(labels, tf.int32), logits=tf.cast(logits, tf.float32)
        )
        return self.auxiliary_weight * cross_entropy

    def _costs(self, costs):
        return tf.reduce_sum(costs), tf.shape(costs)[0]

    def _share(self, costs):
        """This replica's share of a mean over all replicas' rows."""
        total, rows = costs
        _, rows = distribute.global_rows(rows)
        return total / tf.cast(tf.maximum(rows, 1), tf.float32)

    def _apply(self, optimizer, tape, scaled, variables):
        gradients = tape.gradient(
            scaled, [variable.value for variable in variables]
        )
        pairs = [
            (gradient, variable)
            for gradient, variable in zip(gradients, variables, strict=True)
            if gradient is not None
        ]
        optimizer.apply(*map(list, zip(*pairs, strict=True)))

    def _record(self, found, generator_loss, rows):
        loss, real, fake = found
        rows = tf.cast(rows, tf.float32)
        each = [
            loss,
            generator_loss,
            self._mean(self.loss.score(real)),
            self._mean(self.loss.score(fake)),
            self._mean(self.loss.correct(real, fake)),
        ]
        self._means.update(distribute.all_sum(tf.stack(each)), rows)

    def _mean(self, values):
        return self._share(self._costs(values))
