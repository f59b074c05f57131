"""How requests are passed on to an app."""

from __future__ import annotations

import json


def test_it_is_shown_and_set(invoke, logged_in):
    logged_in.answers["GET", "/apps/demo/proxy"] = {"protocol": "http1", "sticky": False, "retry_posts": False}
    logged_in.answers["PATCH", "/apps/demo/proxy"] = {"protocol": "h2c", "sticky": True, "retry_posts": True}
    assert invoke("proxy", "-a", "demo").stdout == "protocol     http1\nsticky       off\nretry-posts  off\n"
    done = invoke("proxy:set", "--protocol", "h2c", "--sticky", "--retry-posts", "-a", "demo")
    assert done.stdout == "protocol     h2c\nsticky       on\nretry-posts  on\n"
    assert done.stderr == "The protocol holds from the next release on. If the app runs already: push again.\n"
    assert logged_in.requests[-1][3] == {"protocol": "h2c", "sticky": True, "retry_posts": True}
    shown = invoke("proxy:set", "--no-sticky", "-a", "demo", "--json")
    assert logged_in.requests[-1][3] == {"sticky": False}
    assert json.loads(shown.stdout) == {"protocol": "h2c", "sticky": True, "retry_posts": True}
    invoke("proxy:set", "--no-retry-posts", "-a", "demo")
    assert logged_in.requests[-1][3] == {"retry_posts": False}


def test_there_must_be_something_to_set(invoke, logged_in):
    nothing = invoke("proxy:set", "-a", "demo")
    assert nothing.exit_code == 1
    assert "Nothing to set." in nothing.stderr
