"""Pseudolikelihood site by site: a regression for each, then averages."""

from typing import Any

import numpy as np

from genzoo.models.maxent.density import Density
from genzoo.types import Array

# Inputs of a regression whose covariance is inverted.
_MOST_INPUTS = 600
# Elements of all inputs above which they are in float32.
_WIDE = 2**24
_MOST_STEPS = 200
_MEMORY = 10
# Of the standard errors of averages, in float64 and in float32.
_SMALL = {"float64": 1e-5, "float32": 1e-2}


class SiteBySite:
    """The one step of a search over sites that do not know of each other.

    Site i is a logistic regression on its neighbours,
    `p(x_i | others) ~ exp(phi_i . (b_i + sum_j A_ij phi_j))`, and
    `J_ij = (A_ij + A_ji') / 2`. At a time one regression is in memory.

    Args:
        density: whose fields and couplings have multipliers of their own.
        variable: of the multipliers, where the search begins and ends.
        x: examples, (rows, sites).
        weight: of the rows, (rows,), or None.
        couplings: weight of the squares of couplings, half of it in each of
            the two regressions that a coupling is in.
        fields: weight of those of fields.
        mask: 1.0 for multipliers that are sought.
        known: regressions that were solved for the same examples, by site
            and neighbours, added to; None for none.
    """

    def __init__(
        self,
        density: Density,
        variable: Any,
        x: Array,
        weight: Array | None,
        couplings: float,
        fields: float,
        mask: Array,
        known: dict | None = None,
    ):
        self.density = density
        self.variable = variable
        self.x = np.reshape(x, (len(x), -1))
        weight = np.ones(len(x)) if weight is None else np.asarray(weight)
        self.weight = weight / weight.sum()
        self.rows = weight.sum() ** 2 / (weight**2).sum()
        self.couplings, self.fields = 0.5 * couplings, fields
        self.mask = mask
        self.known = {} if known is None else known
        self.found = variable.numpy()

    def read(self) -> None:
        """Nothing: one step is all."""

    def write(self) -> None:
        """Put what was found where it belongs."""
        self.variable.assign(self.found)

    def advance(self) -> dict[str, float]:
        """Solve all regressions; the sum of their losses."""
        density = self.density
        layout, codes = density.layout, density.encoding
        d, n = codes.shape[1], layout.sites
        dtype = "float32" if len(self.x) * n * d > _WIDE else "float64"
        levels = np.asarray(density.space.levels[0], np.float32)
        numbers = np.argmax(
            self.x.astype(np.float32)[..., None] == levels, axis=-1
        )
        codes = codes.astype(dtype)
        phi = codes[numbers].reshape(len(self.x), n * d)
        start, coupling = (m.numpy() for m in layout.matrices(self.found))
        near = np.zeros((n, n), bool)
        pairs = layout.form.site_pairs()
        near[pairs[:, 0], pairs[:, 1]] = near[pairs[:, 1], pairs[:, 0]] = True
        bias, both = start.copy(), np.zeros((n * d, n * d))
        total, weight = 0.0, self.weight.astype(dtype)
        for site in range(n):
            own = slice(site * d, (site + 1) * d)
            inputs = np.flatnonzero(np.repeat(near[site], d))
            key = site, near[site].tobytes(), self.couplings, self.fields
            if key not in self.known:
                regression = Regression(
                    phi[:, inputs], numbers[:, site], weight, codes
                )
                held = self.couplings, self.fields, layout.form.values
                regression.hold(*held)
                theta = np.vstack([start[own][None], coupling[inputs, own]])
                self.known[key] = regression.solve(theta, self.rows)
            theta, loss = self.known[key]
            bias[own], both[inputs, own] = theta[0], theta[1:]
            total += loss
        packed = layout.features(bias, 0.5 * (both + both.T)).numpy()
        self.found = np.where(self.mask > 0, packed, self.found)
        return {"pseudolikelihood_loss": total}


