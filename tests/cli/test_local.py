"""Building and ejecting a folder: what is sent, what is shown."""

from __future__ import annotations

import http.server
import io
import json
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.credentials import Credentials, Login, save
from cli.folder import packed

RECIPE = {"pack": "python", "decisions": ["Pack: python"], "dockerfile": "FROM x\nCMD y\n"}


class Taking(http.server.BaseHTTPRequestHandler):
    """Takes tars; answers what it was told to."""

    sent: list[tuple[str, dict[str, str]]]
    answer: bytes

    def log_message(self, *_: object) -> None: ...

    def do_POST(self) -> None:
        body = io.BytesIO(self.rfile.read(int(self.headers["Content-Length"])))
        with tarfile.open(fileobj=body, mode="r:gz") as archive:
            files = {m.name: m.linkname or archive.extractfile(m).read().decode() for m in archive}  # type: ignore[union-attr]
        type(self).sent.append((self.path, files))
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.answer)))
        self.end_headers()
        self.wfile.write(self.answer)


@pytest.fixture
def taker(home: Path) -> Iterator[type[Taking]]:
    """A server that one is logged in to."""
    handler = type("Taker", (Taking,), {"sent": [], "answer": json.dumps(RECIPE).encode()})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_port}"
    save(home / ".config/portside/credentials.json", Credentials().with_login(url, Login("me@x.org", "tok", "a1")))
    yield handler
    server.shutdown()
    server.server_close()


def names(folder: Path) -> list[str]:
    with packed(folder) as tar, tarfile.open(fileobj=tar) as archive:
        return archive.getnames()


@pytest.fixture
def folder(home: Path) -> Path:
    made = home / "app"
    (made / "lib").mkdir(parents=True)
    for path, text in {"app.py": "run", "lib/a.py": "", "debug.log": "", ".gitignore": "*.log\n"}.items():
        (made / path).write_text(text)
    (made / "now").symlink_to("app.py")
    return made


def test_git_decides_what_is_sent_in_a_repository_or_not(folder: Path) -> None:
    expected = [".gitignore", "app.py", "lib/a.py", "now"]
    assert names(folder) == expected
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "app.py"], cwd=folder, check=True)
    assert names(folder) == expected
    assert names(folder / "lib") == ["a.py"]


def test_a_file_that_git_knows_and_that_is_deleted_is_left_out(folder: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    subprocess.run(["git", "add", "."], cwd=folder, check=True)
    (folder / "app.py").unlink()
    assert names(folder) == [".gitignore", "lib/a.py", "now"]


def test_a_build_is_shown_as_it_goes(invoke, taker, folder: Path) -> None:
    taker.answer = b'{"line": "-----> Python app detected"}\n{}\n{"status": "succeeded", "build": "1a2b3c4d5e"}\n'
    result = invoke("build", "--local", str(folder), "-a", "demo")
    assert (result.exit_code, result.stdout) == (0, "-----> Python app detected\n")
    assert f"Built {folder} for demo (build 1a2b3c4d). Nothing was released." in result.stderr
    path, files = taker.sent[0]
    assert (path, files["app.py"], files["now"]) == ("/apps/demo/trial-builds", "run", "app.py")


def test_a_failed_build_ends_with_its_reason(invoke, taker, folder: Path) -> None:
    taker.answer = b'{"status": "failed", "message": "There is no flask==99.", "hint": "Choose another."}\n'
    result = invoke("build", "--local", str(folder), "-a", "demo")
    assert result.exit_code == 1
    assert "The build failed: There is no flask==99." in result.stderr
    assert "Choose another." in result.stderr


def test_an_answer_that_breaks_off_is_no_success(invoke, taker, folder: Path) -> None:
    taker.answer = b'{"line": "-----> Python app detected"}\n'
    result = invoke("build", "--local", str(folder), "-a", "demo")
    assert result.exit_code == 1
    assert "ended the build's log before the build's end" in result.stderr


def test_a_folder_is_ejected_without_an_app(invoke, taker, folder: Path) -> None:
    result = invoke("eject", "--local", str(folder))
    assert (result.exit_code, result.stdout) == (0, "FROM x\nCMD y\n")
    assert "Pack: python" in result.stderr
    assert taker.sent[0][0] == "/recipes"


def test_eject_writes_a_dockerfile_and_never_over_one(invoke, taker, folder: Path) -> None:
    assert invoke("eject", "--local", str(folder), "--write").exit_code == 0
    assert (folder / "Dockerfile").read_text() == "FROM x\nCMD y\n"
    again = invoke("eject", "--local", str(folder), "--write")
    assert again.exit_code == 1
    assert "already; it was left as it is" in again.stderr


def test_eject_shows_the_recipe_of_the_current_commit(invoke, logged_in) -> None:
    logged_in.answers["GET", "/apps/demo/recipe"] = RECIPE
    assert invoke("eject", "-a", "demo").stdout == "FROM x\nCMD y\n"


def test_what_is_no_folder_is_said(invoke, taker, home: Path) -> None:
    result = invoke("build", "--local", "nowhere", "-a", "demo")
    assert result.exit_code == 1
    assert "nowhere is not a folder." in result.stderr
