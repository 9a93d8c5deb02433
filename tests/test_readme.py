import re
import runpy
from pathlib import Path

import genzoo as gz

ROOT = Path(__file__).parents[1]


def test_measurements_are_those_of_the_committed_json():
    table = runpy.run_path(str(ROOT / "benchmarks" / "table.py"))["table"]
    assert table() in (ROOT / "README.md").read_text()


def test_first_example_runs_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(
        r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL
    )
    example = blocks[0].replace("epochs=50", "epochs=2, verbose=0")
    names = {}
    exec(example, names)
    assert names["rbm"].sample(4).shape == (4, 64)
    serving = blocks[2].replace("1000)", "5)")
    names["v"] = names["x_test"][:3].astype("float32")
    exec(serving, names)
    assert gz.RBM is type(names["rbm"])
