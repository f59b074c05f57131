"""Who gets to an app, and how much: in the records, and as HAProxy is told of it."""

from __future__ import annotations

import hashlib
import hmac

import pytest

from core.errors import NotFound, UserError
from core.ids import AppId, new_id
from router import TrafficLimits, TrafficTimeouts, Verdict
from router.front_plan import FrontMap, FrontTable, plan
from router.logins import hashed
from router.options import Admits, Options, encoded

PASSWORD = "correct horse"


def test_an_app_with_nothing_of_its_own_has_no_entry(memory_router, memory_front, app_id):
    gate = memory_router.gate
    gate.set_limits(app_id, TrafficLimits())
    gate.set_timeouts(app_id, TrafficTimeouts())
    gate.clear_rules(app_id)
    assert memory_front.maps[FrontMap.OPTIONS] == {}


def test_rules_of_access_are_kept_shown_and_taken_away(memory_router, memory_front, app_id):
    gate = memory_router.gate
    gate.add_rules(app_id, Verdict.ALLOW, ["10.0.0.0/8", "2001:db8::/32"])
    rules = gate.add_rules(app_id, Verdict.DENY, ["10.66.0.0/16"])
    assert [(rule.verdict.value, rule.network) for rule in rules] == [
        ("allow", "10.0.0.0/8"),
        ("allow", "2001:db8::/32"),
        ("deny", "10.66.0.0/16"),
    ]
    assert memory_front.maps[FrontMap.OPTIONS] == {app_id: "listed:0:0:0:0:0:0"}
    assert memory_front.maps[FrontMap.NETWORKS] == {
        f"{app_id}/8/0A": "allow",
        f"{app_id}/8/0A42": "deny",
        f"{app_id}/32/20010DB8": "allow",
    }
    assert gate.remove_rule(app_id, "10.0.0.0/8") == rules[0]
    gate.remove_rule(app_id, rules[1].id)
    assert memory_front.maps[FrontMap.OPTIONS] == {app_id: "others:0:0:0:0:0:0"}
    gate.clear_rules(app_id)
    assert memory_front.maps[FrontMap.OPTIONS] == memory_front.maps[FrontMap.NETWORKS] == {}


def test_a_network_that_is_known_changes_sides(memory_router, app_id):
    gate = memory_router.gate
    gate.add_rules(app_id, Verdict.ALLOW, ["10.0.0.0/8"])
    gate.add_rules(app_id, Verdict.DENY, ["10.0.0.0/8", "10.0.0.0/8"])
    assert [(rule.verdict, rule.network) for rule in gate.rules(app_id)] == [(Verdict.DENY, "10.0.0.0/8")]


def test_of_a_list_with_a_mistake_nothing_is_kept(memory_router, app_id):
    with pytest.raises(UserError, match="'nowhere' is neither an address nor a network"):
        memory_router.gate.add_rules(app_id, Verdict.ALLOW, ["10.0.0.0/8", "nowhere"])
    many = [f"10.0.{number}.0/24" for number in range(101)]
    with pytest.raises(UserError, match="An app can have 100 rules of access; these would be 101"):
        memory_router.gate.add_rules(app_id, Verdict.ALLOW, many)
    assert memory_router.gate.rules(app_id) == []


def test_an_unknown_rule_is_not_found(memory_router, app_id):
    with pytest.raises(NotFound) as caught:
        memory_router.gate.remove_rule(app_id, "10.0.0.0/8")
    assert str(caught.value) == "This app has no rule for 10.0.0.0/8.\nSee: portside access"


def test_another_apps_rule_is_not_found(memory_router, app_id):
    (rule,) = memory_router.gate.add_rules(app_id, Verdict.DENY, ["10.0.0.0/8"])
    with pytest.raises(NotFound):
        memory_router.gate.remove_rule(AppId(new_id()), rule.id)


def test_a_password_is_kept_as_its_digest_only(memory_router, memory_front, database, app_id):
    gate = memory_router.gate
    login = gate.set_login(app_id, "ann", PASSWORD)
    assert [each.name for each in gate.logins(app_id)] == ["ann"] == [login.name]
    assert memory_front.maps[FrontMap.OPTIONS] == {app_id: "all:asks:0:0:0:0:0"}
    entry = memory_front.maps[FrontMap.LOGINS][f"{app_id}/ann"]
    assert PASSWORD not in entry
    gate.set_login(app_id, "ann", PASSWORD)
    assert memory_front.maps[FrontMap.LOGINS][f"{app_id}/ann"] != entry, "another salt"
    gate.remove_login(app_id, "ann")
    assert memory_front.maps[FrontMap.OPTIONS] == memory_front.maps[FrontMap.LOGINS] == {}
    with pytest.raises(NotFound, match="This app has no user ann"):
        gate.remove_login(app_id, "ann")


