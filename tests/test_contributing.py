"""The model that CONTRIBUTING shows is whole."""

import re
import sys
import types

import contract
import house
import numpy as np
import pytest

import genzoo as gz
from genzoo import losses
from genzoo.zoo import table

NAME = "bit mixture"


def _example():
    return re.search(r"```python\n(.*?)```", house.PAGE.read_text(), re.DOTALL)[
        1
    ]


@pytest.fixture(scope="module")
def mixture():
    """The class, as if its file were in the house, with its two rows."""
    module = types.ModuleType("genzoo.models.bit_mixture")
    sys.modules[module.__name__] = module
    exec(_example(), module.__dict__)
    cls = module.BitMixture

    def make(seed):
        model = cls(6, 3, seed=seed)
        model.compile("adam")
        return model

    served = ("serve", "energy", "log_prob")
    with pytest.MonkeyPatch.context() as patch:
        row = contract.Case(make, contract._bits(), served)
        patch.setitem(contract.MODELS, NAME, row)
        patch.setitem(table.TABLE, "BitMixture", cls)
        yield cls
    del sys.modules[module.__name__]


@pytest.fixture
def fitted(mixture):
    model = mixture(6, 3, seed=1)
    model.compile("adam")
    model.fit(contract._bits(), batch_size=20, epochs=20, verbose=0)
    return model


def test_it_is_one_file_of_sixty_lines():
    assert len(_example().splitlines()) <= 60


@pytest.fixture(scope="module")
def mixture_run(mixture, tmp_path_factory):
    return contract.Run(NAME, tmp_path_factory.mktemp("run"))


@pytest.mark.parametrize(
    "check",
    [
        contract.check_epochs_add_up,
        contract.check_config_and_weights_file_resume,
        contract.check_keras_habits,
        contract.check_epochs_are_shuffled_anew,
        contract.check_samples,
    ],
)
def test_it_keeps_the_contract(mixture_run, check):
    check(mixture_run)


def test_it_goes_on_after_an_interruption(mixture_run, tmp_path):
    contract.check_backup_and_restore(mixture_run, tmp_path)


def test_it_serves_without_genzoo(mixture_run, tmp_path, serving):
    contract.check_serves_without_genzoo(mixture_run, tmp_path, serving)


def test_its_probabilities_are_those_of_all_states(fitted):
    states = gz.spaces.Binary(6).states()
    p = np.exp(fitted.log_prob(states))
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-5)
    drawn = fitted.sample(20_000, seed=0)
    np.testing.assert_allclose(
        drawn.mean(axis=0), p @ states, atol=4 / np.sqrt(4 * 20_000)
    )


@pytest.mark.parametrize("loss", sorted(losses._BY_NAME))
def test_every_rule_works_or_is_refused_by_name(mixture, loss):
    model = mixture(6, 3)
    if loss == "exact_likelihood":
        model.compile(loss=loss)
        model.fit(contract._bits(), verbose=0)
        return
    rule = type(losses.get(loss)).__name__
    with pytest.raises(
        ValueError, match=f"{rule}: needs .*BitMixture does not"
    ):
        model.compile(loss=loss)


def test_it_is_a_preset(mixture, fitted, tmp_path):
    fitted.save_to_preset(tmp_path / "mixture")
    again = gz.from_preset(tmp_path / "mixture")
    assert isinstance(again, mixture)
    np.testing.assert_array_equal(
        again.sample(9, seed=2), fitted.sample(9, seed=2)
    )
    config = (tmp_path / "mixture" / "config.json").read_text()
    (tmp_path / "mixture" / "config.json").write_text(
        config.replace('"size": 6', '"size": 100000000000')
    )
    with pytest.raises(ValueError, match="altered or damaged"):
        mixture.from_preset(tmp_path / "mixture")


def test_what_a_model_does_not_give_is_named():
    class Coin(gz.models.EnergyBasedModel):
        def __init__(self):
            super().__init__()
            self.space = gz.spaces.Spin(1)
            self.built = True

        parameters = ()

        def call(self, x):
            return 0 * x[:, 0]

    coin = Coin()
    with pytest.raises(ValueError, match="Coin.compile: the model has none"):
        coin.compile()
    coin.adapt(np.ones((2, 1)))
    with pytest.raises(ValueError, match="Coin.log_partition: .*no sum"):
        coin.log_partition()
    with pytest.raises(ValueError, match="Coin has no Markov chain"):
        coin.sample(2)
