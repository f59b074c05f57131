"""What Portside relies on in an authority: the one in memory and a real one go through the same cases."""

from __future__ import annotations

import json
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
import requests

from core import clock
from core.errors import Away, Unavailable, UserError
from router import pem
from router.acme_account import Account
from router.acme_binding import Binding, binding
from router.acme_client import connect, retry_after_s
from router.acme_settings import AcmeSettings
from router.acme_tables import AccountRow
from router.acme_types import Authority, ChallengeKind, Order, OrderStatus, Refused
from tests.router.authorities import MemoryAuthority
from tests.router.pebble import Pebble

HTTP = ChallengeKind.HTTP
EAB_KEY = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"


class Answers(ThreadingHTTPServer):
    """Serves what stands in `found`, as HAProxy does from its map."""

    daemon_threads = True

    def __init__(self) -> None:
        self.found: dict[str, str] = {}
        answers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = answers.found.get(self.path.rpartition("/")[2], "").encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()


@pytest.fixture
def answers() -> Iterator[Answers]:
    served = Answers()
    yield served
    served.shutdown()
    served.server_close()


@pytest.fixture
def account(database, tmp_path) -> Account:
    return Account(database, tmp_path / "secret.key", "somewhere")


@pytest.fixture(params=["memory", pytest.param("pebble", marks=pytest.mark.engine)])
def authority(request, answers, account, tmp_path) -> Iterator[Authority]:
    if request.param == "memory":
        yield MemoryAuthority(answers.found.get)
        return
    pebble = Pebble(answers.server_port, tmp_path)
    try:
        pebble.start()
        yield connect(pebble.acme(), account)
    finally:
        pebble.stop()


def settled(authority: Authority, order: Order, *working: OrderStatus) -> Order:
    """The order once it has left the states `working`."""
    deadline = time.monotonic() + 20
    while order.status in working:
        assert time.monotonic() < deadline
        time.sleep(0.05)
        order = authority.look(order.url, HTTP)
    return order


def test_a_host_that_is_proven_gets_a_certificate_for_the_key_of_the_request(authority, answers):
    order = authority.begin("www.example.com", HTTP)
    assert order.status is OrderStatus.PENDING
    assert order.challenge is not None
    assert not order.challenge.told
    assert authority.look(order.url, HTTP).challenge == order.challenge
    answers.found[order.challenge.token] = order.challenge.answer
    authority.accept(order.challenge)
    order = settled(authority, order, OrderStatus.PENDING)
    assert (order.status, order.challenge) == (OrderStatus.READY, None)
    key = pem.new_key_pem()
    authority.finalize(order, pem.signing_request("www.example.com", key))
    order = settled(authority, order, OrderStatus.READY, OrderStatus.PROCESSING)
    assert order.status is OrderStatus.VALID
    assert pem.check_pair(authority.chain(order), key).certificate.names == ("www.example.com",)


def test_a_host_that_answers_something_else_is_refused_with_the_reason(authority, answers):
    order = authority.begin("www.example.com", HTTP)
    assert order.challenge is not None
    answers.found[order.challenge.token] = "something else"
    authority.accept(order.challenge)
    order = settled(authority, order, OrderStatus.PENDING)
    assert order.status is OrderStatus.INVALID
    assert "something else" in order.reason
    assert "\n" not in order.reason


def test_an_order_that_it_does_not_know_is_refused(authority):
    known = authority.begin("www.example.com", HTTP).url
    with pytest.raises(Refused):
        authority.look(f"{known}-unknown", HTTP)


@pytest.mark.engine
def test_the_account_is_made_once_and_its_key_is_sealed(answers, database, tmp_path):
    pebble = Pebble(answers.server_port, tmp_path)
    account = Account(database, tmp_path / "secret.key", "somewhere")
    try:
        pebble.start()
        connect(pebble.acme(), account)
        url = account.url()
        account.known_as(None)  # as a crash between the authority's answer and the record of it
        connect(pebble.acme(), account)
        assert account.url() == url
    finally:
        pebble.stop()
    with database.read() as session:
        (row,) = session.query(AccountRow).all()
    assert "PRIVATE" not in row.sealed_key
    assert account.key_pem() == Account(database, tmp_path / "secret.key", "somewhere").key_pem()


