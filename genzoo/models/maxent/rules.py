"""What learning rules ask of a MaxEnt; see `genzoo.losses.protocols`."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from genzoo.losses.protocols import Contrast, Gradients
from genzoo.models.maxent import pairwise_losses
from genzoo.models.maxent.density import Density
from genzoo.models.maxent.dual import Dual
from genzoo.models.maxent.routes import ChainRoute
from genzoo.runtime import batch, distribute, random

# Numbers of one array of a sum over sites.
_ELEMENTS = 2**19


class Rules:
    """Gradients of the losses that look at batches of examples.

    Args:
        density: the `Density`.
        chain: its chains, and the energy at the present multipliers.
        dual: the exact sums, where there are any.
        dtype: of sums over sites; a search by second differences needs
            "float64".
    """

    takes_batches = takes_gaps = True

    def __init__(
        self,
        density: Density,
        chain: ChainRoute,
        dual: Dual,
        dtype: str = "float32",
    ):
        self.density = density
        self.chain = chain
        self.dual = dual
        self.dtype = dtype
        # Of the examples that a search sums over, where it helps.
        self.whitened: pairwise_losses.Whitened | None = None
        # Of couplings whose best values are infinite, if none was asked for.
        self.least_l2 = 0.0

    def pseudolikelihood_gradients(
        self, x: Any, sites: None, seed: random.Seed | None
    ) -> Gradients:
        """The negative mean log-pseudolikelihood, and its gradient."""
        return self._site_loss(pairwise_losses.pseudolikelihood, x)

    def pseudolikelihood_loss(self, x: Any) -> tf.Tensor:
        """The negative mean log-pseudolikelihood."""
        return self._site_loss(pairwise_losses.pseudolikelihood, x)[0]

    def flow_gradients(self, x: Any) -> Gradients:
        """The probability flow out of the data, and its gradient."""
        return self._site_loss(pairwise_losses.probability_flow, x)

    def _site_loss(self, rule, x):
        multipliers = self.chain.multipliers.value
        dtype = "float32" if self.density.is_wide else self.dtype
        pairwise = self.density.pairwise(multipliers, dtype)
        states = self.density.space.flatten(batch.examples(x))
        count = tf.shape(states)[0]
        weight = batch.weight(x)
        # All levels of so many rows are held at once.
        width = pairwise.sites * len(pairwise.levels)
        size = max(_ELEMENTS // width, 1)

        def part(start, value, single, product):
            rows = tf.cast(states[start : start + size], dtype)
            phi = pairwise.encode(rows)
            values, slope = rule(pairwise, phi, pairwise.field(phi))
            if weight is not None:
                own = tf.cast(weight[start : start + size], dtype)
                values, slope = own * values, own[:, None] * slope
            both = tf.matmul(slope, phi, transpose_a=True)
            value += tf.reduce_sum(tf.cast(values, tf.float64))
            single += tf.reduce_sum(tf.cast(slope, tf.float64), axis=0)
            product += tf.cast(both, product.dtype)
            return start + size, value, single, product

        wide = self.density.layout.size
        summed = "float32" if self.density.is_wide else "float64"
        _, value, single, product = tf.while_loop(
            lambda start, *_: start < count,
            part,
            (
                tf.zeros((), tf.int32),
                tf.zeros((), tf.float64),
                tf.zeros(wide, tf.float64),
                tf.zeros((wide, wide), summed),
            ),
        )
        product += tf.transpose(product)
        single = tf.cast(single, summed)
        gradient = self.density.layout.features(single, product)
        gradient = tf.cast(gradient, tf.float64)
        _, rows = distribute.global_rows(count)
        share = 1 / tf.cast(rows, tf.float64)
        return tf.cast(share * value, self.dtype), [share * gradient]

    def independent_inverse(self, l2: tf.Tensor) -> Callable | None:
        """See there: of sites with the means of the observations."""
        layout = self.density.layout
        if self.whitened is not None:
            return pairwise_losses.correlated_inverse(layout, self.whitened, l2)
        form, kept = self.density.form, self.dual.observations
        codes = self.density.encoding
        if not layout.is_direct:
            return None
        observed = tf.convert_to_tensor(kept.values.value)
        means = tf.gather(observed, form.site_features[np.argsort(form.sites)])
        rows = tf.maximum(tf.convert_to_tensor(kept.record.value)[0], 1.0)
        by_site = tf.reshape(means, (-1, codes.shape[1]))
        # <phi phi'> at a site: of one number by its ends, of indicators m.
        low, high = codes.min(), codes.max()
        spread = tf.linalg.diag((low + high) * by_site - low * high)
        spread -= by_site[:, :, None] * by_site[:, None, :]
        # Of a site that never changes, as if half a row were another.
        least = 0.5 * (high - low) ** 2 / rows
        spread += least * tf.eye(codes.shape[1], dtype=spread.dtype)
        if self.density.is_wide:
            spread = tf.cast(spread, tf.float32)
        return pairwise_losses.independent_inverse(layout, means, spread, l2)

    def exact_gradients(self, x: Any) -> Gradients:
        """The negative mean log-likelihood of a batch, and its gradient."""
        log_z, mean = self._exact()
        states, weight = self._states_and_weight(x)
        share = batch.total(x, tf.float64) / distribute.replica_count()
        of_data = self._feature_mean(states, weight)
        loss = batch.weighed(weight, self.chain.energy(states))
        return loss + share * log_z, [share * mean - of_data]

    def exact_loss(self, x: Any) -> tf.Tensor:
        """This replica's share of the negative mean log-likelihood."""
        share = batch.total(x, tf.float64) / distribute.replica_count()
        states, weight = self._states_and_weight(x)
        energy = batch.weighed(weight, self.chain.energy(states))
        return energy + share * self._exact()[0]

    def _feature_mean(self, states, weight):
        if weight.shape.rank == 0:
            return weight * self.density.feature_sums(states)
        return self.density.feature_sums(states, weight)

    def _exact(self):
        """(log Z, <f>) at the present multipliers."""
        x = tf.convert_to_tensor(self.chain.multipliers.value)
        shift = tf.convert_to_tensor(self.dual.observations.values.value)
        moments = self.dual.exact.moments(x, shift)
        return moments.log_z + tf.reduce_sum(x * shift), moments.mean + shift

    def _states_and_weight(self, x):
        states = tf.cast(batch.examples(x), tf.float64)
        states = self.density.space.flatten(states)
        return states, batch.shares(x, tf.float64)

    def chains_at(self, x: Any, seed: random.Seed) -> Any:
        """Chains that start at examples."""
        states = self.chain.at(batch.examples(x), seed)
        return batch.make(states, batch.weight(x))

    def advance(self, states: Any, steps: int, seed: random.Seed) -> Any:
        """States after some sweeps."""
        end = self.chain.walk(batch.examples(states), seed, steps)
        return batch.make(end, batch.weight(states))

    def energy_difference(
        self, x: Any, states: Any, seed: random.Seed
    ) -> tf.Tensor:
        """Mean energy of data less that of chains."""
        of_data, of_chains = self._mean_energies(x, states)
        return of_data - of_chains

    def _mean_energies(self, x, states):
        shares = []
        for part in (x, self._beside(x, states)):
            part, weight = self._states_and_weight(part)
            shares.append(batch.weighed(weight, self.chain.energy(part)))
        return shares

    def _beside(self, x, states):
        """Chains as examples, which count together as much as the data."""
        chains = self.density.space.unflatten(batch.examples(states))
        weight = batch.weight(states)
        if weight is None and batch.weight(x) is not None:
            total = batch.total(x, tf.float64)
            weight = tf.fill(tf.shape(chains)[:1], total)
        return batch.make(chains, weight)

    def contrast(
        self,
        x: Any,
        states: Any,
        steps: int,
        seed: random.Seed,
        jumps: bool = False,
    ) -> Contrast:
        """Chains against a batch of data; they walk by sweeps alone."""
        end = self.chain.train(batch.examples(states), steps, seed)
        chains = batch.make(end, batch.weight(states))
        gradient = 0.0
        for part, sign in ((self._beside(x, chains), 1.0), (x, -1.0)):
            part, weight = self._states_and_weight(part)
            gradient += sign * self._feature_mean(part, weight)
        of_data, of_chains = self._mean_energies(x, chains)
        return Contrast(of_data, of_chains, [gradient], end)
