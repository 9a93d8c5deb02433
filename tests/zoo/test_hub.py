"""hf:// handles, against a server on this machine that behaves like the Hub."""

import gzip
import json
import re
import shutil
import sys
import threading
import warnings

import huggingface_hub
import numpy as np
import pytest
from hub_server import REVISION, Server

import genzoo as gz
from genzoo.zoo import files, presets, publish
from genzoo.zoo.__main__ import main

CONFIG, METADATA, WEIGHTS = NAMES = files.CONFIG, files.METADATA, files.WEIGHTS
LATEST = "hf://org/rbm"
PINNED = f"{LATEST}@{REVISION}"


@pytest.fixture
def server(original, tmp_path, monkeypatch):
    for name in ("http", "https", "all"):
        monkeypatch.delenv(f"{name}_proxy", raising=False)
        monkeypatch.delenv(f"{name}_proxy".upper(), raising=False)
    huggingface_hub.close_session()
    server = Server({**original, "README.md": b"", "model.pkl": b"\x80"})
    endpoint = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("HF_ENDPOINT", endpoint)
    monkeypatch.setenv("HF_ASSETS_CACHE", str(tmp_path / "kept"))
    threading.Thread(target=server.serve_forever, args=(0.01,)).start()
    yield server
    server.shutdown()
    server.server_close()
    huggingface_hub.close_session()


@pytest.fixture
def kept(tmp_path):
    """All files that were kept, by name."""

    def find():
        found = (tmp_path / "kept").rglob("*")
        return {path.name: path for path in found if path.is_file()}

    return find


@pytest.fixture
def refused(kept):
    """Checks that a handle raises one short error, and leaves nothing."""

    def check(match, handle=PINNED, error=ValueError):
        with pytest.raises(error, match=match) as raised:
            gz.from_preset(handle)
        message = str(raised.value)
        assert message.startswith(f"from_preset: {handle!r}")
        assert len(message) < 500
        assert kept() == {}

    return check


def test_pinned_revision_is_loaded_without_a_warning(server, kept):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rbm = gz.RBM.from_preset(PINNED)
    assert rbm.sample(2, seed=0, steps=1).shape == (2, 4)
    assert rbm.preset == PINNED
    expected = [f"/org/rbm/resolve/{REVISION}/{name}" for name in NAMES]
    asked = [path for _, path in server.asked if path != f"/cdn/{WEIGHTS}"]
    # Nothing but the three files, each announced and then read.
    assert asked == [path for path in expected for _ in range(2)]
    assert {n: p.read_bytes() for n, p in kept().items()} == {
        name: server.contents[name] for name in NAMES
    }
    assert not any(path.is_symlink() for path in kept().values())


def test_weights_in_safetensors(server, kept, tmp_path):
    rbm = gz.from_preset(PINNED)
    shutil.rmtree(tmp_path / "kept")
    rbm.save_to_preset(tmp_path / "other", weights_format="safetensors")
    other = {p.name: p.read_bytes() for p in (tmp_path / "other").iterdir()}
    server.contents = other
    loaded = gz.from_preset(PINNED)
    assert {n: p.read_bytes() for n, p in kept().items()} == other
    for a, b in zip(rbm.get_weights(), loaded.get_weights(), strict=True):
        assert (a == b).all()


def test_hashes_of_other_files_are_no_preset(server, refused):
    metadata = json.loads(server.contents[METADATA])
    metadata["sha256"] = {"pytorch_model.bin": "0" * 64}
    server.contents = {
        **server.contents,
        METADATA: json.dumps(metadata).encode(),
    }
    refused("sha256 must give the hashes")


def test_revision_that_was_loaded_is_not_asked_for_again(server):
    before = gz.from_preset(PINNED)
    server.contents = {}
    server.asked.clear()
    after = gz.from_preset(PINNED)
    assert gz.zoo.card(PINNED)["class"] == "RBM"
    assert server.asked == []
    for a, b in zip(before.get_weights(), after.get_weights(), strict=True):
        assert (a == b).all()


def test_latest_revision_comes_with_a_warning_that_names_it(server):
    with pytest.warns(UserWarning, match=re.escape(PINNED)) as caught:
        rbm = gz.from_preset(LATEST)
    assert caught[0].filename == __file__
    assert rbm.preset == PINNED
    with pytest.warns(UserWarning, match=re.escape(PINNED)):
        assert gz.zoo.card(LATEST)["class"] == "RBM"


def test_command_line_prints_the_card_or_the_error(server, capsys):
    assert main(["card", PINNED]) == 0
    assert json.loads(capsys.readouterr().out)["class"] == "RBM"
    assert main(["card", "hf://org/other@" + REVISION]) == 1
    assert "no such repository" in capsys.readouterr().err


# What is not there ----------------------------------------------------------