@pytest.fixture
def hmac_file(tmp_path):
    path = tmp_path / "eab.key"
    path.write_text(f"{EAB_KEY}\n")
    path.chmod(0o600)
    return path


@pytest.mark.engine
def test_an_account_is_bound_to_an_external_one_where_the_authority_wants_that(
    answers, account, tmp_path, hmac_file, caplog
):
    pebble = Pebble(answers.server_port, tmp_path, bound_by={"kid-1": EAB_KEY})
    bound = pebble.acme(eab_key_id="kid-1", eab_hmac_file=str(hmac_file))
    try:
        pebble.start()
        with pytest.raises(Unavailable, match=r"only takes accounts that are bound .* PORTSIDE_ACME_EAB_KEY_ID"):
            connect(pebble.acme(), account)
        with pytest.raises(Refused, match="kid"):
            connect(replace(bound, eab_key_id="unknown-kid"), account)
        assert account.url() is None
        assert connect(bound, account).begin("www.example.com", HTTP).status is OrderStatus.PENDING
        hmac_file.unlink()  # it is needed no more
        connect(bound, account)
    finally:
        pebble.stop()
    assert EAB_KEY not in f"{caplog.text} {bound} {binding(AcmeSettings())}"


def test_a_key_that_others_may_read_or_that_is_none_is_refused(hmac_file):
    bound = AcmeSettings(eab_key_id="kid-1", eab_hmac_file=str(hmac_file))
    assert binding(bound) == Binding("kid-1", EAB_KEY)
    assert EAB_KEY not in repr(binding(bound))
    hmac_file.chmod(0o640)
    with pytest.raises(Unavailable, match=rf"may be read by others \(mode 640\). Do: chmod 600 {hmac_file}"):
        binding(bound)
    hmac_file.chmod(0o600)
    hmac_file.write_text("my key")
    with pytest.raises(Unavailable, match="does not hold a key in base64url") as refused:
        binding(bound)
    assert "my key" not in refused.value.message
    hmac_file.unlink()
    with pytest.raises(Unavailable, match=r"can't be read \(FileNotFoundError\)"):
        binding(bound)


def test_another_directory_or_another_external_account_is_another_account():
    settings = AcmeSettings(eab_key_id="kid-1", eab_hmac_file="f")
    others = AcmeSettings(), replace(settings, eab_key_id="kid-2"), replace(settings, directory="https://other/dir")
    assert len({each.account for each in (settings, *others)}) == 4
    assert AcmeSettings().account == AcmeSettings().directory
    with pytest.raises(UserError, match="only one is set; they go together"):
        AcmeSettings(eab_key_id="kid-1")


@pytest.mark.engine
def test_an_address_that_changed_is_told_to_the_authority_once(answers, account, tmp_path, caplog):
    def contact() -> list[str]:
        authority = connect(pebble.acme(email=email), account)
        return authority._post(account.url()).json().get("contact", [])

    pebble = Pebble(answers.server_port, tmp_path)
    try:
        pebble.start()
        for email, told in (
            ("one@example.com", ["mailto:one@example.com"]),
            ("two@example.com, ops@example.com", ["mailto:two@example.com", "mailto:ops@example.com"]),
            ("", []),
        ):
            assert contact() == told
            assert account.email() == email
        account.told("unlike@example.com")  # as of an account that an earlier version made, when nothing was recorded
        email = "three@example.com"
        assert contact() == ["mailto:three@example.com"]
        email = "no address"
        assert contact() == ["mailto:three@example.com"]  # certificates are asked for all the same
        assert account.email() == "three@example.com"
        assert "does not take no address as contact" in caplog.text
        asked = pebble.log().count("POST /my-account/")
        assert asked > 0
        email = "three@example.com"
        connect(pebble.acme(email=email), account)
        assert pebble.log().count("POST /my-account/") == asked
    finally:
        pebble.stop()


