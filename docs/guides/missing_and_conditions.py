# %% [markdown]
# # Missing data and conditions
#
# A joint distribution answers questions about its parts: what is known is held,
# what is not is drawn or summed over. `mask` is true where x is known.

# %%
import numpy as np

import genzoo as gz

(x_train, _), (x_test, _) = gz.datasets.digits.load_data()
x_train, x_test = (x.reshape(-1, 64) > 7 for x in (x_train, x_test))
rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(10), seed=0)
rbm.compile()
rbm.fit(x_train, epochs=5, verbose=0)

upper = np.arange(64) < 32
ways = rbm.sample(5, given=x_test[0], mask=upper, seed=0)
means = rbm.conditional_mean(x_test[:20], upper)
halves = rbm.log_prob(x_test[:20], upper)
print(ways.shape, means.shape, f"{halves.mean():.1f} nats a half")

# %% tags=["check"]
assert (ways[:, upper] == x_test[0, upper]).all()

# %% [markdown]
# ## Learning from data with gaps
#
# Entries that are NaN, or a `mask`: the likelihood is that of what is known,
# with no imputation on the way.

# %%
lost = np.random.default_rng(0).random(x_train.shape) < 0.3
gaps = np.where(lost, np.nan, x_train)
model = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(10), seed=0)
model.compile()
model.fit(gaps, missing="nan", epochs=3, verbose=0)
filled = model.impute(gaps[:200])
wrong = np.mean((filled > 0.5) != x_train[:200], where=lost[:200])
print(f"of the lost pixels {100 * wrong:.0f} % are filled in wrongly")

# %% tags=["check"]
assert not np.isnan(filled).any()
assert wrong < 0.3

# %% [markdown]
# ## Given a condition
#
# `condition=` is what is given and never modelled: $p(y \mid c)$. Of an RBM real
# numbers or any units; of a MaxEnt it is multinomial logistic regression.

# %%
rng = np.random.default_rng(0)
c = rng.normal(size=(2000, 2))
y = (rng.random(2000) < 1 / (1 + np.exp(-2 * c[:, 0]))).astype(float)[:, None]
logistic = gz.MaxEnt(gz.spaces.Binary(1), gz.features.Moments(1), condition=2)
logistic.compile()
logistic.fit(y, c, verbose=0)
drawn = logistic.sample(2000, condition=c, seed=0)
print("log p(y | c):", logistic.log_prob(y[:3], condition=c[:3]).round(2))
print(f"mean of drawn y {drawn.mean():.2f}, of y {y.mean():.2f}")

# %% tags=["check"]
assert abs(drawn.mean() - y.mean()) < 0.06

# %% [markdown]
# GANs take classes (`classes=` of the networks, `labels=` of `sample`) or vectors
# (`condition=`, `conditions=`); tables hold what is known with `where=`, see
# [`datasets.Table`](../reference/datasets/Table.md).
