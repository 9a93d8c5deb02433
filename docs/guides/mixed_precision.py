# %% [markdown]
# # Mixed precision
#
# Keras's policy `mixed_bfloat16`, or `dtype=` of one model. Products are taken in
# bfloat16; weights, energies and likelihoods stay in float32. What it saves on your
# processor, and what it costs in nats, is in the [benchmarks](../benchmarks.md).

# %%
import genzoo as gz

(x, _), _ = gz.datasets.digits.load_data()
x = (x.reshape(-1, 64) > 7).astype("float32")


def fitted(**options):
    """An RBM after two epochs."""
    rbm = gz.RBM(
        gz.units.Bernoulli(64), gz.units.Bernoulli(8), seed=0, **options
    )
    rbm.compile()
    rbm.fit(x, batch_size=50, epochs=2, verbose=0)
    return rbm


full, half = fitted(), fitted(dtype="mixed_bfloat16")
for rbm in (full, half):
    print(f"{rbm.dtype_policy.name:15} {rbm.log_prob(x).mean():.2f} nats")

# %% tags=["check"]
assert abs(full.log_prob(x).mean() - half.log_prob(x).mean()) < 0.5
