# %% [markdown]
# # 4. The Boltzmann form
#
# Let the one thing known of a system be its average energy, $\langle E \rangle
# = U$. The last chapter gives the answer at once, and it is that of statistical
# physics:
#
# $$p(x) = \frac{1}{Z} e^{-E(x) / T}, \qquad Z = \sum_x e^{-E(x)/T}.$$
#
# The multiplier of $-E$ is the inverse temperature $1/T$ (with Boltzmann's
# constant 1). Conversely every $p > 0$ has this form at $T = 1$, with $E(x) =
# -\log p(x)$ up to a constant: to learn a distribution is to learn an energy.
# In all of genzoo `model.energy(x)` is this $E$, in nats, with $p(x) =
# e^{-E(x)} / Z$.
#
# ## Spins
#
# The Ising model: $x_i = \pm 1$ on a lattice, $E = -\sum_{\langle ij \rangle}
# x_i x_j$ over neighbours. Its averages are known exactly (Onsager, Kaufman),
# so that everything can be checked.

# %%
import numpy as np
from matplotlib import pyplot as plt

import genzoo as gz

shape = (8, 8)
temperatures = (1.8, 2.4, 4.0)
draws = {
    t: gz.datasets.ising(shape, temperature=t, n=1500, seed=0)
    for t in temperatures
}

# %% Configurations at three temperatures: order, near the critical point, disorder
figure, axes = plt.subplots(3, 8, figsize=(8, 3.1))
for row, t in zip(axes, temperatures, strict=True):
    for axis, spins in zip(row, draws[t], strict=False):
        axis.imshow(spins.reshape(shape), cmap="gray_r", vmin=-1, vmax=1)
        axis.set(xticks=[], yticks=[])
    row[0].set_ylabel(f"T = {t}")

# %% [markdown]
# ## Temperature is a multiplier
#
# One feature, the sum over all bonds; its average is that of minus the energy.
# Given configurations, or this average alone, maximum entropy has to find
# $1/T$. On a lattice of this size $Z$ is a product of transfer matrices, and
# exact.

# %%
lattice = gz.MaxEnt(gz.spaces.Spin(shape), gz.features.LatticeBonds(shape))
lattice.compile()
found = {}
for t, x in draws.items():
    lattice.fit(x, verbose=0)
    error = lattice.multiplier_stderr()[0]
    found[t] = (lattice.multipliers[0], error)
    print(f"1/T = {1 / t:.4f}   found {found[t][0]:.4f} +- {error:.4f}")
print("by the", lattice.route)

# %% tags=["check"]
for t, (value, error) in found.items():
    assert abs(value - 1 / t) < 4 * error
assert lattice.route == "transfer matrix"

# %% [markdown]
# ## Energy, entropy, free energy
#
# From $\log p(x) = -E(x)/T - \log Z$ follows, taking averages,
#
# $$F = -T \log Z = U - T S .$$
#
# The free energy is what energy and entropy compromise on. The model has all
# three:

# %%
t = 2.4
lattice.multipliers = [1 / t]
energy = gz.partition.torus_energy(shape, t) * 64
bonds = lattice.sample(4000, seed=1)
energy_drawn = 64 * gz.metrics.lattice.energy(bonds).mean()
log_z, entropy = lattice.log_partition().value, lattice.entropy()
print(f"U exact {energy:.2f}, of 4,000 samples {energy_drawn:.2f}")
print(f"F = -T log Z = {-t * log_z:.2f}")
print(f"U - T S      = {energy - t * entropy:.2f}")

# %% tags=["check"]
assert abs(-t * log_z - (energy - t * entropy)) < 0.05
assert abs(energy_drawn - energy) < 1.5

# %% [markdown]
# The two lines agree to rounding, and the samples with Kaufman's exact energy
# within their error.

# %% The exact energy of a spin, and what configurations have
grid = np.linspace(1.2, 5, 60)
figure, axis = plt.subplots(figsize=(6.5, 3), layout="constrained")
exact = [gz.partition.torus_energy(shape, one) for one in grid]
axis.plot(grid, exact, label="exact, 8 x 8")
for one, x in draws.items():
    each = gz.metrics.lattice.energy(x)
    axis.errorbar(one, each.mean(), each.std() / 38, fmt="o", color="tab:red")
axis.axvline(gz.partition.CRITICAL_TEMPERATURE, color="grey", lw=0.8)
axis.set(xlabel="T", ylabel="energy per spin")
axis.legend(frameon=False)

# %% tags=["check"]
for one, x in draws.items():
    each = gz.metrics.lattice.energy(x)
    gap = each.mean() - gz.partition.torus_energy(shape, one)
    assert abs(gap) < 5 * each.std() / 38

# %% [markdown]
# ## Without the lattice
#
# A `BoltzmannMachine` is told nothing of who neighbours whom: it has a field
# for each of the 64 spins and a coupling for each of the 2,016 pairs, $E = -\sum_i
# h_i x_i - \sum_{i<j} J_{ij} x_i x_j$. It is the maximum entropy model of all
# means and pair averages, and finds the lattice in the data.

# %% Couplings that were found, and those of the truth
machine = gz.BoltzmannMachine(gz.spaces.Spin(64), seed=0)
machine.compile(loss=gz.losses.Pseudolikelihood(l1=0.02))
machine.fit(draws[2.4].reshape(-1, 64), verbose=0)
couplings = np.asarray(machine.couplings)
site = np.arange(64).reshape(shape)
truth = np.zeros((64, 64))
for axis in (0, 1):
    other = np.roll(site, -1, axis)
    truth[site.ravel(), other.ravel()] = truth[other.ravel(), site.ravel()] = 1
figure, axes = plt.subplots(1, 2, figsize=(7, 3.3), layout="constrained")
axes[0].imshow(couplings, cmap="Reds", vmin=0, vmax=0.45)
axes[0].set_title("found")
axes[1].imshow(truth / 2.4, cmap="Reds", vmin=0, vmax=0.45)
axes[1].set_title("1 / T between neighbours")
pairs = np.triu_indices(64, 1)
strongest = np.argsort(couplings[pairs])[-128:]
print("of the 128 strongest", int(truth[pairs][strongest].sum()), "are bonds")

# %% tags=["check"]
assert truth[pairs].sum() == 128
assert truth[pairs][strongest].sum() >= 122

# %% [markdown]
# ## Exercise
#
# Cool a die: what becomes of $p(x) \propto e^{0.371 x}$ at temperatures 0.1 and
# 100? `sample(n, temperature=T)` draws from $p^{1/T}$.

# %% [markdown] tags=["answer"]
# At $T \to 0$ only the state of least energy is left, the six; at $T \to
# \infty$ energies do not matter, and the die is fair.

# %% tags=["answer"]
die = gz.MaxEnt(gz.spaces.Categorical(range(1, 7)), gz.features.Moments(1))
die.compile()
die.fit(observations=[4.5], verbose=0)
for t in (0.1, 1.0, 100.0):
    drawn = die.sample(6000, seed=0, temperature=t)
    shares = np.bincount(drawn.ravel().astype(int), minlength=7)[1:] / 6000
    print(f"T = {t}:", " ".join(f"{share:.3f}" for share in shares))
