"""What an RBM knows of its log-likelihood: log Z and pseudolikelihood."""

import functools

import numpy as np
import tensorflow as tf

from genzoo import partition
from genzoo.models import rbm_gradients
from genzoo.runtime import random
from genzoo.runtime.graph import compiled
from genzoo.runtime.memory import check_memory

# log Z is enumerated by default up to this many terms: seconds.
_CHEAP = 2**30
_MOST_STATES = 2**26
# Exact samples are drawn where all terms fit into memory at once.
_TINY = 2**22


class Likelihood:
    """The part of `RBM` that estimates log Z and scores examples."""

    def log_partition(
        self,
        method="auto",
        chains=100,
        temperatures=1000,
        reverse=True,
        seed=0,
    ):
        """log Z in nats, with what is known of its error.

        The result is kept with the weights, and saved: `log_prob` and
        `export` use it until the weights change.

        Args:
            method: "enumeration" of the smaller layer, exact in float64;
                "ais", annealed importance sampling from independent units
                with the data's means; or "auto", which enumerates where that
                takes seconds (2**30 terms).
            chains: number of AIS chains.
            temperatures: number of AIS temperatures.
            reverse: whether to anneal backwards as well, for `upper`, from
                exact samples if the model is tiny, else from the persistent
                chains after 100 further sweeps.
            seed: int or pair of ints, for AIS.

        Returns:
            A `genzoo.partition.LogPartition`.

        Raises:
            ValueError: for an unknown or impossible method, or a model that
                was never adapted to data, fitted or loaded.
        """
        return super().log_partition(
            method,
            chains=chains,
            temperatures=temperatures,
            reverse=reverse,
            seed=seed,
        )

    def estimate_log_partition(
        self, method, chains, temperatures, reverse, seed
    ):
        """See `log_partition`."""
        count = self._bipartite.smaller.state_count
        terms = count * max(self.visible.width, self.hidden.width)
        if method == "enumeration":
            self.check_enumerable("RBM.log_partition")
        if method == "enumeration" or (method == "auto" and terms <= _CHEAP):
            return partition.LogPartition.exact(self._enumerated())
        for name, value, least in (
            ("chains", chains, 2),
            ("temperatures", temperatures, 2),
        ):
            is_int = isinstance(value, (int, np.integer))
            if not is_int or value < least:
                raise ValueError(
                    f"RBM.log_partition: {name} must be an int of at least "
                    f"{least}; received {value!r}."
                )
        check_memory("RBM.log_partition: chains", chains, self.visible.width)
        first, second, third = random.split(random.as_seed(seed), 3)
        up, down, draw = random.split(third, 3)
        shifts = self._annealing_shifts()
        path = partition.AnnealingPath(self._bipartite, *shifts)
        betas = tf.linspace(0.0, 1.0, temperatures)
        v = path.start(chains, draw).visible
        forward = self._anneal(*shifts, v, betas, up.key)
        backward, exact = None, terms <= _TINY
        if reverse and exact:
            h = self._bipartite.exact_hidden(chains, first)
            v = self.visible.sample(self._visible_field(h), second)
        elif reverse:
            h = self._chain_start(chains, first)
            steps = 1000 if self.chains is None else 100
            v = self._walk(h, second.key, tf.constant(steps))
        if reverse:
            backward = self._anneal(*shifts, v, betas[::-1], down.key)
        return partition.annealed_importance(
            path.log_partition_start(), forward, backward, exact
        )

    def _annealing_shifts(self):
        """Bias changes to independent units with the means of the data."""
        shifts = []
        for unit, offset in (
            (self.visible, self.visible_offset),
            (self.hidden, self.hidden_offset),
        ):
            mean = unit.smooth(np.asarray(offset, np.float64), 1000)
            shift = unit.bias_for(mean) - np.asarray(unit.bias, np.float64)
            shifts.append(tf.constant(shift, self.variable_dtype))
        return shifts

    @functools.cached_property
    def _anneal(self):
        def log_weights(visible_shift, hidden_shift, v, betas, key):
            path = partition.AnnealingPath(
                self._bipartite, visible_shift, hidden_shift
            )
            return partition.anneal(path, path.at(v), betas, random.Seed(key))

        dtype = self.variable_dtype
        visible, hidden = self.visible.width, self.hidden.width
        return compiled(
            log_weights,
            tf.TensorSpec((visible,), dtype),
            tf.TensorSpec((hidden,), dtype),
            tf.TensorSpec((None, visible), dtype),
            tf.TensorSpec((None,), tf.float32),
            tf.TensorSpec((2,), tf.int64),
        )

    @functools.cached_property
    def _enumerated(self):
        return compiled(lambda: self._bipartite.enumerate()[0])

    def check_enumerable(self, owner):
        """Raise a ValueError if neither layer can be enumerated."""
        count = self._bipartite.smaller.state_count
        if count > _MOST_STATES:
            raise ValueError(
                f"{owner}: the smaller layer has about "
                f"2**{count.bit_length() - 1} joint states; "
                f"at most {_MOST_STATES:,} can be enumerated. Use annealed "
                "importance sampling, or a smaller layer."
            )

    def check_discrete(self, owner):
        """Raise a ValueError if the visible units are continuous."""
        if self.visible.levels is None:
            raise ValueError(
                f"{owner}: needs discrete visible units; these are "
                f"{type(self.visible).__name__}."
            )

    def check_pseudolikelihood(self, loss):
        """Raise a ValueError if its arguments are not for an RBM."""
        if loss.sites is not None and loss.sites > self.visible.size:
            raise ValueError(
                f"Pseudolikelihood: sites={loss.sites} is more than the "
                f"{self.visible.size} visible units there are."
            )
        if loss.l1 or loss.l2:
            raise ValueError(
                "Pseudolikelihood: l1 and l2 are for couplings of Boltzmann "
                "machines. Give the RBM a kernel_regularizer."
            )

    def check_flow(self, owner):
        """Raise a ValueError: there is no such loss."""
        raise ValueError(
            f"{owner}: needs a pairwise energy, such as a BoltzmannMachine's."
        )

    def score_samples(self, x):
        """Log-pseudolikelihood `sum_i log p(v_i | all other v)`, in nats.

        Needs no log Z; comparable between models of the same visible units.
        A score, not a likelihood.

        Returns:
            An array of shape (n,).

        Raises:
            ValueError: if x is not in the space, or the visible units are
                continuous.
        """
        self.check_discrete(f"{type(self).__name__}.score_samples")
        x = self.check_array("score_samples", x)
        return self._in_batches(self._scores, x, 256)

    def _site_scores(self, x):
        v = self._as_states(x)
        sites = tf.range(self.visible.size)
        return rbm_gradients.pseudolikelihood(
            self._bipartite, v, self._hidden_field(v), sites, 1.0
        )[0]

    @functools.cached_property
    def _scores(self):
        width = self.visible.width
        examples = tf.TensorSpec((None, width), self.variable_dtype)
        return compiled(self._site_scores, examples)
