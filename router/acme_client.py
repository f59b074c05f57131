"""A certificate authority over ACME (RFC 8555), by the `acme` library. Nothing else imports that library.

Its `ClientV2` waits in place and keeps orders in memory; here an order is its address, so that any process may go on
with it. So only the library's wire and messages are used.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, cast

import requests
from acme import errors, messages
from acme.client import ClientNetwork, ClientV2
from cryptography import x509
from josepy.errors import Error as JoseError
from josepy.interfaces import JSONDeSerializable
from josepy.jwa import ES256
from josepy.jwk import JWK, JWKEC

from core import clock
from core.errors import Away
from router.acme_account import Account
from router.acme_binding import binding, lacking
from router.acme_settings import AcmeSettings
from router.acme_types import Challenge, ChallengeKind, Order, OrderStatus, Refused

log = logging.getLogger("portside.certificates")

_TIMEOUT_S = 30
_MOST_WORDS = 600
_NO_ACCOUNT = "accountDoesNotExist"
_RENEWALS = "renewalInfo"
_NOT_REPLACED = ("malformed", "unauthorized", None)
"""How an authority may refuse an order in place of a certificate that it does not know, or of another account."""


def connect(settings: AcmeSettings, account: Account) -> AcmeAuthority:
    """The authority of the settings, with an account at it, which is made at first use. Raises Away, Refused."""
    key = JWKEC.load(account.key_pem().encode())
    trusted = cast(bool, settings.ca_file or True)  # handed on to requests, which takes a path as well
    net = _Network(key, alg=ES256, verify_ssl=trusted, user_agent="Portside", timeout=_TIMEOUT_S)
    with _translated(net, settings.directory):
        client = ClientV2(ClientV2.get_directory(settings.directory, net), net)
        net.account = _registered(client, account, settings)
        _keep_contact(client, net.account, account, settings.email)
    return AcmeAuthority(settings.directory, client, key, lambda: account.known_as(None))


def _registered(client: ClientV2, account: Account, settings: AcmeSettings) -> messages.RegistrationResource:
    """A key that the authority knows already gives the account that it has with it."""
    url = account.url()
    if url is None:
        wish = messages.NewRegistration.from_data(
            email=settings.email.replace(" ", "") or None,
            terms_of_service_agreed=True,
            external_account_binding=_bound(client, settings),
        )
        try:
            url = str(client.new_account(wish).uri)
            account.told(settings.email)
        except errors.ConflictError as known:
            url = str(known.location)
        account.known_as(url)
    return messages.RegistrationResource(uri=url, body=messages.Registration())


def _bound(client: ClientV2, settings: AcmeSettings) -> dict[str, Any] | None:
    found = binding(settings)
    if found is not None:
        key = cast(JWK, client.net.key).public_key()
        return messages.ExternalAccountBinding.from_data(key, found.key_id, found.hmac_key, client.directory)
    if client.external_account_required():
        raise lacking(settings.directory)
    return None


def _keep_contact(client: ClientV2, known: messages.RegistrationResource, account: Account, email: str) -> None:
    """Tell the authority where to write to, where that is not what it was told. If it does not like that, certificates
    are asked for all the same."""
    if account.email() == email:
        return
    contact = messages.UpdateRegistration(contact=tuple(f"mailto:{each.strip()}" for each in email.split(",") if each))
    try:
        client.net.post(known.uri, contact, new_nonce_url=client.directory["newNonce"])
    except messages.Error as error:
        if error.code == _NO_ACCOUNT:
            account.known_as(None)
            raise
        log.warning("the certificate authority does not take %s as contact: %s", email or "no address", _words(error))
        return
    account.told(email)


class AcmeAuthority:
    """The real one."""

    def __init__(self, name: str, client: ClientV2, key: JWK, no_account: Callable[[], None]) -> None:
        self._name = name
        self._client = client
        self._net = cast(_Network, client.net)
        self._key = key
        self._no_account = no_account

    def begin(self, host: str, kind: ChallengeKind, replaces: str = "") -> Order:
        with self._translated():
            response = self._ordered(host, replaces if self.suggests_renewals() else "")
            return self._order(response.headers["Location"], response, kind)

    def _ordered(self, host: str, replaces: str) -> requests.Response:
        wish: dict[str, Any] = {"identifiers": [{"type": "dns", "value": host}]}
        if replaces:
            try:
                return self._post(self._client.directory["newOrder"], _Words(wish | {"replaces": replaces}))
            except errors.ConflictError:
                pass  # an order in its place was begun before
            except messages.Error as error:
                if error.code not in _NOT_REPLACED:
                    raise
        return self._post(self._client.directory["newOrder"], _Words(wish))

    def look(self, url: str, kind: ChallengeKind) -> Order:
        with self._translated():
            return self._order(url, self._post(url), kind)

    def accept(self, challenge: Challenge) -> None:
        with self._translated():
            self._post(challenge.url, _Words({}))  # RFC 8555, section 7.5.1: without any body it would be a question

    def finalize(self, order: Order, request: bytes) -> None:
        with self._translated():
            csr = messages.CertificateRequest(csr=x509.load_pem_x509_csr(request))
            self._post(order.finalize_url, csr)

    def chain(self, order: Order) -> str:
        with self._translated():
            return self._post(order.certificate_url).text

    def suggests_renewals(self) -> bool:
        return _RENEWALS in self._client.directory.to_partial_json()

    def renewal_window(self, renewal_id: str) -> tuple[datetime, datetime] | None:
        if not self.suggests_renewals() or not renewal_id:
            return None
        with self._translated():
            answer = self._net.get(f"{str(self._client.directory[_RENEWALS]).rstrip('/')}/{renewal_id}")
            window = messages.RenewalInfo.from_json(answer.json()).suggested_window
            return (window.start, window.end) if window.start and window.end else None

    def _order(self, url: str, response: requests.Response, kind: ChallengeKind) -> Order:
        wait_s = retry_after_s(response)
        body = messages.Order.from_json(response.json())
        status, left, reason = OrderStatus(str(body.status.to_partial_json())), None, ""
        if status in (OrderStatus.PENDING, OrderStatus.INVALID):
            for authorization in body.authorizations:
                answer = messages.Authorization.from_json(self._post(authorization).json())
                if answer.status == messages.STATUS_INVALID:
                    status, reason = OrderStatus.INVALID, reason or _why(answer)
                elif answer.status == messages.STATUS_PENDING:
                    left = self._challenge(answer, kind)
        if status is OrderStatus.INVALID and not reason:
            reason = _words(body.error) if body.error else "The authority gives no reason."
        return Order(url, status, body.finalize, body.certificate or "", left, reason, wait_s)

    def _challenge(self, authorization: messages.Authorization, kind: ChallengeKind) -> Challenge:
        for offered in authorization.challenges:
            if offered.chall.typ == kind:
                told = offered.status != messages.STATUS_PENDING
                token = offered.chall.encode("token")
                return Challenge(kind, offered.uri, token, offered.chall.validation(self._key), told)
        raise Refused(f"The authority offers no {kind} for {authorization.identifier.value}.")

    def _post(self, url: str, body: Any = None) -> requests.Response:
        """A signed request; without a body it asks for what is at `url` (RFC 8555, section 6.3)."""
        return self._net.post(url, body, new_nonce_url=self._client.directory["newNonce"])

    @contextmanager
    def _translated(self) -> Iterator[None]:
        with _translated(self._net, self._name, self._no_account):
            yield


class _Words(JSONDeSerializable):
    """What the library has no message for."""

    def __init__(self, words: dict[str, Any]) -> None:
        self._words = words

    def to_partial_json(self) -> dict[str, Any]:
        return self._words

    @classmethod
    def from_json(cls, words: Any) -> _Words:
        return cls(words)


class _Network(ClientNetwork):
    """Remembers how long the last answer asks to be left alone: the library's errors do not tell."""

    wait_s = 0.0

    def _send_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        self.wait_s = 0.0
        response = super()._send_request(method, url, *args, **kwargs)
        self.wait_s = retry_after_s(response)
        return response


