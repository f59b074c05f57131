"""Sign in, sign out."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from accounts import Accounts, Identity
from core.errors import Unauthorized, UserError
from web.pages.session import Sessions


class SignInPages:
    def __init__(self, accounts: Accounts, sessions: Sessions) -> None:
        self._accounts = accounts
        self._sessions = sessions

    def add_to(self, blueprint: Blueprint) -> None:
        blueprint.add_url_rule("/dashboard/sign-in", "sign_in", self.form, methods=["GET"])
        blueprint.add_url_rule("/dashboard/sign-in", "sign_in_sent", self.sign_in, methods=["POST"])
        blueprint.add_url_rule("/dashboard/sign-out", "sign_out", self.sign_out, methods=["POST"])

    def form(self) -> str | AnyResponse:
        if self._sessions.current() is not None:
            return redirect(url_for("pages.home"))
        return render_template("sign_in.html", next=_own_path(request.args.get("next", "")), email="", error=None)

    def sign_in(self) -> AnyResponse:
        email, then = request.form.get("email", ""), _own_path(request.form.get("next", ""))
        try:
            identity: Identity = self._accounts.sign_in(email, request.form.get("password", ""))
        except UserError as error:
            page = render_template("sign_in.html", next=then, email=email, error=error)
            return make_response(page, 401 if isinstance(error, Unauthorized) else 429)
        response = _see(then)
        self._sessions.begin(identity, response)
        return response

    def sign_out(self) -> AnyResponse:
        response = _see(url_for("pages.sign_in"))
        self._sessions.end(response)
        return response


def _see(path: str) -> Response:
    return make_response(redirect(path, 303))


def _own_path(path: str) -> str:
    """`path` when it is one of our own pages, else the home: a sign-in link must not lead elsewhere."""
    parts = urlsplit(path)
    own = path.startswith("/") and not parts.netloc and not parts.scheme and "\\" not in path and path.isprintable()
    return path if own and not path.startswith("//") else url_for("pages.home")
