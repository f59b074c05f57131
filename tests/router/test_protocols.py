"""What instances speak: HTTP/2 without TLS, asked for by a gRPC client over HTTPS, through a real HAProxy."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent import futures
from queue import SimpleQueue

import grpc
import pytest

from core.errors import UserError
from core.ids import AppId, new_id
from router import Backend, Protocol, ProxyMode
from tests.router.authority import Authority
from tests.router.raw import PATIENCE_S

TRAILER = (("asked", "3"),)


class Echo(grpc.GenericRpcHandler):
    """`/echo/one` answers what it is sent, `/echo/each` each message of a stream at once; `/echo/bad` fails. All have a
    trailer."""

    def service(self, call: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler | None:
        match call.method:
            case "/echo/one":
                return grpc.unary_unary_rpc_method_handler(self._one)
            case "/echo/each":
                return grpc.stream_stream_rpc_method_handler(self._each)
            case "/echo/bad":
                return grpc.unary_unary_rpc_method_handler(self._bad)
        return None

    def _one(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata(TRAILER)
        return message

    def _each(self, messages: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        context.set_trailing_metadata(TRAILER)
        yield from messages

    def _bad(self, message: bytes, context: grpc.ServicerContext) -> bytes:
        context.set_trailing_metadata(TRAILER)
        context.abort(grpc.StatusCode.FAILED_PRECONDITION, "not now")
        return message


@pytest.fixture
def grpc_app() -> Iterator[Backend]:
    server = grpc.server(futures.ThreadPoolExecutor(4), handlers=[Echo()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield Backend("grpc", "127.0.0.1", port)
    server.stop(None).wait(PATIENCE_S)


@pytest.fixture
def authority() -> Authority:
    return Authority()


def deploy(haproxy, app_id: AppId, generation: str, backend: Backend) -> None:
    with haproxy.database.write() as session:
        haproxy.router.point(session, app_id, generation, [backend])
    haproxy.router.apply(app_id)


def channel(haproxy, authority: Authority) -> grpc.Channel:
    """As a client that knows the name, and trusts the test's authority."""
    options = [(name, "shop.apps.test") for name in ("grpc.ssl_target_name_override", "grpc.default_authority")]
    options += [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0)]
    secure = grpc.ssl_channel_credentials(root_certificates=authority.root.encode())
    return grpc.secure_channel(f"127.0.0.1:{haproxy.settings.https_port}", secure, options)


def test_an_app_speaks_http1_until_it_is_told_otherwise(memory_router, app_id):
    assert memory_router.proxies.of(app_id) == ProxyMode()
    assert memory_router.proxies.set(app_id, protocol="h2c") == ProxyMode(Protocol.H2C)
    assert memory_router.proxies.set(app_id, sticky=True) == ProxyMode(Protocol.H2C, sticky=True)
    assert memory_router.proxies.set(app_id, retry_posts=True) == ProxyMode(Protocol.H2C, sticky=True, retry_posts=True)
    with pytest.raises(UserError) as caught:
        memory_router.proxies.set(app_id, protocol="spdy")
    assert caught.value.message == "There is no protocol 'spdy': an app speaks http1 or h2c."
    memory_router.forget_app(app_id)
    assert memory_router.proxies.of(app_id) == ProxyMode()


def test_a_release_keeps_the_protocol_that_it_came_with(memory_router, memory, database, app_id):
    """Both speak on while one drains; and what scales the old one is spoken to as its others."""
    memory_router.name_app(app_id, "shop")
    one, two, three = (Backend(name, "10.0.0.1", 80 + number) for number, name in enumerate(("one", "two", "three")))
    for generation, backends, protocol in [("g1", [one], "h2c"), ("g1", [one, two], None), ("g2", [three], None)]:
        with database.write() as session:
            memory_router.point(session, app_id, generation, backends)
        memory_router.apply(app_id)
        memory_router.proxies.set(app_id, protocol=protocol)
    spoken = {server.name: server.h2c for servers in memory.slots.values() for server in servers.values()}
    assert spoken == {"one": False, "two": False, "three": True}


