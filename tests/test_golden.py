import golden
import numpy as np
import pytest


@pytest.fixture(scope="module")
def kept():
    with np.load(golden.FILE) as file:
        return {name: file[name] for name in file}


@pytest.mark.parametrize(("kind", "name"), golden.names())
def test_every_number_is_what_it_was(kept, kind, name):
    # To the bit, where the machine rounds as the one that wrote the file.
    same = np.array_equal(golden.arithmetic(), kept["arithmetic"])
    prefix = f"{kind} {name}: "
    expected = {
        key.removeprefix(prefix): value
        for key, value in kept.items()
        if key.startswith(prefix)
    }
    found = golden.found(kind, name)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        if same:
            now = found[key].astype(value.dtype)
            np.testing.assert_array_equal(now, value, err_msg=key)
        else:
            np.testing.assert_allclose(
                found[key], value, rtol=1e-3, atol=1e-4, err_msg=key
            )
