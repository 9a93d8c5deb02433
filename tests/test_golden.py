import contract
import golden
import numpy as np
import pytest

import genzoo as gz


@pytest.fixture(scope="session")
def kept():
    with np.load(golden.FILE) as file:
        return {name: file[name] for name in file}


@pytest.fixture(scope="session")
def is_same(kept):
    """Whether the machine rounds as the one that wrote the file."""
    return np.array_equal(golden.arithmetic(), kept["arithmetic"])


def assert_kept(kept, is_same, prefix, found):
    expected = {
        key.removeprefix(prefix): value
        for key, value in kept.items()
        if key.startswith(prefix)
    }
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        # To the bit, if so.
        if is_same:
            now = found[key].astype(value.dtype)
            np.testing.assert_array_equal(now, value, err_msg=key)
        else:
            np.testing.assert_allclose(
                found[key], value, rtol=1e-3, atol=1e-4, err_msg=key
            )


@pytest.mark.parametrize("run", contract.MODELS, indirect=True, scope="session")
def test_every_number_of_a_case_is_what_it_was(kept, is_same, run):
    prefix = f"contract {run.name}: "
    assert_kept(kept, is_same, prefix, golden.of_run(run))


@pytest.mark.parametrize("name", gz.list_presets())
def test_every_number_of_a_preset_is_what_it_was(kept, is_same, name):
    assert_kept(kept, is_same, f"preset {name}: ", golden.of_preset(name))
