"""Boltzmann machines: pairwise maximum entropy on discrete sites."""

from typing import Any, ClassVar, Self

import keras
import numpy as np

from genzoo import checks, features
from genzoo.features.pairwise import edge_array, edge_count, lattice_bonds
from genzoo.models.maxent import mean_field, pairwise_losses
from genzoo.models.maxent.activation import activate
from genzoo.models.maxent.decimation import decimate
from genzoo.models.maxent.model import MaxEnt
from genzoo.models.maxent.potts import Potts
from genzoo.spaces import Space, Spin
from genzoo.spaces.discrete import Binary, Categorical
from genzoo.spaces.space import get as get_space
from genzoo.types import Array, ArrayLike, SeedLike

_STARTS = ("independent", "mean_field", "tap", "zeros")


@keras.saving.register_keras_serializable("genzoo")
class BoltzmannMachine(MaxEnt):
    """Fields and couplings: the maximum entropy for given means and pairs.

    `E(x) = -sum_i h_i x_i - sum_(i,j) J_ij x_i x_j`, the sum over the edges
    of a graph, for spins and binary sites; for categorical sites the fields
    and couplings belong to the indicators of all values but the last (a
    Potts model in the lattice-gas gauge). With all pairs it is the
    Boltzmann machine without hidden units, on a lattice the Ising model.

    Learns by `Pseudolikelihood` (the default for more than 2**16 states: no
    chains, no Z), by `MinimumProbabilityFlow`, by `ExactLikelihood` where
    states can be enumerated, or by persistent chains.

    Args:
        space: `Spin`, `Binary` or `Categorical` sites.
        edges: pairs (i, j) of sites, in their flat order; "lattice" for the
            nearest neighbours in the shape of one example, periodic;
            None for all pairs.
        start: the multipliers that training begins with: "independent" sites
            with the data's means; "mean_field" or "tap", estimates of the
            couplings from the covariance, for two-valued sites; "zeros".
        seed: int or pair of ints, for all that is drawn at random.

    Raises:
        ValueError: for other spaces, or edges that are none of the space.

    Reference:
        Ackley, Hinton and Sejnowski, "A learning algorithm for Boltzmann
        machines", Cognitive Science 9, 1985. Nguyen, Zecchina and Berg,
        "Inverse statistical problems", Advances in Physics 66, 2017.

    Example:
    >>> spins = genzoo.datasets.ising((8, 8), temperature=2.4, n=500, seed=0)
    >>> ising = genzoo.BoltzmannMachine(genzoo.spaces.Spin((8, 8)))
    >>> ising.compile(loss=genzoo.losses.Pseudolikelihood(l1=0.01))
    >>> history = ising.fit(spins, epochs=5, verbose=0)
    >>> ising.couplings.shape
    (64, 64)
    """

    _is_free = True
    arguments: ClassVar[checks.Arguments] = {
        "space": checks.part(Spin, Binary, Categorical),
        "edges": checks.either(
            checks.one_of("lattice"), checks.optional(edge_array)
        ),
        "start": checks.one_of(*_STARTS),
        "seed": checks.seed_pair,
    }

    def __init__(
        self,
        space: Space,
        edges: str | ArrayLike | None = None,
        start: str = "independent",
        seed: SeedLike | None = None,
        **kwargs,
    ):
        space = get_space(space)
        if not isinstance(space, (Spin, Binary, Categorical)):
            raise ValueError(
                "BoltzmannMachine: space must be Spin, Binary or Categorical "
                f"sites; received {space!r}. For others use MaxEnt."
            )
        checks.one_of(*_STARTS)(start, "BoltzmannMachine: start")
        if start in ("mean_field", "tap") and isinstance(space, Categorical):
            raise ValueError(
                f"BoltzmannMachine: start={start!r} is for two-valued sites; "
                "for Categorical use 'independent'."
            )
        self_edges = edges
        if isinstance(edges, str):
            if edges != "lattice":
                raise ValueError(
                    "BoltzmannMachine: edges must be pairs of sites, 'lattice' "
                    f"or None; received {edges!r}."
                )
            bonds = np.sort(lattice_bonds(space.event_shape), axis=1)
            edges = np.unique(bonds, axis=0)
        elif edges is not None:
            edges = self_edges = edge_array(edges, "BoltzmannMachine: edges")
        if isinstance(space, Categorical):
            values = space.values
            parts: list[features.Feature] = [
                features.Indicators(values),
                features.PairIndicators(values, edges),
            ]
        else:
            parts = [features.Moments(1), features.Pairwise(edges)]
        super().__init__(space, parts, seed=seed, **kwargs)
        self.edges = self_edges
        self.start = start

    @classmethod
    def hopfield(
        cls, patterns: ArrayLike, temperature: float = 1.0, **kwargs: Any
    ) -> Self:
        """The Hopfield network that remembers some patterns.

        `J_ij = sum_p patterns_pi patterns_pj / (n T)`, by Hebb's rule, and no
        fields. Equal to the marginal of an RBM of n spins whose hidden units
        are Gaussian, one for each pattern, with `W = patterns' / sqrt(n T)`.

        Args:
            patterns: array of -1 and +1, (patterns, n).
            temperature: T, positive; the patterns are the states of least
                energy below T = 1.
            **kwargs: of the constructor.

        Raises:
            ValueError: for other patterns or temperatures.

        Reference:
            Hopfield, "Neural networks and physical systems with emergent
            collective computational abilities", PNAS 79, 1982. Barra et al.,
            "On the equivalence of Hopfield networks and Boltzmann machines",
            Neural Networks 34, 2012.
        """
        patterns = checks.array(patterns, "BoltzmannMachine.hopfield: patterns")
        if patterns.ndim != 2 or not (np.abs(patterns) == 1).all():
            raise ValueError(
                "BoltzmannMachine.hopfield: patterns must be -1 and +1, shape "
                f"(patterns, n); received shape {patterns.shape}."
            )
        where = "BoltzmannMachine.hopfield: temperature"
        checks.positive_number(temperature, where)
        size = patterns.shape[1]
        machine = cls(Spin(size), **kwargs)
        couplings = patterns.T @ patterns / (size * temperature)
        machine.set_parameters(couplings=couplings)
        return machine

    def _default_loss(self) -> str:
        few = (self.space.state_count or np.inf) <= 2**16
        return "exact_likelihood" if few else "pseudolikelihood"

    # Fields and couplings --------------------------------------------------

    @property
    def _codes(self):
        """Numbers that encode a site: 1, or the values less one."""
        return self.density.form.codes

    def _bias_and_coupling(self):
        pairwise = self.density.pairwise(self._lambda(), "float64")
        return pairwise.bias.numpy(), pairwise.coupling.numpy()

    @property
    def fields(self) -> Array:
        """h, an array (n,); for categorical sites (n, values - 1)."""
        bias, _ = self._bias_and_coupling()
        return bias if self._codes == 1 else bias.reshape(-1, self._codes)

    @property
    def couplings(self) -> Array:
        """J, symmetric, zero on the diagonal and off the graph.

        An array (n, n); for categorical sites (n, values - 1, n, values - 1).
        """
        _, coupling = self._bias_and_coupling()
        n, d = self.space.width, self._codes
        return coupling if d == 1 else coupling.reshape(n, d, n, d)

    def set_parameters(
        self,
        fields: ArrayLike | None = None,
        couplings: ArrayLike | None = None,
    ) -> None:
        """Set fields and couplings; couplings off the graph are ignored.

        Args:
            fields: h in the shape of `fields`, or of `potts().fields` with
                all levels; None for zeros.
            couplings: J likewise; None for zeros.

        Raises:
            ValueError: for other shapes, or couplings that are not symmetric.
        """
        fields, couplings = self._without_last(fields, couplings)
        size = self.space.width * self._codes
        fields = np.zeros(size) if fields is None else np.ravel(fields)
        if couplings is None:
            couplings = np.zeros((size, size))
        couplings = np.asarray(couplings, np.float64)
        if fields.shape != (size,) or couplings.size != size**2:
            raise ValueError(
                "BoltzmannMachine.set_parameters: expected fields of shape "
                f"{self.fields.shape} and couplings of {self.couplings.shape};"
                f" received {fields.shape} and {couplings.shape}."
            )
        couplings = couplings.reshape(size, size)
        if not np.allclose(couplings, couplings.T):
            raise ValueError(
                "BoltzmannMachine.set_parameters: couplings must be symmetric."
            )
        self.multipliers = self._pack(fields, couplings)

    def _without_last(self, fields, couplings):
        """The same in the gauge of the multipliers, if all levels are given."""
        n, q = self.space.width, len(self.density.encoding)
        if self.density.form.values is None:
            return fields, couplings
        full = np.shape(fields) == (n, q), np.shape(couplings) == (n, q, n, q)
        if not any(full):
            return fields, couplings
        fields = np.zeros((n, q)) if fields is None else fields
        couplings = np.zeros((n, q, n, q)) if couplings is None else couplings
        if np.shape(fields) != (n, q) or np.shape(couplings) != (n, q, n, q):
            raise ValueError(
                f"BoltzmannMachine.set_parameters: of all {q} levels expected "
                f"fields of shape {(n, q)} and couplings of {(n, q, n, q)}; "
                f"received {np.shape(fields)} and {np.shape(couplings)}."
            )
        given = Potts(
            np.asarray(fields, np.float64),
            np.asarray(couplings, np.float64),
            np.asarray(self.space.levels[0]),
        ).lattice_gas()
        return given.fields[:, :-1], given.couplings[:, :-1, :, :-1]

    def potts(self) -> Potts:
        """Fields and couplings of all levels; scores, contacts, mutations.

        Of spins and binary sites too, whose levels are two.
        """
        bias, coupling = self._bias_and_coupling()
        codes = self.density.encoding
        q, d = codes.shape
        n = self.space.width
        couplings = coupling.reshape(n, d, n, d)
        if self.density.form.values is None:
            couplings = codes[:, :, None] * couplings * codes[:, 0]
        else:
            ends = ((0, 0), (0, q - d))
            couplings = np.pad(couplings, ends + ends)
        levels = np.asarray(self.space.levels[0])
        return Potts(bias.reshape(n, d) @ codes.T, couplings, levels)

    def pruned(self, edges: int) -> Self:
        """A machine on the strongest edges alone, which begins at this one.

        Fit it again, and prune again, to take couplings away step by step
        (decimation).

        Args:
            edges: how many to keep.

        Returns:
            A new model, not compiled.

        Raises:
            ValueError: if `edges` is no positive int, or there are fewer.
        """
        where = "BoltzmannMachine.pruned: edges"
        edges = checks.positive_int(edges, where)
        now = self.density.form.site_pairs()
        if edges > len(now):
            checks.refuse(
                edges, where, f"at most {len(now)}, all that there are"
            )
        potts = self.potts().zero_sum()
        score = potts.scores(corrected=False)[now[:, 0], now[:, 1]]
        kept = now[np.sort(np.argsort(-score, kind="stable")[:edges])]
        joined = np.zeros((self.space.width,) * 2)
        joined[kept[:, 0], kept[:, 1]] = joined[kept[:, 1], kept[:, 0]] = 1.0
        couplings = potts.couplings * joined[:, None, :, None]
        smaller = type(self)(
            self.space, edges=kept, start=self.start, seed=self.draws.seed
        )
        if self.density.form.values is None:
            smaller.set_parameters(self.fields, self.couplings)
        else:
            smaller.set_parameters(potts.fields, couplings)
        return smaller

    def decimated(
        self, x: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """A machine on the edges that these examples need.

        All edges are fitted, site by site, the weakest twentieth is taken
        away, and so on to one. Of all these the one is returned whose
        regressions are best by the extended Bayesian information criterion:
        an edge costs `(d^2 log(rows) + 2 log(n)) / rows` nats, with d numbers
        that encode a site.

        Args:
            x: examples, an array, or batches that fit into memory.
            sample_weight: what each example of an array counts, (n,).

        Returns:
            A new model, fitted, not compiled; its edges are `edges`.

        Raises:
            ValueError: as `fit`; and if this machine has no edges.

        Reference:
            Decelle and Ricci-Tersenghi, "Pseudolikelihood decimation
            algorithm improving the inference of the interaction network in a
            general class of Ising models", Physical Review Letters 112, 2014,
        with another end than theirs, which loses weak edges of dense graphs:
        Barber and Drton, "High-dimensional Ising model selection with
        Bayesian information criteria", Electronic Journal of Statistics 9,
        2015.

        Example:
        >>> spins = genzoo.datasets.ising((4, 4), temperature=3.0, n=500)
        >>> machine = genzoo.BoltzmannMachine(genzoo.spaces.Spin((4, 4)))
        >>> sparse = machine.decimated(spins)
        >>> sparse.edges.shape[1]
        2
        """
        x, weight = self._for_edges("decimated", x, sample_weight)
        found = decimate(self, x, weight)
        found.adapt(x, sample_weight=weight)
        return found

    def activated(
        self,
        x: ArrayLike,
        sample_weight: ArrayLike | None = None,
        correlation: float = 0.95,
    ) -> Self:
        """A machine on the edges that gain most likelihood, from none on.

        Sites begin independent. An edge alone would gain the divergence of the
        frequencies of its levels in the examples from those in the model;
        the tenth of the edges that gains most is taken in, the machine is
        fitted again by the likelihood, and so on, until the connected
        correlations of all pairs agree, or no edge gains what it costs by the
        extended Bayesian information criterion, `(d^2 log(rows) / 2 +
        2 log(n)) / rows` nats. Of few states all is summed, of others drawn
        by persistent chains.

        Args:
            x: examples, an array, or batches that fit into memory.
            sample_weight: what each example of an array counts, (n,).
            correlation: Pearson's r of connected correlations at which there
                are enough edges; 1 takes all that are worth it.

        Returns:
            A new model, fitted, not compiled; its edges are `edges`.

        Raises:
            ValueError: as `fit`; if this machine has no edges, or none gains
                what it costs.

        Reference:
            Calvanese, Lambert, Nghe, Zamponi and Weigt, "Towards parsimonious
            generative modeling of RNA families", Nucleic Acids Research 52,
            2024. Foygel and Drton, "Extended Bayesian information criteria for
            Gaussian graphical models", NeurIPS 2010.

        Example:
        >>> spins = genzoo.datasets.ising((3, 3), temperature=3.0, n=500)
        >>> machine = genzoo.BoltzmannMachine(genzoo.spaces.Spin((3, 3)))
        >>> sparse = machine.activated(spins)
        >>> sparse.edges.shape[1]
        2
        """
        where = self._where("activated")
        checks.number(0.0, 1.0)(correlation, f"{where}: correlation")
        x, weight = self._for_edges("activated", x, sample_weight)
        found = activate(self, x, weight, correlation)
        if found is None:
            raise ValueError(
                f"{where}: none of the edges gains as much as it costs; as far "
                "as these examples tell, sites are independent. Take more "
                "examples, or MaxEnt with features of single sites."
            )
        found.adapt(x, sample_weight=weight)
        return found

    def _for_edges(self, method, x, sample_weight):
        """(x, weights) of examples that edges are chosen by."""
        where = self._where(method)
        given = self._given(method, x, None, sample_weight)
        with self._told_plainly(method):
            given = given.gathered(where)
        if not len(self.density.form.site_pairs()):
            raise ValueError(
                f"{where}: there are no edges to choose from. Make the machine "
                "with edges=None, all pairs."
            )
        return given.x, given.weight

    def _pack(self, fields, couplings):
        return self.density.layout.features(fields, couplings).numpy()

    def _start(self, observed: Array) -> Array | None:
        if self.start == "zeros":
            return None
        size = self.space.width * self._codes
        means = observed[:size]
        if self.start == "independent":
            fields = mean_field.independent(self._chain.pairwise(), means)
            couplings = np.zeros((size, size))
        else:
            low, high = np.asarray(self.space.levels[0])
            products = mean_field.full_products(
                self.density.form.expanded().pairs, observed[size:], means
            )
            fields, couplings = mean_field.estimate(
                means, products, low, high, self.start == "tap"
            )
        return self._pack(fields, couplings)

    def log_pseudolikelihood(self, x: ArrayLike) -> Array:
        """`sum_i log p(x_i | all other x)` in nats, an array of shape (n,).

        Needs no log Z; comparable between models of the same sites. A score,
        not a likelihood.

        Raises:
            ValueError: if x is not in the space.
        """
        where = self._where("log_pseudolikelihood")
        x = self.space.check(where, x)
        return self._in_batches(self._site_scores, x)

    def _site_scores(self, x):
        pairwise = self.density.pairwise(self._lambda(), x.dtype.name)
        phi = pairwise.encode(self.space.flatten(x))
        field = pairwise.field(phi)
        return -pairwise_losses.pseudolikelihood(pairwise, phi, field)[0]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        config = super().get_config()
        del config["features"], config["reference"]
        edges = self.edges
        if isinstance(edges, np.ndarray):
            edges = edges.tolist()
        return {
            **config,
            "edges": edges,
            "start": self.start,
        }

    @classmethod
    def preset_size(cls, **arguments: Any) -> int:
        """As of a MaxEnt, for fields and couplings."""
        space = arguments["space"]
        codes = len(space.values) - 1
        shape = space.event_shape
        edges = edge_count("BoltzmannMachine", arguments["edges"], shape)
        return cls._stored(space, codes * space.width + codes**2 * edges)

    def preset_config(self) -> dict[str, Any]:
        """The arguments above.

        Raises:
            ValueError: if it has not seen data.
        """
        own = self.get_config()
        kept = {name: own[name] for name in ("edges", "start")}
        config = {**super().preset_config(), **kept}
        return {name: config[name] for name in self.arguments}