@contextmanager
def _translated(net: _Network, name: str, no_account: Callable[[], None] = lambda: None) -> Iterator[None]:
    """The library's errors, and those of the network, as Refused and Away."""
    try:
        yield
    except messages.Error as error:
        if error.code == _NO_ACCOUNT:
            no_account()
        raise Refused(_words(error), net.wait_s) from error
    except requests.RequestException as error:
        message = f"The certificate authority at {name} does not answer: {type(error).__name__}."
        raise Away(message, "See that this server reaches it.") from error
    except (errors.Error, JoseError, KeyError, ValueError) as error:
        message = f"The certificate authority at {name} gave an answer that is not ACME ({type(error).__name__})."
        raise Refused(message, net.wait_s) from error


def _why(authorization: messages.Authorization) -> str:
    found = next((each.error for each in authorization.challenges if each.error is not None), None)
    return "" if found is None else _words(found)


def _words(error: messages.Error) -> str:
    """The authority's own words, on one line."""
    told = [error.detail or error.title or error.description or error.typ]
    told += [sub.detail for sub in error.subproblems or () if sub.detail]
    return re.sub(r"[\x00-\x20\x7f]+", " ", "; ".join(told)).strip()[:_MOST_WORDS]


def retry_after_s(response: requests.Response) -> float:
    """Seconds, or a date (RFC 9110, section 10.2.3); 0 for none, and for what is neither."""
    text = response.headers.get("Retry-After", "")
    if text.isdigit():
        return float(text)
    try:
        moment: datetime = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, (moment.replace(tzinfo=moment.tzinfo or UTC) - clock.now()).total_seconds())