class Suggesting(ThreadingHTTPServer):
    """Stands before an authority, and tells of each certificate of `known` when it wants it renewed. As there are those
    that know certificates that are replaced already, it refuses orders in place of one."""

    daemon_threads = True

    def __init__(self, directory: dict[str, object]) -> None:
        self.known: dict[str, str] = {}
        self.ordered: list[dict[str, object]] = []
        suggesting = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/dir":
                    own = {"renewalInfo": f"{suggesting.url}/renewal", "newOrder": f"{suggesting.url}/order"}
                    self.answer(200, {**directory, **own})
                    return
                begin = suggesting.known.get(self.path.removeprefix("/renewal/"))
                window = {"start": begin, "end": "2026-03-02T00:00:00Z"}
                problem = {"type": "urn:ietf:params:acme:error:malformed", "detail": "unknown"}
                self.answer(200 if begin else 404, {"suggestedWindow": window} if begin else problem)

            def do_POST(self) -> None:
                told = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["payload"]
                words = json.loads(urlsafe_b64decode(told + "=" * (-len(told) % 4)))
                suggesting.ordered.append(words)
                code = "alreadyReplaced" if "replaces" in words else "rateLimited"
                problem = {"type": f"urn:ietf:params:acme:error:{code}", "detail": "no more"}
                self.answer(409 if "replaces" in words else 429, problem)

            def answer(self, status: int, words: dict[str, object]) -> None:
                body = json.dumps(words).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.mark.engine
def test_an_authority_tells_when_it_wants_a_certificate_renewed(answers, account, tmp_path):
    pebble = Pebble(answers.server_port, tmp_path)
    try:
        pebble.start()
        settings = pebble.acme()
        told = requests.get(settings.directory, verify=settings.ca_file, timeout=20).json()
        assert not connect(settings, account).suggests_renewals()
        assert connect(settings, account).renewal_window("A.B") is None
        with Suggesting(told) as suggesting:
            suggesting.known["A.B"] = "2026-03-01T00:00:00Z"
            authority = connect(replace(settings, directory=f"{suggesting.url}/dir"), account)
            assert authority.suggests_renewals()
            window = (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 2, tzinfo=UTC))
            assert authority.renewal_window("A.B") == window
            assert authority.renewal_window("") is None
            with pytest.raises(Refused, match="unknown"):
                authority.renewal_window("B.C")
            with pytest.raises(Refused, match="no more"):
                authority.begin("www.example.com", HTTP, "A.B")
            assert [words.get("replaces") for words in suggesting.ordered] == ["A.B", None]
            suggesting.shutdown()
    finally:
        pebble.stop()


class Crowded(BaseHTTPRequestHandler):
    """Has too much to do for anybody."""

    def do_GET(self) -> None:
        body = b'{"type": "urn:ietf:params:acme:error:rateLimited", "detail": "too many\\nrequests"}'
        self.send_response(429)
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Retry-After", "7200")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


def test_how_long_an_authority_wants_to_be_left_alone_is_told_with_its_words(account):
    with ThreadingHTTPServer(("127.0.0.1", 0), Crowded) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        with pytest.raises(Refused, match=r"^too many requests$") as refused:
            connect(AcmeSettings(directory=f"http://127.0.0.1:{server.server_port}/dir"), account)
        server.shutdown()
    assert refused.value.wait_s == 7200


def test_retry_after_is_seconds_or_a_date():
    def told(text: str) -> float:
        response = requests.Response()
        response.headers["Retry-After"] = text
        return retry_after_s(response)

    assert [told(text) for text in ("120", "soon", "", "Thu, 01 Jan 2026 00:00:00 GMT")] == [120.0, 0.0, 0.0, 0.0]
    assert 3500 < told(format_datetime(clock.after(3600), usegmt=True)) <= 3600


def test_an_authority_that_is_not_there_is_away(account):
    nobody = AcmeSettings(directory="http://127.0.0.1:9/dir")
    with pytest.raises(Away, match=r"The certificate authority at http://127.0.0.1:9/dir does not answer"):
        connect(nobody, account)


def test_an_address_that_is_no_directory_is_told_so(account, answers):
    answers.found["dir"] = "<html>"
    wrong = AcmeSettings(directory=f"http://127.0.0.1:{answers.server_port}/dir")
    with pytest.raises(Refused, match="gave an answer that is not ACME"):
        connect(wrong, account)
