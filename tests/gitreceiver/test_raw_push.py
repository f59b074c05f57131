"""Pushes that no git client would send, byte by byte."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import socket
import struct
import zlib
from urllib.parse import urlsplit

import pytest

NOTHING = "0" * 40
COMMIT = "1" * 40
CAPABILITIES = "report-status side-band-64k"


def packet(text):
    data = text if isinstance(text, bytes) else text.encode()
    return b"%04x" % (len(data) + 4) + data


def commands(*lines, capabilities=CAPABILITIES):
    first, *rest = lines
    return b"".join([packet(f"{first}\0{capabilities}\n"), *(packet(f"{line}\n") for line in rest), b"0000"])


def pack(*objects):
    """A pack of (type number, content) pairs."""
    body = b"PACK" + struct.pack(">II", 2, len(objects))
    for kind, content in objects:
        size, head = len(content), b""
        byte, size = (kind << 4) | (size & 15), size >> 4
        while size:
            head += bytes([byte | 0x80])
            byte, size = size & 0x7F, size >> 7
        body += head + bytes([byte]) + zlib.compress(content)
    return body + hashlib.sha1(body).digest()


def packets(answer):
    found = []
    while answer:
        size = int(answer[:4], 16)
        found.append(answer[4:size] if size else b"")
        answer = answer[max(size, 4) :]
    return found


def report(answer):
    """The lines of report-status inside side-band 1."""
    inner = b"".join(one[1:] for one in packets(answer) if one[:1] == b"\1")
    return [line.decode().rstrip("\n") for line in packets(inner) if line]


def screen(answer):
    return b"".join(one[1:] for one in packets(answer) if one[:1] == b"\2").decode()


class Poster:
    """Posts bodies to the push address of the app `shop`."""

    def __init__(self, base, token):
        self.address = urlsplit(base)
        self.headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/x-git-receive-pack-request",
        }

    def request(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection(self.address.hostname, self.address.port, timeout=30)
        connection.request(method, path, body, {**self.headers, **headers})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, content

    def __call__(self, body, **headers):
        status, content = self.request("POST", "/shop.git/git-receive-pack", body, **headers)
        assert status == 200, content
        return content


@pytest.fixture
def post(hall, accepting, serve_http):
    return Poster(serve_http(accepting), hall.token)


@pytest.fixture
def real_pack(client):
    """A pack of one real commit, with the commit's id."""
    commit = client.commit()
    client.git("repack", "-a", "-d", "-q")
    return commit, next((client.path / ".git/objects/pack").glob("*.pack")).read_bytes()


def stored(hall):
    objects = hall.repositories.path(hall.app_id) / "objects"
    return [*objects.glob("incoming-*"), *objects.glob("pack/*")]


def test_a_real_pack_is_taken_without_a_side_band(hall, post, real_pack):
    commit, content = real_pack
    line = f"{NOTHING} {commit} refs/heads/other"
    answer = post(commands(line, capabilities="report-status") + content)
    assert packets(answer) == [b"unpack ok\n", b"ok refs/heads/other\n", b""]
    assert hall.branch("refs/heads/other") == commit


def test_a_client_without_report_status_gets_none(hall, post, real_pack):
    commit, content = real_pack
    assert post(commands(f"{NOTHING} {commit} refs/heads/other", capabilities="") + content) == b""
    assert hall.branch("refs/heads/other") == commit


def test_what_is_no_pack_is_refused(hall, post):
    answer = post(commands(f"{NOTHING} {COMMIT} refs/heads/main") + b"this is not a pack, not at all")
    assert report(answer) == ["unpack that is not a pack", "ng refs/heads/main that is not a pack"]
    assert stored(hall) == []


@pytest.mark.parametrize("keep", [0, 3, 12, 40, -1])
def test_a_truncated_pack_is_refused(hall, post, real_pack, keep):
    commit, content = real_pack
    answer = post(commands(f"{NOTHING} {commit} refs/heads/main") + content[:keep])
    assert report(answer) == ["unpack the pack ended early", "ng refs/heads/main the pack ended early"]
    assert stored(hall) == []


def test_a_damaged_pack_is_refused(hall, post, real_pack):
    commit, content = real_pack
    answer = post(commands(f"{NOTHING} {commit} refs/heads/main") + content[:-20] + b"x" * 20)
    assert report(answer)[1] == "ng refs/heads/main the pack is damaged"
    assert stored(hall) == []


def test_a_pack_without_what_it_builds_on_is_refused(hall, post, accepting):
    content = f"tree {COMMIT}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\nx\n".encode()
    commit = hashlib.sha1(b"commit %d\0" % len(content) + content).hexdigest()
    answer = post(commands(f"{NOTHING} {commit} refs/heads/main") + pack((1, content)))
    assert report(answer)[1] == "ng refs/heads/main objects are missing from the push"
    assert stored(hall) == []
    assert accepting.received == []


def test_a_commit_that_is_not_in_the_pack_is_refused(hall, post, real_pack):
    answer = post(commands(f"{NOTHING} {COMMIT} refs/heads/main") + real_pack[1])
    assert report(answer)[1] == "ng refs/heads/main objects are missing from the push"
    assert stored(hall) == []


