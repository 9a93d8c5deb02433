# %% [markdown]
# # Presets
#
# Trained models that come with genzoo, each with a card that says what it was
# trained on, how, and what was measured. All are in the [zoo](../zoo/index.md).

# %%
import tempfile

import numpy as np

import genzoo as gz

print(len(gz.list_presets()), "presets")
digits = gz.from_preset("rbm_digits_8x8")
print(digits.sample(64, seed=0).shape)
print(gz.zoo.card("rbm_digits_8x8")["measured"]["log_likelihood_test"])

# %% [markdown]
# A preset is **read as data**: json and arrays, checked against a closed table of
# classes, with sizes known before anything is allocated, and hashes compared. No
# code of a preset is ever run. Yours are folders of the same three files:

# %%
folder = tempfile.mkdtemp() + "/my_rbm"
digits.save_to_preset(folder)
again = gz.from_preset(folder)
print(np.array_equal(again.sample(4, seed=1), digits.sample(4, seed=1)))

# %% tags=["check"]
assert np.array_equal(again.sample(4, seed=1), digits.sample(4, seed=1))

# %% [markdown]
# On the command line `python -m genzoo.zoo card rbm_digits_8x8` prints a card, and
# `verify` measures its numbers again.
#
# ## The Hugging Face Hub
#
# `gz.from_preset("hf://org/name@revision")`, with `pip install 'genzoo[hub]'`. The
# revision is the full hash of a commit: only the preset's files are downloaded,
# once, within the same limits, and refused unless they have the hashes that the Hub
# names for that commit. Without a revision the latest is loaded, with a warning that
# names it.