def test_the_digest_is_an_hmac_with_the_salt_as_key():
    found = hashed("pässword", b"0123456789abcdef")
    assert found.salt == "MDEyMzQ1Njc4OWFiY2RlZg=="
    assert found.digest == hmac.new(b"0123456789abcdef", "pässword".encode(), hashlib.sha256).hexdigest().upper()


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("a:b", PASSWORD, "'a:b' can't be a user's name: it may hold letters, digits and . _ @ + -, 64 at most."),
        ("", PASSWORD, "'' can't be a user's name: it may hold letters, digits and . _ @ + -, 64 at most."),
        ("a b", PASSWORD, "'a b' can't be a user's name: it may hold letters, digits and . _ @ + -, 64 at most."),
        ("ann", "secret1", "The password has 7 characters; it needs 8 or more."),
        ("ann", "secret\n12", "The password is longer than 256 bytes, or has control characters."),
        ("ann", "ä" * 129, "The password is longer than 256 bytes, or has control characters."),
    ],
)
def test_a_login_that_will_not_do_is_refused_without_showing_the_password(
    memory_router, app_id, name, password, message
):
    with pytest.raises(UserError) as caught:
        memory_router.gate.set_login(app_id, name, password)
    assert caught.value.message == message
    assert memory_router.gate.logins(app_id) == []


def test_limits_and_timeouts_are_one_entry(memory_router, memory_front, app_id):
    gate = memory_router.gate
    gate.set_limits(app_id, TrafficLimits(requests_per_s=20, connections=5))
    gate.set_timeouts(app_id, TrafficTimeouts(idle_s=120, tunnel_s=7200))
    assert memory_front.maps[FrontMap.OPTIONS] == {app_id: "all:0:20:5:120000:7200000:0"}
    assert gate.limits(app_id) == TrafficLimits(20, 5)
    assert gate.timeouts(app_id) == TrafficTimeouts(120, 7200)
    assert gate.limits(AppId(new_id())) == TrafficLimits()


@pytest.mark.parametrize("value", [0, -1, 100_001])
def test_a_limit_out_of_bounds_is_refused(value):
    with pytest.raises(UserError) as caught:
        TrafficLimits(requests_per_s=value)
    assert caught.value.message == f"requests_per_second is {value}; it must be 1 to 100000."
    with pytest.raises(UserError, match="connections is"):
        TrafficLimits(connections=value)


def test_a_timeout_out_of_bounds_is_refused():
    with pytest.raises(UserError, match="idle_s is 90000; it must be 1 to 86400"):
        TrafficTimeouts(idle_s=90_000)
    with pytest.raises(UserError, match="tunnel_s is 0; it must be 1 to 604800"):
        TrafficTimeouts(tunnel_s=0)


def test_an_app_that_is_forgotten_leaves_nothing(memory_router, memory_front, app_id):
    other = AppId(new_id())
    gate = memory_router.gate
    for each in (app_id, other):
        gate.add_rules(each, Verdict.ALLOW, ["10.0.0.0/8"])
        gate.set_login(each, "ann", PASSWORD)
        gate.set_limits(each, TrafficLimits(1, 1))
    memory_router.forget_app(app_id)
    memory_router.forget_app(app_id)
    assert gate.rules(app_id) == gate.logins(app_id) == []
    assert memory_front.maps[FrontMap.OPTIONS].keys() == {other}
    assert all(key.startswith(other) for key in memory_front.maps[FrontMap.NETWORKS])


def test_an_app_never_asks_for_what_its_lists_do_not_hold():
    """A list is filled before it is asked for, and emptied after."""
    empty = FrontTable()
    full = FrontTable(
        {
            FrontMap.OPTIONS: {"a": encoded(Options(Admits.LISTED, True))},
            FrontMap.NETWORKS: {"a/8/0A": "allow"},
            FrontMap.LOGINS: {"a/ann": "salt:digest"},
        }
    )
    assert [command.text.split()[:3] for command in plan(full, empty, str)] == [
        ["add", "map", "networks.map"],
        ["add", "map", "logins.map"],
        ["add", "map", "options.map"],
    ]
    assert [command.text.split()[:3] for command in plan(empty, full, str)] == [
        ["del", "map", "options.map"],
        ["del", "map", "logins.map"],
        ["del", "map", "networks.map"],
    ]