def test_a_tree_that_would_write_into_dot_git_is_refused(hall, post):
    blob = b"x"
    tree = b"100644 .git\0" + hashlib.sha1(b"blob 1\0x").digest()
    tree_id = hashlib.sha1(b"tree %d\0" % len(tree) + tree).hexdigest()
    content = f"tree {tree_id}\nauthor A <a@b.c> 1 +0000\ncommitter A <a@b.c> 1 +0000\n\nx\n".encode()
    commit = hashlib.sha1(b"commit %d\0" % len(content) + content).hexdigest()
    answer = post(commands(f"{NOTHING} {commit} refs/heads/main") + pack((3, blob), (2, tree), (1, content)))
    assert report(answer)[1] == "ng refs/heads/main the pack holds an object that git refuses"
    assert "hasDotgit" in screen(answer)
    assert stored(hall) == []


@pytest.mark.parametrize(
    "name", ["refs/heads/../../../x", "refs/heads/a b", "refs/heads/a.lock", "HEAD", "refs/heads/", "refs/main", "x"]
)
def test_a_bad_ref_name_is_refused(hall, post, real_pack, name):
    commit, content = real_pack
    answer = post(commands(f"{NOTHING} {commit} {name}") + content)
    assert report(answer) == ["unpack ok", f"ng {name} not a valid ref name"]
    assert stored(hall) == []


def test_one_ref_named_twice_is_refused(post, real_pack):
    commit, content = real_pack
    line = f"{NOTHING} {commit} refs/heads/x"
    assert report(post(commands(line, line) + content)).count("ng refs/heads/x named twice in one push") == 2


def test_a_stale_old_value_is_refused(hall, post, real_pack):
    commit, content = real_pack
    post(commands(f"{NOTHING} {commit} refs/heads/x") + content)
    assert report(post(commands(f"{COMMIT} {NOTHING} refs/heads/x")))[1] == "ng refs/heads/x fetch first"
    assert hall.branch("refs/heads/x") == commit


def test_an_empty_list_of_commands_does_nothing(post):
    assert post(b"0000") == b""
    assert post(b"") == b""
    assert post(b"00040000") == b""


@pytest.mark.parametrize(
    "body", [b"what?", b"0003", packet("not a command\n") + b"0000", packet(b"\xff\0\0\xfe\n") + b"0000"]
)
def test_what_is_not_the_protocol_is_answered_with_an_error(post, body):
    assert b"ERR git protocol error" in post(body)


def test_an_unknown_capability_is_an_error(post):
    assert b"ERR git protocol error" in post(commands(f"{NOTHING} {COMMIT} refs/heads/x", capabilities="telepathy"))


def test_a_gzipped_body_is_unpacked(hall, post, real_pack):
    commit, content = real_pack
    body = gzip.compress(commands(f"{NOTHING} {commit} refs/heads/other") + content)
    assert report(post(body, **{"Content-Encoding": "gzip"})) == ["unpack ok", "ok refs/heads/other"]


def test_a_gzip_bomb_stops_at_the_limit(hall, post):
    body = gzip.compress(commands(f"{NOTHING} {COMMIT} refs/heads/main") + b"PACK\0\0\0\2\0\0\0\1" + bytes(20 << 20))
    answer = post(body, **{"Content-Encoding": "gzip"})
    assert report(answer)[1].startswith("ng refs/heads/main the pack is")
    assert stored(hall) == []


def test_expect_100_continue_is_answered_first(hall, post, real_pack):
    commit, content = real_pack
    body = commands(f"{NOTHING} {commit} refs/heads/other") + content
    head = [f"{key}: {value}" for key, value in post.headers.items()]
    head += ["Host: x", "Expect: 100-continue", f"Content-Length: {len(body)}", "Connection: close", "", ""]
    with socket.create_connection((post.address.hostname, post.address.port), timeout=30) as line:
        line.sendall("\r\n".join(["POST /shop.git/git-receive-pack HTTP/1.1", *head]).encode())
        assert line.recv(1024).startswith(b"HTTP/1.1 100")
        line.sendall(body)
        while line.recv(65536):
            pass
    assert hall.branch("refs/heads/other") == commit


def test_silence_is_broken_by_keepalives(hall, slow, serve_http, real_pack):
    commit, content = real_pack
    post = Poster(serve_http(slow), hall.token)
    connection = http.client.HTTPConnection(post.address.hostname, post.address.port, timeout=30)
    body = commands(f"{NOTHING} {commit} refs/heads/main") + content
    connection.request("POST", "/shop.git/git-receive-pack", body, post.headers)
    answer, seen = connection.getresponse(), b""
    while b"0005\x02" not in seen:
        seen += (piece := answer.read1(1024))
        assert piece
    slow.go_on.set()
    rest = answer.read()
    connection.close()
    assert report(seen + rest) == ["unpack ok", "ok refs/heads/main"]


def test_what_a_killed_push_left_is_cleared_by_the_next(hall, post, real_pack):
    commit, content = real_pack
    hall.repositories.create(hall.app_id)
    path = hall.repositories.path(hall.app_id)
    (path / "objects" / "incoming-dead" / "pack").mkdir(parents=True)
    (path / "refs" / "heads" / "other.lock").touch()
    answer = post(commands(f"{NOTHING} {commit} refs/heads/other") + content)
    assert report(answer) == ["unpack ok", "ok refs/heads/other"]
    assert not (path / "objects" / "incoming-dead").exists()
    assert hall.branch("refs/heads/other") == commit


def test_only_smart_http_is_served(post):
    assert post.request("GET", "/shop.git/HEAD")[0] == 404
    assert post.request("GET", "/shop.git/info/refs")[0] == 403
    assert post.request("GET", "/shop.git/git-receive-pack")[0] == 400
    assert post.request("POST", "/shop.git/git-receive-pack", b"0000", **{"Content-Type": "text/plain"})[0] == 400
    assert post.request("GET", "/shop.git/info/refs", Authorization="Basic !!!")[0] == 401
