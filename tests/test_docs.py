"""Sources of the site: what they call exists, and what they say is held."""

import ast
import importlib.util
import inspect
import json
import re
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import yaml

import genzoo as gz

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
SOURCES = sorted((*DOCS.glob("course/*.py"), *DOCS.glob("guides/*.py")))
# Written by docs/pages.py.
MADE = {"benchmarks.md", "changelog.md", "contributing.md", "security.md"}
MADE_ROOMS = {"gallery", "reference", "zoo"}


def _load(name):
    spec = importlib.util.spec_from_file_location(
        f"docs_{name}", DOCS / f"{name}.py"
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


cells, links, hooks, pages = map(_load, ("cells", "links", "hooks", "pages"))


def _code(path):
    parts = cells.parse(path)
    return ast.parse("\n".join(cell.source for cell in parts if cell.code))


def _chain(node):
    """The names of `gz.a.b`, or None."""
    names = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    is_ours = isinstance(node, ast.Name) and node.id == "gz"
    return names[::-1] if is_ours else None


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_page_calls_what_there_is(path):
    found = 0
    for node in ast.walk(_code(path)):
        call = node.func if isinstance(node, ast.Call) else node
        names = _chain(call)
        if not names:
            continue
        thing = gz
        for name in names:
            thing = getattr(thing, name)
        found += 1
        if isinstance(node, ast.Call):
            inspect.signature(thing).bind_partial(
                **{word.arg: None for word in node.keywords if word.arg}
            )
    assert found


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_a_page_has_what_a_chapter_needs(path):
    parts = cells.parse(path)
    assert cells.title(parts)
    checked = [cell for cell in parts if "check" in cell.tags]
    # Every page has numbers that are held.
    assert any("assert" in cell.source for cell in checked)
    if path.parent.name == "course":
        text = "\n".join(cell.source for cell in parts if not cell.code)
        assert "## Exercise" in text
        assert any("answer" in cell.tags for cell in parts)
        assert text.count("$$") >= 2 or path.stem == "12_images"


def test_chapters_are_numbered_in_the_order_of_the_lecture():
    titles = [
        cells.title(cells.parse(path))
        for path in SOURCES
        if path.parent.name == "course"
    ]
    numbers = [int(title.partition(".")[0]) for title in titles]
    assert numbers == list(range(1, 13))


def test_a_short_chapter_runs_and_becomes_a_page_and_a_notebook(tmp_path):
    path = DOCS / "course" / "07_divergences.py"
    parts = cells.parse(path)
    cells.execute(path, parts, tmp_path)
    page = cells.markdown(parts, "images")
    assert "KL(p || q) 0.3466" in page
    pictures = re.findall(r"\(images/(.*?\.png)\)", page)
    assert len(pictures) == 2
    assert all((tmp_path / name).stat().st_size > 5000 for name in pictures)
    assert '??? success "Answer"\n\n    Each throw' in page
    assert "assert" not in page
    made = json.loads(cells.notebook(parts))
    assert not any(cell.get("outputs") for cell in made["cells"])
    source = "".join("".join(cell["source"]) for cell in made["cells"])
    assert "assert" not in source


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("assert 1 + 1 == 3", r"page\.py:4: this cell fails"),
        ("print(object())", r"page\.py:4: prints an address"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_page_that_is_wrong_stops_the_build(tmp_path, code, told):
    path = tmp_path / "page.py"
    path.write_text(f"# %% [markdown]\n# # A title\n\n# %%\n{code}\n")
    with pytest.raises(RuntimeError, match=told):
        cells.execute(path, cells.parse(path), tmp_path)


def test_first_minutes_run_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    text = (DOCS / "start.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    names = {}
    for block in blocks:
        exec(block.replace("epochs=20", "epochs=1, verbose=0"), names)
    assert (tmp_path / "rbm.keras").exists()
    assert names["rbm"].log_prob(names["x_test"]).mean() > -24.6


def _service_and_container():
    parts = cells.parse(DOCS / "guides" / "serving.py")
    text = "\n".join(cell.source for cell in parts if not cell.code)
    (code,) = (cell for cell in parts if cell.source.startswith("service = "))
    service = ast.literal_eval(ast.parse(code.source).body[0].value)
    return service, re.search(r"```dockerfile\n(.*?)```", text, re.DOTALL)[1]


def test_the_service_of_the_guide_starts_as_its_container_says(tmp_path):
    service, container = _service_and_container()
    rbm = gz.RBM.from_weights([[1.0, 0.5], [-1.0, 0.0], [0.3, 2.0]])
    rbm.log_partition()
    rbm.export(tmp_path / "1", verbose=False)
    (tmp_path / "service.py").write_text(service)
    # It needs nothing of genzoo.
    (tmp_path / "genzoo.py").write_text("raise ImportError")
    copied = re.findall(r"^COPY (\S+) (\S+)$", container, re.MULTILINE)
    command = json.loads(re.search(r"^CMD (.*)$", container, re.MULTILINE)[1])
    assert "EXPOSE " + command[-1] in container
    for source, target in copied:
        assert (tmp_path / source).exists()
        command[command.index(target)] = str(tmp_path / source)
    assert command[0] == "python"
    command = [sys.executable, *command[1:-2], "127.0.0.1", "0"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        try:
            url = f"http://127.0.0.1:{int(process.stdout.readline())}"

            def ask(endpoint, body):
                with urllib.request.urlopen(f"{url}/{endpoint}", body) as found:
                    return np.array(json.load(found)["outputs"])

            states = rbm.space.states()
            body = json.dumps({"x": states.tolist()}).encode()
            p = np.exp(ask("log_prob", body))
            draws = {"n": 5, "seed": [3, 0], "steps": 20}
            drawn = ask("sample", json.dumps(draws).encode())
            for endpoint, wrong in (
                ("nothing", body),
                ("energy", b"{}"),
                ("energy", b"no json"),
                ("energy", b'{"x": [[0, 1]]}'),
            ):
                with pytest.raises(urllib.error.HTTPError, match="400"):
                    ask(endpoint, wrong)
        finally:
            process.kill()
    np.testing.assert_allclose(p.sum(), 1, rtol=1e-5)
    np.testing.assert_allclose(np.log(p), rbm.log_prob(states), rtol=1e-5)
    np.testing.assert_array_equal(drawn, rbm.sample(5, seed=3, steps=20))


def test_the_table_about_devices_is_that_of_the_json(monkeypatch):
    monkeypatch.syspath_prepend(ROOT)
    reduced = importlib.import_module("benchmarks.reduced")
    path = ROOT / "benchmarks" / "results" / "reduced.json"
    found = json.loads(path.read_text())
    text = (DOCS / "guides" / "scaling.py").read_text()
    shown = re.findall(r"^# \| ([^|]* \| .* kB .*) \|$", text, re.MULTILINE)
    expected = []
    for name in reduced.CASES:
        fixed, each, least, workers = reduced.limits(found[name])
        weights = found[name]["small"]["weights"]
        sent = f"{fixed / 1e3:,.0f} kB" + (f" + {each:,.0f} B" if each else "")
        most = f"{workers:,.0f}" if workers else "any"
        row = name, f"{weights / 1e3:,.0f} kB", sent, f"{least:.0f}", most
        expected.append(" | ".join(row))
    assert shown == expected


def _entries(nav):
    for entry in nav:
        for value in entry.values() if isinstance(entry, dict) else [entry]:
            yield from _entries(value) if isinstance(value, list) else [value]


def test_what_the_navigation_names_is_there():
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    entries = list(_entries(settings["nav"]))
    for entry in entries:
        if entry.endswith("/*"):
            room = entry.removesuffix("/*")
            assert (DOCS / room).is_dir() or room in MADE_ROOMS
        else:
            assert (DOCS / entry).is_file() or entry in MADE
    for path in (*DOCS.glob("*.md"), *DOCS.glob("models/*.md")):
        assert str(path.relative_to(DOCS)) in entries
    assert settings["theme"]["font"] is False


def test_stars_in_the_navigation_are_filled(tmp_path):
    for name in ("b.md", "index.md", "a.md", "room/index.md", "room/x.md"):
        path = tmp_path / "part" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("# T")
    config = {"docs_dir": str(tmp_path), "nav": ["one.md", {"P": "part/*"}]}
    filled = hooks.on_config(config)["nav"][1]["P"]
    assert filled[:3] == ["part/index.md", "part/a.md", "part/b.md"]
    assert filled[3] == {"room": ["part/room/index.md", "part/room/x.md"]}


def test_dead_links_and_other_hosts_are_found(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "index.html").write_text(
        '<h1 id="top">A</h1><a href="../#here">h</a><a href="../#gone">g</a>'
        '<a href="../lost/">l</a><a href="https://example.org">said</a>'
        '<img src="//example.org/x.png"><link rel="canonical" href="http://e.org">'
    )
    (tmp_path / "index.html").write_text('<p id="here"><a href="a/#top">a</a>')
    (tmp_path / "x.css").write_text("p {background: url(https://e.org/f.woff)}")
    dead, outside = links.wrong(tmp_path)
    assert dead == ["a/index.html: ../#gone", "a/index.html: ../lost/"]
    assert outside == [
        "a/index.html: //example.org/x.png",
        "x.css: https://e.org/f.woff",
    ]
    with pytest.raises(SystemExit, match="no pages"):
        links.wrong(tmp_path / "none")


def test_every_public_name_has_a_page_with_methods_for_users():
    found = pages.rooms()
    there = {
        id(thing) for things in found.values() for thing in things.values()
    }
    for room in gz.__all__:
        module = getattr(gz, room)
        names = getattr(module, "__all__", ())
        for thing in [getattr(module, name) for name in names] or [module]:
            is_room = inspect.ismodule(thing) and room in found
            assert id(thing) in there or is_room or room == "__version__"
    told = pages.methods(gz.RBM)
    assert {"fit", "sample", "log_prob", "save_to_preset"} <= set(told)
    assert not {"train_step", "get_config", "preset_make"} & set(told)
    assert pages._shown(gz.losses.Minimax, found["losses"].values()) == []
    assert "states" in pages.methods(gz.spaces.Binary)


def test_times_on_the_first_page_are_those_of_the_json():
    assert len(pages.times().splitlines()) == 2 + len(pages.TIMES)