def test_what_the_server_does_not_have(server, refused):
    refused("no such repository", "hf://org/other")
    refused("no such repository", f"hf://org/other@{REVISION}")
    refused("no such revision", f"{LATEST}@{'0' * 40}")
    for name in NAMES:
        content = server.contents.pop(name)
        refused(f"it has no {name}")
        server.contents[name] = content


@pytest.mark.parametrize("status", [429, 500, 503])
def test_server_with_an_error_of_its_own(status, server, refused):
    server.change = lambda *_: (status, {"Content-Length": 0}, b"")
    refused(f"status {status}", error=ConnectionError)


def test_server_that_is_none(server, refused, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    refused("the connection was lost", error=ConnectionError)
    monkeypatch.setenv("HF_ENDPOINT", "nowhere")
    refused("the connection was lost", error=ConnectionError)


def _on_get(name, change):
    """Changes what is sent for a file, and not what was announced."""

    def changed(command, path, status, headers, content):
        if command == "GET" and path.endswith(name) and status == 200:
            headers, content = change(headers, content)
        return status, headers, content

    return changed


@pytest.mark.parametrize("name", NAMES)
def test_connection_that_is_lost_inside_of_a_file(name, server, refused):
    server.change = _on_get(name, lambda h, c: (h, c[: len(c) // 2]))
    refused(f"lost at {name}", error=ConnectionError)
    server.change = None
    assert isinstance(gz.from_preset(PINNED), gz.RBM)


# What is not what it should be ----------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_file_that_changes_under_its_revision(name, server, refused):
    server.change = _on_get(name, lambda h, c: (h, c[:-2] + b" \n"))
    refused(f"{name} was changed or damaged")
    # A half of a file that claims to be all of it.
    server.change = _on_get(
        name, lambda h, c: ({**h, "Content-Length": len(c) // 2}, c)
    )
    refused(f"{name} was changed or damaged")


def test_file_that_changes_after_it_was_loaded(server):
    first = gz.from_preset(PINNED)
    config = json.loads(server.contents[CONFIG])
    config["hidden"]["size"] = 3
    server.contents[CONFIG] = files.to_json(config)
    again = gz.from_preset(PINNED)
    assert again.hidden.size == first.hidden.size == 2


def test_file_that_changes_together_with_its_hash(server):
    # The card of the revision has a hash of its own.
    server.contents[CONFIG] += b"\n"
    with pytest.raises(ValueError, match="altered or damaged"):
        gz.from_preset(PINNED)


def test_kept_file_that_is_altered_on_disk(server, kept):
    gz.from_preset(PINNED)
    kept()[WEIGHTS].write_bytes(b"")
    with pytest.raises(ValueError, match="altered or damaged"):
        gz.from_preset(PINNED)


@pytest.mark.parametrize(
    ("header", "value", "message"),
    [
        ("X-Repo-Commit", "f" * 40, "comes from another revision, 'ffff"),
        ("X-Repo-Commit", None, "comes from another revision, 'None'"),
        ("ETag", '"of my own"', "cannot be verified"),
        ("ETag", None, "cannot be verified"),
    ],
)
def test_answer_without_its_revision_or_hash(
    header, value, message, server, refused
):
    def change(command, path, status, headers, content):
        headers = {k: v for k, v in headers.items() if k != header}
        headers |= {} if value is None else {header: value}
        return status, headers, content

    server.change = change
    refused(message)


def test_latest_revision_that_is_not_named(server, refused):
    def change(command, path, status, headers, content):
        return status, {**headers, "X-Repo-Commit": "../../.."}, content

    server.change = change
    refused("does not say which revision", LATEST)


# Sizes ----------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_size_that_is_announced_is_refused_unread(name, server, refused):
    most = files.MOST_BYTES[name]

    def change(command, path, status, headers, content):
        size = "X-Linked-Size" if "X-Linked-Size" in headers else None
        if path.endswith(name):
            headers = {**headers, size or "Content-Length": most + 1}
        return status, headers, content

    server.change = change
    refused(f"{name} is larger than {most:,} bytes")
    assert ("GET", f"/org/rbm/resolve/{REVISION}/{name}") not in server.asked


@pytest.mark.parametrize("name", NAMES)
def test_size_that_is_not_as_announced(name, server, refused, monkeypatch):
    monkeypatch.setitem(files.MOST_BYTES, name, 100_000)

    def endless(headers, content):
        headers = {k: v for k, v in headers.items() if k != "Content-Length"}
        return headers, (b"0" * 1_000 for _ in range(10_000))

    server.change = _on_get(name, endless)
    refused(f"{name} is larger than 100,000 bytes")


def test_packed_file_is_not_unpacked(server, refused):
    def pack(headers, content):
        content = gzip.compress(bytes(10**7))
        size = {"Content-Length": len(content), "Content-Encoding": "gzip"}
        return {**headers, **size}, content

    server.change = _on_get(CONFIG, pack)
    refused("was changed or damaged")


# Handles --------------------------------------------------------------------


@pytest.mark.parametrize(
    "handle",
    [
        "hf://",
        "hf://rbm",
        "hf:/org/rbm",
        "HF://org/rbm",
        "hf://org/rbm/",
        "hf://org/rbm/more",
        "hf://org/../rbm",
        "hf://../rbm",
        "hf://org/..",
        "hf://org/a..b",
        "hf://org/a--b",
        "hf://org/rbm.git",
        "hf://org/rbm?x=1",
        "hf://org/rbm\n",
        "hf://org/r\u00e9",
        "hf://user:password@host/rbm",
        f"hf://org/{'a' * 97}",
        "hf://org/rbm@",
        "hf://org/rbm@main",
        f"hf://org/rbm@{'a' * 39}",
        f"hf://org/rbm@{'a' * 41}",
        f"hf://org/rbm@{'A' * 40}",
        f"hf://org/rbm@{REVISION}/config.json",
        "hf://org/rbm@../../../../etc",
    ],
)
def test_malformed_handle_is_refused_before_anything_is_asked(
    handle, server, refused
):
    refused("must be 'hf://org/name@revision'", handle)
    assert server.asked == []


def test_names_that_the_hub_allows(server):
    for name in ("a", "A.b-c_d", "_x_", "a" * 96, "v1.0", "a.git2"):
        with pytest.raises(ValueError, match="no such repository"):
            gz.from_preset(f"hf://org/{name}@{REVISION}")


def test_without_the_extra_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for handle in (PINNED, LATEST):
        with pytest.raises(ImportError, match=r"pip install genzoo\[hub\]"):
            gz.from_preset(handle)


def test_kept_folder_is_not_left_for_a_link(server, kept, tmp_path):
    # A link in the place of a kept file leads nowhere.
    gz.from_preset(PINNED)
    secret = tmp_path / "secret"
    path = kept()[CONFIG]
    path.rename(secret)
    path.symlink_to(secret)
    with pytest.raises(ValueError, match="is a symbolic link"):
        gz.from_preset(PINNED)


# Uploads --------------------------------------------------------------------


def test_what_is_uploaded_is_loaded_again(server, tmp_path):
    units = gz.units
    rbm = gz.RBM(units.Gaussian(3), units.Bernoulli(2), seed=1)
    rbm.adapt(np.random.default_rng(0).normal(size=(20, 3)))
    card = {
        "description": "three columns: of a\ntest",
        "licence": "CC-BY-4.0",
        "measured": {"log_likelihood": {"value": -3.25, "stderr": 0.012}},
    }
    rbm.save_to_preset(tmp_path / "made", card=card)
    (tmp_path / "made" / "samples.png").write_bytes(b"png")
    found = gz.upload_preset(LATEST, tmp_path / "made")
    assert found == PINNED
    assert server.contents.keys() == {*NAMES, "README.md", "samples.png"}
    again = gz.from_preset(found)
    for a, b in zip(rbm.get_weights(), again.get_weights(), strict=True):
        assert (a == b).all()
    text = server.contents["README.md"].decode()
    head = huggingface_hub.ModelCard(text).data
    assert (head.license, head.library_name) == ("cc-by-4.0", "genzoo")
    assert "rbm" in head.tags
    assert "| log likelihood | -3.25 | 0.012 |" in text
    assert "three columns: of a test" in text
    assert "![Samples](samples.png)" in text


def test_built_in_presets_have_cards_of_the_hub():
    for name in gz.list_presets():
        _, contents = presets.read(name)
        text = publish.readme("org/it", contents)
        assert huggingface_hub.ModelCard(text).data.license == "apache-2.0"
        assert gz.zoo.card(name)["description"] in text


@pytest.mark.parametrize(
    ("handle", "folder", "match"),
    [
        (PINNED, "rbm_digits_8x8", "names a revision"),
        ("org/rbm", "rbm_digits_8x8", "must be 'hf://org/name"),
        (3, "rbm_digits_8x8", "upload_preset: 3 must be"),
        (LATEST, "nothing", "upload_preset: 'nothing' is neither a folder"),
        (LATEST, ".", "upload_preset: .*config.json|metadata.json"),
    ],
)
def test_what_cannot_be_uploaded_is_said_before_anything_is(
    server, handle, folder, match
):
    with pytest.raises(ValueError, match=match):
        gz.upload_preset(handle, folder)
    assert server.asked == []


@pytest.mark.parametrize(
    ("status", "error"), [(401, ValueError), (500, ConnectionError)]
)
def test_a_server_that_refuses(server, status, error):
    server.change = lambda *_: (status, {"Content-Length": 0}, b"")
    with pytest.raises(error, match=f"upload_preset: .*status {status}"):
        gz.upload_preset(LATEST, "gan_ring")