class Regression:
    """One site given others: `log p = codes . (b + A' inputs) - log Z`.

    Args:
        inputs: phi of the others, (rows, k).
        numbers: of the level of each row.
        weight: of the rows, which add up to one.
        codes: phi of each level, (q, d).
    """

    def __init__(
        self, inputs: Array, numbers: Array, weight: Array, codes: Array
    ):
        self.weight = weight
        self.numbers = numbers
        self.codes = codes
        self.mean = weight @ inputs
        self.inputs = inputs - self.mean
        self.couplings = self.fields = 0.0
        self.many = False

    def hold(self, couplings: float, fields: float, values: Any) -> None:
        """Add squares, of categories (`values`) in the zero-sum gauge."""
        self.couplings, self.fields = couplings, fields
        self.many = values is not None

    def value(self, theta: Array) -> tuple[float, Array]:
        """The loss and its gradient where inputs are centred, (1 + k, d)."""
        field = theta[0] + self.inputs @ theta[1:]
        logits = field @ self.codes.T
        logits -= logits.max(axis=1, keepdims=True)
        p = np.exp(logits)
        z = p.sum(axis=1, keepdims=True)
        p /= z
        at = np.arange(len(p)), self.numbers
        loss = self.weight @ (np.log(z[:, 0]) - logits[at]).astype("float64")
        p[at] -= 1
        slope = (self.weight[:, None] * p) @ self.codes
        gradient = np.vstack([slope.sum(axis=0)[None], self.inputs.T @ slope])
        penalty, held = self._penalty(theta)
        return float(loss) + penalty, gradient + held

    def _penalty(self, theta):
        d = theta.shape[1]
        field, matrix = theta[0] - self.mean @ theta[1:], theta[1:]
        share = 1 / (d + 1) if self.many else 0.0
        blocks = matrix.reshape(-1, d if self.many else 1, d)
        for axis in (1, 2):
            blocks = blocks - share * blocks.sum(axis=axis, keepdims=True)
        own = field + share * matrix.sum(axis=0)
        own = own - share * own.sum()
        of_field = self.fields * own
        held = self.couplings * blocks.reshape(matrix.shape)
        value = 0.5 * (held * matrix).sum()
        moved = (share - self.mean)[:, None] * of_field
        value += 0.5 * of_field @ (field + share * matrix.sum(axis=0))
        return float(value), np.vstack([of_field[None], held + moved])

    def _inverse(self):
        """A function that divides by the Hessian of independent sites."""
        share = np.bincount(
            self.numbers, self.weight, len(self.codes)
        ) + 0.5 * self.weight.max() / len(self.codes)
        share = share / share.sum()
        mean = share @ self.codes
        spread = (self.codes.T * share) @ self.codes - np.outer(mean, mean)
        own = np.linalg.inv(spread.astype("float64"))
        held = self.couplings * np.trace(own) / len(own)
        wide = self.inputs.shape[1] > _MOST_INPUTS
        if wide:
            size = self.weight @ self.inputs**2 + held
            size = np.maximum(size, 1e-3 * size.max(initial=1e-30))[:, None]
        else:
            bend = (self.inputs.T * self.weight) @ self.inputs
            bend = bend.astype("float64")
            least = held + 1e-3 * np.diag(bend).max(initial=1e-30)
            inner = np.linalg.inv(bend + least * np.eye(len(bend)))

        def product(g):
            field = g[:1] @ own
            matrix = (g[1:] / size if wide else inner @ g[1:]) @ own
            return np.vstack([field, matrix])

        return product

    def solve(self, theta: Array, rows: float) -> tuple[Array, float]:
        """(b and A, loss), by L-BFGS from b and A, (1 + k, d).

        Args:
            theta: where to begin.
            rows: how many independent examples there are.
        """
        theta = theta.astype("float64")
        theta[0] += self.mean @ theta[1:]
        inverse = self._inverse()
        dtype = self.inputs.dtype
        small = _SMALL[dtype.name] / np.sqrt(rows)

        def value(at):
            loss, gradient = self.value(at.astype(dtype))
            return loss, gradient.astype("float64")

        loss, gradient = value(theta)
        memory: list[tuple[Array, Array]] = []
        for _ in range(_MOST_STEPS):
            if np.abs(gradient).max() <= small:
                break
            direction = -_two_loops(gradient, memory, inverse)
            slope = float((direction * gradient).sum())
            if not slope < 0:
                break
            size = 1.0
            while size > 1e-10:
                trial = theta + size * direction
                new, after = value(trial)
                if new <= loss + 1e-4 * size * slope + 1e-14 * abs(loss):
                    break
                size *= 0.5
            else:
                break
            change, turned = trial - theta, after - gradient
            if (change * turned).sum() > 0:
                memory = [*memory[1 - _MEMORY :], (change, turned)]
            theta, loss, gradient = trial, new, after
        theta[0] -= self.mean @ theta[1:]
        return theta, loss


def _two_loops(gradient, memory, inverse):
    """The inverse Hessian of L-BFGS times a gradient."""
    vector, shares = gradient, []
    for step, change in reversed(memory):
        shares.append((step * vector).sum() / (step * change).sum())
        vector = vector - shares[-1] * change
    vector = inverse(vector)
    for (step, change), share in zip(memory, reversed(shares), strict=True):
        back = (change * vector).sum() / (step * change).sum()
        vector = vector + step * (share - back)
    return vector
