"""A server on this machine that answers as the Hugging Face Hub does."""

import base64
import contextlib
import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from genzoo.zoo import files

REVISION = "0123456789abcdef" * 2 + "01234567"


def _git(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Answer(BaseHTTPRequestHandler):
    """Announces and sends the files, as `Server` has them."""

    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer()

    def do_GET(self):
        self._answer()

    def do_POST(self):
        """What an upload asks for; the files of a commit replace the old."""
        length = int(self.headers.get("Content-Length", 0))
        body, server = self.rfile.read(length), self.server
        server.asked.append((self.command, self.path))
        found = {}
        if self.path == "/api/repos/create":
            found = {"url": f"http://127.0.0.1:{server.server_port}/org/rbm"}
        elif self.path.endswith("/preupload/main"):
            found["files"] = [
                {**file, "uploadMode": "regular", "shouldIgnore": False}
                for file in json.loads(body)["files"]
            ]
        elif self.path.endswith("/commit/main"):
            lines = [json.loads(line) for line in body.splitlines()]
            values = [line["value"] for line in lines if line["key"] == "file"]
            server.contents = {
                value["path"]: base64.b64decode(value["content"])
                for value in values
            }
            url = f"http://127.0.0.1:{server.server_port}/org/rbm/commit/0"
            found = {"success": True, "commitOid": REVISION, "commitUrl": url}
        text = json.dumps(found).encode()
        headers = {
            "Content-Length": len(text),
            "Content-Type": "application/json",
        }
        self._send(200, headers, text)
        self.close_connection = True

    def log_message(self, *args):
        pass

    def _answer(self):
        server = self.server
        server.asked.append((self.command, self.path))
        # The client hangs up where it has read enough.
        with contextlib.suppress(ConnectionError):
            if self.path.startswith("/cdn/"):
                content = server.contents[self.path.removeprefix("/cdn/")]
                self._send(200, {"Content-Length": len(content)}, content)
            elif self.path.startswith("/api/"):
                self._refuse("RepoNotFound")
            else:
                self._resolve(*self.path[1:].split("/"))
        self.close_connection = True

    def _resolve(self, organisation, name, route, revision, file):
        server = self.server
        if (organisation, name, route) != ("org", "rbm", "resolve"):
            return self._refuse("RepoNotFound")
        if revision not in ("main", REVISION):
            return self._refuse("RevisionNotFound")
        content = server.contents.get(file)
        if content is None:
            return self._refuse("EntryNotFound")
        size = len(content)
        headers = {"X-Repo-Commit": REVISION, "Content-Length": size}
        if file != files.WEIGHTS:
            headers["ETag"] = f'"{_git(content)}"'
            return self._send(200, headers, content)
        # Large files come from another host.
        headers |= {
            "Content-Length": 0,
            "X-Linked-Size": size,
            "X-Linked-Etag": f'"{files.sha256(content)}"',
            "Location": f"http://localhost:{server.server_port}/cdn/{file}",
        }
        return self._send(302, headers, b"")

    def _refuse(self, code):
        headers = {"X-Error-Code": code, "Content-Length": 0}
        self._send(404, headers, b"")

    def _send(self, status, headers, content):
        change = self.server.change or (lambda *answer: answer[2:])
        answer = change(self.command, self.path, status, headers, content)
        status, headers, content = answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            for part in [content] if isinstance(content, bytes) else content:
                self.wfile.write(part)


class Server(ThreadingHTTPServer):
    """The repository org/rbm, with one revision.

    Attributes:
        contents: dict from the names of its files to their bytes.
        change: function of (command, path, status, headers, content) to what
            is sent of the last three instead; content may be an iterator.
        asked: list of (command, path).
    """

    block_on_close = False

    def __init__(self, contents):
        super().__init__(("127.0.0.1", 0), Answer)
        self.contents = contents
        self.change = None
        self.asked = []
