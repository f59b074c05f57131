"""The life of an order, from the wish to the certificate: the records, with authorities in memory."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from core import clock
from core.leases import Leases
from core.secrets import Sealer
from router import HostState, pem
from router.acme_settings import AcmeSettings
from router.acme_tables import OrderRow
from router.acme_types import Authority, HostCertificate
from router.automatic import Automatic
from router.front_plan import FrontMap
from router.issuing import Issuing
from router.ordering import Ordering
from router.reach import Reach
from router.renewing import Renewing
from router.tables import CertificateRow
from tests.router.authorities import BusyAuthority, LimitingAuthority, MemoryAuthority, away
from tests.router.authority import Authority as Signer

HOST = "www.example.com"
SETTINGS = AcmeSettings(agree_terms=True, check_reach=False)


class ReachedNowhere(Reach):
    """As the internet sees a host whose name nobody has heard of."""

    def trouble(self, host: str, token: str, answer: str) -> str:
        return f"{host} does not resolve."


class Bench:
    """A router with a memory of HAProxy, an app with a domain, and a worker that does at once what is due."""

    def __init__(self, router, database, front, app_id, home) -> None:
        self.router, self.database, self.front, self.app_id = router, database, front, app_id
        self.leases = Leases(database)
        self._sealer = Sealer(home / "secret.key")
        self.authority: Callable[[], Authority] = lambda: self.memory
        self.memory = MemoryAuthority(lambda token: front.maps[FrontMap.CHALLENGES].get(token))
        self.use(SETTINGS)

    def use(self, settings: AcmeSettings, reach: Reach | None = None) -> None:
        """Work with other settings, as after a restart."""
        parts = (lambda: self._sealer, lambda: self.authority(), reach or Reach())
        ordering = Ordering(self.database, settings, *parts, self.router.agreement.apply_front)
        self.due: list[str] = []
        changed, certificates = self.router.agreement.front_changed, self.router.certificates
        doors = (self.due.append, changed, self.router.notices.note)
        self.issuing = Issuing(self.database, self.leases, "apps.test", settings, certificates, ordering, *doors)
        self.automatic = Automatic(self.database, "apps.test", settings, wake=self.work)

    def work(self) -> None:
        self.issuing.sweep()
        while self.due:
            self.issuing.turn(self.due.pop(0))

    def host(self, host: str = HOST) -> HostCertificate:
        return next(each for each in self.automatic.hosts(self.app_id) if each.host == host)

    def due_now(self) -> None:
        with self.database.write() as session:
            session.query(OrderRow).update({"next_at": clock.now()})

    def row(self) -> OrderRow:
        with self.database.read() as session:
            return session.query(OrderRow).filter_by(host=HOST).one()

    def told(self) -> list[str]:
        return [line.text for line in self.router.notices.tail(self.app_id, 99)]

    def shown(self) -> list[str]:
        return [file.rpartition("--")[0].removeprefix("certs/") for file in self.front.certificates]


@pytest.fixture
def bench(memory_router, memory_front, database, app_id, tmp_path) -> Bench:
    memory_router.name_app(app_id, "shop")
    memory_router.add_domain(app_id, HOST)
    return Bench(memory_router, database, memory_front, app_id, tmp_path)


def test_an_enabled_app_gets_certificates_for_its_public_hosts_and_is_told_of_the_others(bench):
    bench.automatic.enable(bench.app_id)
    issued, platform = bench.host(), bench.host("shop.apps.test")
    assert (issued.state, issued.certificate) == (HostState.ISSUED, f"{HOST}-auto")
    assert (platform.state, platform.certificate) == (HostState.EXCLUDED, None)
    assert platform.reason.startswith(".test is not a public domain")
    assert bench.shown() == [HOST]
    assert bench.front.maps[FrontMap.CHALLENGES] == {}
    (kept,) = bench.router.certificates.all(bench.app_id)
    assert (kept.automatic, kept.names) == (True, (HOST,))


def test_domains_that_are_added_later_get_theirs_by_themselves(bench):
    bench.automatic.enable(bench.app_id)
    bench.router.add_domain(bench.app_id, "later.example.com")
    assert bench.host("later.example.com").state is HostState.PENDING
    bench.work()
    assert bench.host("later.example.com").state is HostState.ISSUED


def test_a_domain_that_is_removed_takes_its_certificate_along(bench):
    bench.automatic.enable(bench.app_id)
    bench.router.remove_domain(bench.app_id, HOST)
    bench.work()
    assert bench.router.certificates.all(bench.app_id) == []
    with bench.database.read() as session:
        assert session.query(OrderRow).count() == 0


def test_what_is_there_is_served_on_after_disabling_and_not_asked_for_again(bench):
    bench.automatic.enable(bench.app_id)
    bench.automatic.disable(bench.app_id)
    assert bench.shown() == [HOST]
    assert bench.automatic.hosts(bench.app_id) == []
    bench.automatic.enable(bench.app_id)
    assert bench.host().state is HostState.ISSUED
    assert len(bench.memory.orders) == 1


def test_a_host_with_a_certificate_of_peoples_own_is_left_alone(bench):
    bench.router.certificates.add(bench.app_id, *Signer().issue("*.example.com"))
    bench.automatic.enable(bench.app_id)
    assert bench.host().state is HostState.OWN
    assert bench.memory.orders == {}


def test_one_of_peoples_own_that_is_about_to_expire_is_followed_by_an_automatic_one(bench):
    bench.router.certificates.add(bench.app_id, *Signer().issue(HOST, days=20))
    bench.automatic.enable(bench.app_id)
    assert (bench.host().state, bench.host().certificate) == (HostState.ISSUED, f"{HOST}-auto")


def test_a_host_that_does_not_lead_here_is_told_so_and_nothing_is_ordered(bench):
    bench.use(AcmeSettings(agree_terms=True), ReachedNowhere())
    bench.automatic.enable(bench.app_id)
    assert (bench.host().state, bench.host().reason) == (HostState.FAILING, f"{HOST} does not resolve.")
    assert bench.memory.orders == {}
    assert bench.front.maps[FrontMap.CHALLENGES] == {}
    bench.use(SETTINGS)
    bench.automatic.refresh(bench.app_id)
    assert bench.host().state is HostState.ISSUED


def test_an_authority_that_limits_is_left_alone_for_as_long_as_it_asks(bench):
    bench.authority = lambda: LimitingAuthority(wait_s=86_400)
    before = clock.now()
    bench.automatic.enable(bench.app_id)
    told = bench.host()
    assert told.reason == "The authority says: too many certificates already issued"
    assert told.next_at - before >= timedelta(days=1)
    bench.work()
    assert bench.row().failures == 1


def test_failures_in_a_row_are_counted_until_one_succeeds(bench):
    bench.authority = lambda: LimitingAuthority(wait_s=0)
    bench.automatic.enable(bench.app_id)
    bench.due_now()
    bench.work()
    assert bench.row().failures == 2
    bench.authority = lambda: bench.memory
    bench.due_now()
    bench.work()
    assert (bench.row().failures, bench.row().reason) == (0, "")


def test_the_apps_log_tells_of_each_certificate(bench):
    bench.automatic.enable(bench.app_id)
    until = clock.iso(bench.host().expires_at)
    assert bench.told() == [f"{HOST}: certificate issued, good until {until}"]
    bench.due_now()
    bench.work()
    until = clock.iso(bench.host().expires_at)
    assert bench.told()[1:] == [f"{HOST}: certificate renewed, good until {until}"]
    bench.router.forget_app(bench.app_id)
    assert bench.told() == []


def test_the_apps_log_tells_of_failures_with_what_to_do_and_does_not_repeat_itself(bench):
    bench.use(AcmeSettings(agree_terms=True), ReachedNowhere())
    bench.automatic.enable(bench.app_id)
    next_at = clock.iso(bench.host().next_at)
    assert bench.told() == [
        f"{HOST}: no certificate: {HOST} does not resolve. Once that is mended: portside certs:auto refresh."
        f" Next attempt: {next_at}."
    ]
    for _ in range(9):
        bench.due_now()
        bench.work()
    assert bench.row().failures == 10
    assert len(bench.told()) == 4  # the 1st, 2nd, 4th and 8th
    bench.use(SETTINGS)
    bench.authority = lambda: LimitingAuthority(wait_s=0)
    bench.due_now()
    bench.work()
    assert "The authority says: too many certificates" in bench.told()[-1]


def test_the_apps_log_tells_how_long_the_certificate_lasts_that_is_not_renewed(bench):
    bench.automatic.enable(bench.app_id)
    until = clock.iso(bench.host().expires_at)
    bench.authority = away
    bench.due_now()
    bench.work()
    (failed,) = bench.told()[1:]
    assert f"{HOST}: certificate not renewed (the one that is shown lasts until {until}): The certificate" in failed


def test_an_authority_that_is_away_is_told_and_nothing_is_lost(bench):
    bench.authority = away
    bench.automatic.enable(bench.app_id)
    assert bench.host().state is HostState.FAILING
    assert "does not answer" in bench.host().reason


def test_a_certificate_that_its_authority_wants_renewed_is_renewed_then(bench):
    bench.automatic.enable(bench.app_id)
    (first,) = bench.router.certificates.all(bench.app_id)
    usual = bench.row().next_at
    renewing = Renewing(bench.database, SETTINGS, bench.router.certificates, lambda: bench.authority())
    renewing.ask()
    assert bench.row().next_at == usual  # it suggests nothing
    start, end = clock.after(86_400), clock.after(2 * 86_400)
    bench.memory.window = (start, end)
    renewing.look()
    planned = bench.row().next_at
    assert start <= planned <= end
    for authority in (away, lambda: LimitingAuthority(wait_s=60)):
        bench.authority = authority
        renewing.ask()
        assert bench.row().next_at == planned
    bench.authority = lambda: bench.memory
    bench.memory.window = (clock.after(-2 * 86_400), clock.after(-86_400))  # as before it is revoked
    renewing.look()
    assert bench.row().next_at == planned  # it has just been asked
    renewing.ask()
    bench.work()
    (renewed,) = bench.router.certificates.all(bench.app_id)
    assert renewed.chain != first.chain
    assert bench.memory.replaced == ["", pem.renewal_id(first.chain)]


def test_an_order_that_takes_long_is_looked_at_later_and_gone_on_with(bench):
    busy = BusyAuthority(lambda token: bench.front.maps[FrontMap.CHALLENGES].get(token))
    bench.authority = lambda: busy
    bench.automatic.enable(bench.app_id)
    row = bench.row()
    assert (row.state, row.failures, row.url) == ("pending", 0, "memory:0")
    assert row.next_at > clock.after(500)
    busy.done = True
    bench.due_now()
    bench.work()
    assert bench.host().state is HostState.ISSUED
    assert len(busy.orders) == 1


def test_an_order_at_an_authority_that_is_used_no_more_is_given_up(bench):
    busy = BusyAuthority(lambda token: bench.front.maps[FrontMap.CHALLENGES].get(token))
    bench.authority = lambda: busy
    bench.automatic.enable(bench.app_id)
    order = bench.row().url
    bench.authority = away
    for _ in range(5):
        bench.due_now()
        bench.work()
        assert bench.row().url == order
    bench.due_now()
    bench.work()
    assert bench.row().url is None
    bench.authority = lambda: bench.memory
    bench.due_now()
    bench.work()
    assert bench.host().state is HostState.ISSUED


def test_a_renewal_that_fails_leaves_the_old_certificate_in_force(bench):
    bench.automatic.enable(bench.app_id)
    before = list(bench.front.certificates)
    bench.authority = lambda: LimitingAuthority(wait_s=0)
    bench.due_now()
    bench.work()
    told = bench.host()
    assert (told.state, told.certificate) == (HostState.FAILING, f"{HOST}-auto")
    assert list(bench.front.certificates) == before


def test_a_certificate_that_does_not_serve_is_not_put_in_force(bench):
    class MuddledAuthority(MemoryAuthority):
        """Gives everybody the same certificate."""

        def chain(self, order):
            return Signer().issue(HOST)[0]

    muddled = MuddledAuthority(lambda token: bench.front.maps[FrontMap.CHALLENGES].get(token))
    bench.authority = lambda: muddled
    bench.automatic.enable(bench.app_id)
    assert bench.host().reason.startswith(
        "The authority says: the certificate that it gave does not serve: The key does not belong"
    )
    assert bench.shown() == []


def test_a_program_for_dns_that_fails_is_quoted(bench, tmp_path):
    hook = tmp_path / "hook"
    hook.write_text('#!/bin/sh\necho "no zone for $2" >&2\nexit 3\n')
    hook.chmod(0o700)
    bench.use(AcmeSettings(agree_terms=True, challenge="dns", dns_hook=str(hook)))
    bench.automatic.enable(bench.app_id)
    assert bench.host().reason == f"{hook} set ended with exit code 3: no zone for _acme-challenge.{HOST}."


def test_two_workers_never_work_on_one_order(bench):
    bench.authority = away
    bench.automatic.enable(bench.app_id)
    bench.authority = lambda: bench.memory
    bench.due_now()
    with bench.leases.held(f"certificate {bench.row().id}"):
        bench.issuing.turn(bench.row().id)
        bench.work()
        assert bench.memory.orders == {}
    bench.work()
    assert bench.host().state is HostState.ISSUED


def test_a_turn_that_ends_without_a_word_is_not_repeated_at_once(bench):
    def broken() -> Authority:
        raise RuntimeError

    bench.authority = broken
    with pytest.raises(RuntimeError):
        bench.automatic.enable(bench.app_id)
    assert bench.row().failures == 1
    bench.work()  # not due, so nothing is raised
    assert bench.row().next_at > clock.now()


def test_a_destroyed_app_leaves_no_order(bench):
    bench.automatic.enable(bench.app_id)
    bench.router.forget_app(bench.app_id)
    bench.work()
    with bench.database.read() as session:
        assert (session.query(OrderRow).count(), session.query(CertificateRow).count()) == (0, 0)
    assert bench.automatic.apps() == frozenset()


def test_a_certificate_that_people_put_in_its_place_is_theirs(bench):
    bench.automatic.enable(bench.app_id)
    bench.router.certificates.update(bench.app_id, f"{HOST}-auto", *Signer().issue(HOST))
    bench.work()
    assert bench.host().state is HostState.OWN
    (kept,) = bench.router.certificates.all(bench.app_id)
    assert kept.automatic is False
    bench.router.certificates.update(bench.app_id, f"{HOST}-auto", *Signer().issue(HOST, days=10))
    bench.work()
    assert (bench.host().state, bench.host().certificate) == (HostState.ISSUED, f"{HOST}-auto-2")


class Killed(BaseException):
    """As kill -9: nothing after it runs."""


class DeadlyAuthority(MemoryAuthority):
    """Whoever calls `method` first is killed, `before` it does anything or right after."""

    method, before, armed = "", False, True

    def __getattribute__(self, name):
        found = super().__getattribute__(name)
        if name not in ("begin", "look", "accept", "finalize", "chain") or name != self.method or not self.armed:
            return found

        def deadly(*arguments):
            self.armed = False
            if not self.before:
                found(*arguments)
            raise Killed

        return deadly


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("method", ["begin", "look", "accept", "finalize", "chain"])
def test_a_worker_that_is_killed_at_any_step_is_followed_by_one_that_goes_on(bench, method, before):
    deadly = DeadlyAuthority(lambda token: bench.front.maps[FrontMap.CHALLENGES].get(token))
    deadly.method, deadly.before = method, before
    bench.authority = lambda: deadly
    with pytest.raises(Killed):
        bench.automatic.enable(bench.app_id)
    assert bench.row().state == "pending"
    bench.due_now()
    bench.work()
    assert bench.host().state is HostState.ISSUED
    assert bench.shown() == [HOST]
    assert len(deadly.orders) == (2 if (method, before) == ("begin", False) else 1)


def test_an_automatic_certificate_that_people_remove_is_asked_for_anew(bench):
    bench.automatic.enable(bench.app_id)
    bench.router.certificates.remove(bench.app_id, f"{HOST}-auto")
    assert bench.shown() == []
    bench.work()
    assert bench.host().certificate == f"{HOST}-auto"
    bench.automatic.disable(bench.app_id)
    bench.router.certificates.remove(bench.app_id, f"{HOST}-auto")
    bench.work()
    assert bench.router.certificates.all(bench.app_id) == []


def test_an_authority_that_goes_away_in_the_middle_still_finds_the_answer_when_it_is_back(bench):
    class LeavingAuthority(MemoryAuthority):
        """Is away as soon as it has been told that the answer is there."""

        here = True

        def look(self, url, kind):
            return super().look(url, kind) if self.here else away()

        def accept(self, challenge):
            self.here = False

    leaving = LeavingAuthority(lambda token: bench.front.maps[FrontMap.CHALLENGES].get(token))
    bench.authority = lambda: leaving
    bench.automatic.enable(bench.app_id)
    assert bench.host().state is HostState.FAILING
    (order,) = leaving.orders.values()
    assert bench.front.maps[FrontMap.CHALLENGES] == {order.challenge.token: order.challenge.answer}
    MemoryAuthority.accept(leaving, order.challenge)
    leaving.here = True
    bench.automatic.refresh(bench.app_id)
    assert bench.host().state is HostState.ISSUED
    assert len(leaving.orders) == 1


def test_keys_are_sealed_in_the_records(bench):
    busy = BusyAuthority(lambda token: bench.front.maps[FrontMap.CHALLENGES].get(token))
    bench.authority = lambda: busy
    bench.automatic.enable(bench.app_id)
    assert bench.row().sealed_key
    assert "PRIVATE" not in bench.row().sealed_key
