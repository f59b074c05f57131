"""One order, from the first question to the certificate. What it does is recorded before it is done."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from core.database import Database
from core.errors import Away, PortsideError, Unavailable, UserError
from core.leases import Lease
from core.secrets import Sealer
from router import acme_plan, acme_records, pem
from router.acme_plan import Step, Trouble
from router.acme_records import Work
from router.acme_settings import AcmeSettings
from router.acme_tables import OrderState
from router.acme_types import Authority, Challenge, ChallengeKind, Order, OrderStatus, Refused
from router.dns_hook import DnsHook, HookFailed
from router.reach import Reach

_PAUSES_S = (0.1, 0.2, 0.4, 0.8, *[1.5] * 10)
"""Between the looks at an order that the authority works on, before a turn leaves it to a later one."""
_MOST_AWAY = 5
"""How often an order's authority may be away before the order is given up: it may be one that is used no more."""


class Pause(PortsideError):
    """The authority works on it: look again in `wait_s`."""

    def __init__(self, wait_s: float) -> None:
        super().__init__()
        self.wait_s = wait_s


class Stopped(PortsideError):
    """It goes no further. `over`: the order at the authority is dead, or there is none; the next attempt begins one."""

    def __init__(self, message: str, trouble: Trouble, wait_s: float = 0.0, over: bool = True) -> None:
        super().__init__(message)
        self.trouble = trouble
        self.wait_s = wait_s
        self.over = over


class Ordering:
    """`authority` connects to it; `publish` makes HAProxy answer with a token in the records. Either may raise
    Unavailable."""

    def __init__(
        self,
        database: Database,
        settings: AcmeSettings,
        sealer: Callable[[], Sealer],
        authority: Callable[[], Authority],
        reach: Reach,
        publish: Callable[[str], None],
    ) -> None:
        self._database = database
        self._settings = settings
        self._sealer = sealer
        self._connect = authority
        self._reach = reach
        self._publish = publish
        self._hook = DnsHook(settings.dns_hook, settings.dns_hook_timeout_s)

    def work_on(self, work: Work, lease: Lease, replaces: str = "") -> pem.Pair:
        """Take the order as far as it goes: a certificate with its key, or Pause, or Stopped."""
        kind = acme_plan.kind_of(work.host, self._settings)
        try:
            if work.url is None and kind is ChallengeKind.HTTP and self._settings.check_reach:
                self._check_reach(work, lease)
            return self._to_the_end(work, lease, kind, self._connect(), replaces)
        except Refused as refused:
            raise Stopped(f"The authority says: {refused.message}", Trouble.REFUSED, refused.wait_s) from refused
        except HookFailed as failed:
            raise Stopped(f"{failed.message}.", Trouble.UNREACHED) from failed
        except Away as away:
            over = work.failures >= _MOST_AWAY
            raise Stopped(away.message, Trouble.AWAY, over=over) from away
        except Unavailable as unavailable:
            raise Stopped(unavailable.message, Trouble.UNREACHED, over=False) from unavailable

    def tidy(self, order_id: str) -> None:
        """Remove what an order that is over left outside of our own records."""
        with self._database.read() as session:
            work = acme_records.work(session, order_id)
        if work is not None and work.answer is not None and work.token is None:
            self._hook.remove(acme_plan.record_name(work.host), work.answer)

    def _check_reach(self, work: Work, lease: Lease) -> None:
        """See that a token of our own is found at the host: an order that can't succeed is not begun."""
        token = secrets.token_urlsafe(32)
        answer = f"{token}.{secrets.token_urlsafe(32)}"
        self._record(work, lease, token=token, answer=answer)
        self._publish(token)
        trouble = self._reach.trouble(work.host, token, answer)
        if trouble:
            raise Stopped(trouble, Trouble.UNREACHED)

    def _to_the_end(
        self, work: Work, lease: Lease, kind: ChallengeKind, authority: Authority, replaces: str
    ) -> pem.Pair:
        order, key = self._begun(work, lease, kind, authority, replaces)
        for pause_s in _PAUSES_S:
            lease.check()
            match acme_plan.next_step(order):
                case Step.ANSWER if order.challenge is not None:
                    self._answer(work, lease, order.challenge)
                    authority.accept(order.challenge)
                case Step.FINALIZE:
                    authority.finalize(order, pem.signing_request(work.host, key))
                case Step.FETCH:
                    return _checked(authority.chain(order), key)
                case Step.GIVE_UP:
                    raise Refused(order.reason, order.wait_s)
                case _:
                    if order.wait_s > max(_PAUSES_S):
                        break
            lease.lost.wait(pause_s)
            order = authority.look(order.url, kind)
        raise Pause(max(order.wait_s, acme_plan.LOOK_S))

    def _begun(
        self, work: Work, lease: Lease, kind: ChallengeKind, authority: Authority, replaces: str
    ) -> tuple[Order, str]:
        """The order that is under way, if it is still good for anything, or a new one; with its certificate's key."""
        if work.url is not None and work.sealed_key is not None:
            try:
                order = authority.look(work.url, kind)
                if order.status is not OrderStatus.INVALID:
                    return order, self._sealer().unseal(work.sealed_key)["key"]
            except Refused:
                pass  # the authority has forgotten it
        key = pem.new_key_pem()
        order = authority.begin(work.host, kind, replaces)
        self._record(work, lease, url=order.url, sealed_key=self._sealer().seal({"key": key}))
        return order, key

    def _answer(self, work: Work, lease: Lease, challenge: Challenge) -> None:
        """Put the answer where the authority looks for it."""
        if challenge.kind is ChallengeKind.HTTP:
            self._record(work, lease, token=challenge.token, answer=challenge.answer)
            self._publish(challenge.token)
        else:
            self._record(work, lease, token=None, answer=challenge.answer)
            self._hook.set(acme_plan.record_name(work.host), challenge.answer)

    def _record(self, work: Work, lease: Lease, **values: object) -> None:
        with self._database.write() as session:
            acme_records.move(session, lease, work.id, OrderState.PENDING, **values)


def _checked(chain: str, key: str) -> pem.Pair:
    try:
        return pem.check_pair(chain, key)
    except UserError as error:
        raise Refused(f"the certificate that it gave does not serve: {error.message}") from error
