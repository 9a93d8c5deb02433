import json

import numpy as np
import pytest

import genzoo as gz
from genzoo.zoo import __main__ as command
from genzoo.zoo import builtin, measures

PRESETS = gz.list_presets()


def test_table_and_folders_are_the_same_presets():
    folders = [p.name for p in builtin.root().iterdir() if p.is_dir()]
    assert sorted(folders) == PRESETS
    assert measures.MEASURES.keys() == set(PRESETS)


@pytest.mark.parametrize("name", PRESETS)
def test_card_says_where_a_preset_comes_from(name):
    card = gz.zoo.card(name)
    for field in ("description", "data", "data_licence", "command", "date"):
        assert card[field]
    assert card["versions"].keys() >= {"genzoo", "tensorflow", "keras"}
    assert name in card["command"]
    for number in card["measured"].values():
        assert number["tolerance"] < abs(number["value"])
        assert number["stderr"] > 0


def test_presets_are_small():
    sizes = {
        name: sum(
            path.stat().st_size for path in (builtin.root() / name).iterdir()
        )
        for name in PRESETS
    }
    assert sizes["digit_features"] < 600_000
    assert sum(sizes.values()) < 25e6


# Twins of presets that are measured: by the same functions, which take seconds
# each. What they draw is kept to the bit in golden.npz.
TWINS = {
    "ising_rbm_16_critical": "ising_rbm_16_ordered",
    "ising_rbm_16_disordered": "ising_rbm_16_ordered",
    "rbm_mnist_500_stochastic": "rbm_mnist_500",
}


@pytest.mark.parametrize("name", sorted(set(PRESETS) - TWINS.keys()))
def test_quick_numbers_are_those_of_the_cards(name, capsys):
    assert command.main(["verify", "--quick", name]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines
    assert all(line.startswith("ok ") for line in lines)


@pytest.mark.parametrize("name", TWINS)
def test_twins_are_measured_by_the_same_functions(name):
    here, there = gz.zoo.card(name), gz.zoo.card(TWINS[name])
    assert here["class"] == there["class"]
    assert here["measured"].keys() == there["measured"].keys()


def test_number_that_drifted_fails(capsys, monkeypatch):
    name = "boltzmann_digits_8x8"
    card = gz.zoo.card(name)
    card["measured"]["log_likelihood_test"]["value"] += 0.01
    monkeypatch.setattr("genzoo.zoo.presets.card", lambda handle: card)
    assert command.main(["verify", "--quick", name]) == 1
    assert "DRIFT" in capsys.readouterr().out


def test_number_that_is_none_drifted():
    row = measures.Row("x", 1.0, float("nan"), 0.1)
    assert not row.agrees


def test_list_and_card_are_printed(capsys):
    assert command.main(["list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == PRESETS
    assert command.main(["card", PRESETS[0]]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed == gz.zoo.card(PRESETS[0])


def test_hash_prints_the_row_of_the_table(capsys):
    name = PRESETS[0]
    assert command.main(["hash", str(builtin.root() / name)]) == 0
    printed = capsys.readouterr().out.replace('"', "").replace(",", "").split()
    assert printed == list(builtin.HASHES[name].values())


def test_unknown_preset_ends_with_one_line(capsys):
    assert command.main(["card", "digit_feature"]) == 1
    error = capsys.readouterr().err
    assert "Did you mean 'digit_features'?" in error
    assert len(error.splitlines()) == 1


def test_digit_features_are_those_before_the_logits():
    model = gz.from_preset("digit_features")
    images, labels = measures.digits.enlarged_digits()
    features = model.predict(images[:50], verbose=0)
    assert features.shape == (50, 64)
    assert (features >= 0).all()
    kernel, bias = model.get_weights()[-2:]
    np.testing.assert_allclose(
        features @ kernel + bias,
        model.classify(images[:50]),
        rtol=1e-4,
        atol=1e-4,
    )
    assert type(gz.zoo.DigitFeatures.from_preset("digit_features")) is type(
        model
    )


def test_rbm_of_digits_beats_independent_pixels(digits):
    rbm = gz.RBM.from_preset("rbm_digits_8x8")
    card = gz.zoo.card("rbm_digits_8x8")
    independent = card["independent_pixels_log_likelihood_test"]
    assert rbm.log_prob(digits[1]).mean() > independent + 5
