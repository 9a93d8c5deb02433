import json

import numpy as np
import pytest

import genzoo as gz
from genzoo.zoo import files

_HASHED = (files.CONFIG, files.WEIGHTS)


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    folder = tmp_path_factory.mktemp("original")
    rbm = gz.RBM(gz.units.Bernoulli(4), gz.units.Bernoulli(2), seed=0)
    rbm.adapt(np.eye(4, dtype="uint8"))
    rbm.save_to_preset(folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def put(original, tmp_path):
    """Writes a preset with other contents, its hashes made right."""

    def write(changes):
        contents = {**original, **changes}
        metadata = json.loads(original[files.METADATA])
        metadata["sha256"] = {
            name: files.sha256(contents[name]) for name in _HASHED
        }
        if files.METADATA not in changes:
            contents[files.METADATA] = files.to_json(metadata)
        folder = tmp_path / "preset"
        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_bytes(content)
        return folder

    return write


@pytest.fixture
def refused():
    """Checks that loading a folder raises one short ValueError."""

    def check(folder, match):
        with pytest.raises(ValueError, match=match) as raised:
            gz.from_preset(folder)
        assert len(str(raised.value)) < 1000

    return check