def test_a_rollback_is_spoken_to_as_its_release_was_and_so_is_what_follows(memory_router, memory, database, app_id):
    memory_router.name_app(app_id, "shop")
    memory_router.proxies.set(app_id, protocol="h2c", sticky=True, retry_posts=True)
    for generation, protocol in [("g1", ""), ("g2", "http1"), ("g3", "")]:
        with database.write() as session:
            memory_router.point(session, app_id, generation, [Backend(generation, "10.0.0.1", 80)], protocol)
        memory_router.apply(app_id)
    spoken = {server.name: server.h2c for servers in memory.slots.values() for server in servers.values()}
    assert spoken == {"g1": True, "g2": False, "g3": False}
    assert memory_router.proxies.of(app_id) == ProxyMode(Protocol.HTTP1, sticky=True, retry_posts=True)


@pytest.mark.engine
@pytest.mark.parametrize("retry_posts", [False, True])
def test_a_grpc_client_calls_streams_and_reads_trailers_over_https(haproxy, app_id, authority, grpc_app, retry_posts):
    """Calls are POSTs, whose bodies end when it suits the client."""
    haproxy.router.name_app(app_id, "shop")
    haproxy.router.proxies.set(app_id, protocol="h2c", retry_posts=retry_posts)
    deploy(haproxy, app_id, "g1", grpc_app)
    haproxy.router.certificates.add(app_id, *authority.issue("shop.apps.test"))
    with channel(haproxy, authority) as client:
        answer, call = client.unary_unary("/echo/one").with_call(b"hello", timeout=PATIENCE_S)
        assert (answer, tuple(call.trailing_metadata())) == (b"hello", TRAILER)

        questions: SimpleQueue[bytes] = SimpleQueue()
        stream = client.stream_stream("/echo/each")(iter(questions.get, b""), timeout=PATIENCE_S)
        for number in range(5):
            questions.put(b"%d" % number)
            assert next(stream) == b"%d" % number  # before the next question
        questions.put(b"")
        assert list(stream) == []
        assert tuple(stream.trailing_metadata()) == TRAILER

        with pytest.raises(grpc.RpcError) as caught:
            client.unary_unary("/echo/bad")(b"", timeout=PATIENCE_S)
        assert (caught.value.code(), caught.value.details()) == (grpc.StatusCode.FAILED_PRECONDITION, "not now")


@pytest.mark.engine
def test_an_h2c_instance_is_checked_and_still_there_after_a_reload(
    haproxy, until, start_app, app_id, authority, grpc_app
):
    """The server comes from the configuration then, not from a command; others speak HTTP/1.1 beside it."""
    other = AppId(new_id())
    haproxy.router.name_app(app_id, "shop")
    haproxy.router.name_app(other, "plain")
    haproxy.router.proxies.set(app_id, protocol="h2c")
    deploy(haproxy, app_id, "g1", grpc_app)
    haproxy.deploy(other, "g1", start_app("plain"))
    haproxy.router.certificates.add(app_id, *authority.issue("shop.apps.test"))
    haproxy.router.processes.write_config()
    haproxy.control.reload()
    with channel(haproxy, authority) as client:
        assert client.unary_unary("/echo/one")(b"hello", timeout=PATIENCE_S) == b"hello"
    assert haproxy.get("plain.apps.test") == (200, "plain")


@pytest.mark.engine
def test_a_path_leads_a_call_to_another_app_and_none_that_is_written_oddly(
    haproxy, start_app, app_id, authority, grpc_app
):
    site, other = start_app("site"), AppId(new_id())
    haproxy.router.name_app(app_id, "shop")
    haproxy.deploy(app_id, "g1", site)
    haproxy.router.certificates.add(app_id, *authority.issue("shop.apps.test"))
    haproxy.router.proxies.set(other, protocol="h2c")
    deploy(haproxy, other, "g1", grpc_app)
    haproxy.router.add_domain(other, "shop.apps.test/echo", shares=lambda app: True)
    with channel(haproxy, authority) as client:
        assert client.unary_unary("/echo/one")(b"hello", timeout=PATIENCE_S) == b"hello"
        for odd in ("/x/../echo/one", "//echo/one", "/%65cho/one", "/echo%2fone", "/echo;/one"):
            with pytest.raises(grpc.RpcError) as caught:
                client.unary_unary(odd)(b"", timeout=PATIENCE_S)
            assert "400" in caught.value.details()
    assert site.seen == []
