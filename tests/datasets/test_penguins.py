import numpy as np

import genzoo as gz


def test_penguins_are_those_that_were_published():
    train, test = gz.datasets.penguins.load_data()
    both = {name: np.concatenate([train[name], test[name]]) for name in train}
    assert (len(train["sex"]), len(test["sex"])) == (258, 86)
    species, count = np.unique(both["species"], return_counts=True)
    assert species.tolist() == ["Adelie", "Chinstrap", "Gentoo"]
    assert count.tolist() == [152, 68, 124]
    # Means of the paper's table, in mm and g.
    means = {"bill_length_mm": 43.92, "body_mass_g": 4201.75}
    for name, mean in means.items():
        assert abs(np.nanmean(both[name]) - mean) < 0.005
        assert np.isnan(both[name]).sum() == 2
    assert sum(sex is None for sex in both["sex"]) == 11
    assert sorted(set(both["year"])) == [2007, 2008, 2009]


def test_the_preset_draws_rows_of_the_table_on_its_card():
    gan = gz.from_preset("gan_penguins")
    table = gz.datasets.Table.from_config(gan.card["table"])
    train, test = gz.datasets.penguins.load_data()
    assert table.names == list(train)
    assert table.encode(test).shape == (86, *gan.event_shape)
    drawn = table.sample(gan, 50, seed=0, where={"species": "Gentoo"})
    # On one island, as the whole species.
    assert set(drawn["island"]) == {"Biscoe"}
    mass = np.asarray(drawn["body_mass_g"], float)
    own = train["species"] == "Gentoo"
    true = train["body_mass_g"][own]
    error = np.nanstd(true) / np.sqrt(50)
    assert abs(np.nanmean(mass) - np.nanmean(true)) < 5 * error
