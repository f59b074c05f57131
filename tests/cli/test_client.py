"""The boundary to httpx: whatever it raises becomes one of our errors; certificates are verified."""

import http.server
import inspect
import ssl
import subprocess
import threading

import httpx
import pytest

from cli.client import Api
from cli.errors import Unreachable
from tests.cli.conftest import TOKEN

ALL = [kind for _, kind in inspect.getmembers(httpx, inspect.isclass) if issubclass(kind, Exception)]


def raised(kind):
    if issubclass(kind, httpx.HTTPStatusError):
        return kind("x", request=httpx.Request("GET", "http://x"), response=httpx.Response(500))
    needs_nothing = kind in {httpx.ResponseNotRead, httpx.RequestNotRead, httpx.StreamClosed, httpx.StreamConsumed}
    return kind() if needs_nothing else kind("x")


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_exception_of_httpx_is_translated(kind, monkeypatch):
    def fail(*_, **__):
        raise raised(kind)

    monkeypatch.setattr(httpx.Client, "request", fail)
    with pytest.raises(Unreachable) as told:
        Api("https://paas.example.com", "t").get("/account")
    assert "https://paas.example.com" in told.value.message


@pytest.fixture
def https_server(platform, tmp_path):
    """The platform behind TLS, with a certificate that only its own file vouches for."""
    files = ("-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem"))
    subject = ("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", *files, *subject]
    subprocess.run(make, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "cert.pem", tmp_path / "key.pem")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), platform.server.RequestHandlerClass)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_certificate_that_nobody_vouches_for_is_refused(invoke, platform, https_server):
    result = invoke("login", https_server, "--email", "me@example.com", input="correct horse\n")
    assert result.exit_code == 1
    assert result.stderr == (
        f" ▸    The certificate of {https_server} can't be verified.\n"
        " ▸    If your organisation signs its own, name its CA file in the variable SSL_CERT_FILE.\n"
    )
    assert platform.requests == []


def test_an_own_authority_can_be_named(invoke, https_server, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "cert.pem"))
    result = invoke("login", https_server, "--email", "me@example.com", input="correct horse\n")
    assert result.stderr == f"Logged in to {https_server} as me@example.com.\n"


def test_tls_to_a_server_without_it(invoke, platform):
    address = platform.url.replace("http:", "https:")
    result = invoke("login", address, "--email", "me@example.com", input="correct horse\n")
    assert result.exit_code == 1
    assert result.stderr == (
        f" ▸    {address} does not speak TLS.\n ▸    If it has no https yet, log in with its http:// address.\n"
    )


def test_what_the_server_says_beside_its_answer_is_shown(platform, capsys):
    platform.answers["GET", "/account"] = (200, {"email": "me@example.com"}, {"Portside-Notice": "The queue is away."})
    assert Api(platform.url, TOKEN).get("/account") == {"email": "me@example.com"}
    told = capsys.readouterr()
    assert told.err == " ▸    The queue is away.\n ▸    On the server, run `portside-server status`.\n"
    assert told.out == ""
