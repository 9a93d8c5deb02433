# %% [markdown]
# # Early stopping and likelihoods
#
# `loss` and `val_loss` of every energy-based model are $-\langle \log p \rangle$
# in nats at the end of the epoch, whatever the learning rule, so that Keras's
# callbacks mean what they say: of the examples of an array (8,192 of them if it
# has more), or of the last ones of a dataset. log Z is summed at each epoch's end where that is quick; else chains are
# annealed, and `log_partition_stderr` is the error.

# %%
import keras

import genzoo as gz

(x_train, _), (x_test, _) = gz.datasets.digits.load_data()
x_train, x_test = (x.reshape(-1, 64) > 7 for x in (x_train, x_test))
rbm = gz.RBM(gz.units.Bernoulli(64), gz.units.Bernoulli(10), seed=0)
rbm.compile()
history = rbm.fit(
    x_train,
    epochs=8,
    validation_data=x_test,
    verbose=0,
    callbacks=[
        keras.callbacks.EarlyStopping(patience=3, restore_best_weights=True),
        gz.callbacks.ChainHealth(every=4),
    ],
).history
for name, values in history.items():
    print(f"{name:24} {values[-1]:.3f}")

# %% tags=["check"]
assert {"loss", "val_loss", "contrast"} <= history.keys()
assert history["val_loss"][-1] < 22

# %% [markdown]
# - `contrast` is the mean energy of the data less that of the chains: near zero,
#   of either sign, and **no likelihood**. Never stop by it.
# - `ChainHealth` says how well chains mix.
# - `fit` warns where the model ends with less than columns tell one by one, by
#   their frequencies or as normal distributions (of an array that is known in
#   full): its units or its energy do not suit the data. Counts that vary more
#   than Poisson's are such data; an `EnergyModel` begins at independent columns.
#   And it warns where the model knows more of the examples than columns do and
#   less of held-out ones (`validation_data`, an array): it has learned noise.
# - `compile(watch=False)` leaves the likelihood out where it costs too much.
#
# ## How sure is log Z?

# %%
exact = rbm.log_partition()
annealed = rbm.log_partition("ais", chains=100, temperatures=500)
for found in (exact, annealed):
    print(f"{found.method:40} {found.value:.3f} +- {found.stderr:.3f}")

# %% tags=["check"]
assert abs(exact.value - annealed.value) < max(4 * annealed.stderr, 0.2)

# %% [markdown]
# Annealing runs in both directions. `upper` is the reverse run's; only if it
# began at exact samples is that a bound (`upper_is_bound`). If the two disagree
# there is a warning, and more `temperatures` are the remedy.
#
# Early stopping of a **GAN** has no likelihood to watch: see
# `callbacks.Equilibrium` and `callbacks.CollapseMonitor` in the
# [course](../course/11_gans.md), and held-out metrics in `compile(metrics=[...])`.
