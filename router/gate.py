"""Who gets to an app, and how much of it: networks, logins, limits and timeouts, kept here and put into HAProxy."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core import clock
from core.database import Database
from core.errors import NotFound, UserError
from core.ids import AppId, new_id
from router import gate_records
from router.gate_types import AccessRule, Login, TrafficLimits, TrafficTimeouts, Verdict
from router.logins import check_name, hashed
from router.networks import network
from router.settings import RouterSettings
from router.tables import AccessRuleRow, LimitsRow, LoginRow

_MOST = 100  # of rules, and of logins, of one app


class Gate:
    """Safe to use from many threads and processes. `changed` makes HAProxy agree, now or as soon as it can."""

    def __init__(self, database: Database, settings: RouterSettings, changed: Callable[[], None]) -> None:
        self._database = database
        self._changed = changed
        self.usual_timeouts_s = (settings.silence_timeout_s, settings.tunnel_timeout_s)

    # --- networks ---

    def rules(self, app_id: AppId) -> list[AccessRule]:
        """The app's rules of access: the allowed first, each by network."""
        with self._database.read() as session:
            return [gate_records.rule_of(row) for row in gate_records.rules(session, app_id)]

    def add_rules(self, app_id: AppId, verdict: Verdict, texts: Sequence[str]) -> list[AccessRule]:
        """Allow or deny these networks, all or none of them; gives all rules of the app.

        One that is known changes sides. Raises UserError for what is no network, and for too many.
        """
        wanted = [str(network(text)) for text in texts]
        with self._database.write() as session:
            known = {row.network: row for row in gate_records.rules(session, app_id)}
            for name in wanted:
                if name in known:
                    known[name].verdict = verdict.value
                    continue
                values = {"network": name, "verdict": verdict.value, "created_at": clock.now()}
                known[name] = AccessRuleRow(id=new_id(), app_id=app_id, **values)
                session.add(known[name])
            _check_count(len(known), "rules of access")
        self._changed()
        return self.rules(app_id)

    def remove_rule(self, app_id: AppId, wanted: str) -> AccessRule:
        """Take a rule away, by its id or its network. Raises NotFound."""
        with self._database.write() as session:
            found = next((row for row in gate_records.rules(session, app_id) if wanted in (row.id, row.network)), None)
            if found is None:
                raise NotFound(f"This app has no rule for {wanted}.", "See: portside access")
            removed = gate_records.rule_of(found)
            session.delete(found)
        self._changed()
        return removed

    def clear_rules(self, app_id: AppId) -> None:
        """Let every address in again."""
        with self._database.write() as session:
            for row in gate_records.rules(session, app_id):
                session.delete(row)
        self._changed()

    # --- logins ---

    def logins(self, app_id: AppId) -> list[Login]:
        """Those who may use the app with a password, by name; nobody: it asks for none."""
        with self._database.read() as session:
            return [gate_records.login_of(row) for row in gate_records.logins(session, app_id)]

    def set_login(self, app_id: AppId, name: str, password: str) -> Login:
        """Give somebody a password for the app, or another one. From the first on, it is for these only.

        Raises UserError for a name or a password that won't do.
        """
        kept = hashed(password)
        moment = clock.now()
        with self._database.write() as session:
            row = session.get(LoginRow, (app_id, check_name(name)))
            if row is None:
                row = LoginRow(app_id=app_id, name=name, created_at=moment)
                session.add(row)
            row.salt, row.digest, row.updated_at = kept.salt, kept.digest, moment
            session.flush()
            _check_count(len(gate_records.logins(session, app_id)), "users")
            login = gate_records.login_of(row)
        self._changed()
        return login

    def remove_login(self, app_id: AppId, name: str) -> Login:
        """Take a user away; without any, the app asks for no password. Raises NotFound."""
        with self._database.write() as session:
            row = session.get(LoginRow, (app_id, name))
            if row is None:
                raise NotFound(f"This app has no user {name}.", "See: portside auth")
            login = gate_records.login_of(row)
            session.delete(row)
        self._changed()
        return login

    # --- limits and timeouts ---

    def limits(self, app_id: AppId) -> TrafficLimits:
        """The app's limits."""
        with self._database.read() as session:
            return gate_records.limits_of(session.get(LimitsRow, app_id))

    def set_limits(self, app_id: AppId, limits: TrafficLimits) -> None:
        """Have these from now on."""
        with self._database.write() as session:
            row = gate_records.limits_row(session, app_id)
            row.requests_per_s, row.connections = limits.requests_per_s, limits.connections
        self._changed()

    def timeouts(self, app_id: AppId) -> TrafficTimeouts:
        """What the app has of its own."""
        with self._database.read() as session:
            return gate_records.timeouts_of(session.get(LimitsRow, app_id))

    def set_timeouts(self, app_id: AppId, timeouts: TrafficTimeouts) -> None:
        """Have these for new requests."""
        with self._database.write() as session:
            row = gate_records.limits_row(session, app_id)
            row.idle_s, row.tunnel_s = timeouts.idle_s, timeouts.tunnel_s
        self._changed()

    def forget(self, app_id: AppId) -> None:
        with self._database.write() as session:
            found = gate_records.forget(session, app_id)
        if found:
            self._changed()


def _check_count(count: int, what: str) -> None:
    if count > _MOST:
        raise UserError(f"An app can have {_MOST} {what}; these would be {count}.", "Take some away, or join networks.")
