"""Processes, logs, keys and domains."""

import json

import pytest

DYNOS = [
    {
        "name": "worker.1",
        "type": "worker",
        "state": "crashed",
        "command": "work",
        "size": "standard",
        "detail": "exited with code 1",
        "next_attempt_at": "2026-01-02T03:04:05Z",
        "release": {"version": 3},
    },
    {"name": "web.10", "type": "web", "state": "up", "command": "serve", "size": "512m:0.5", "release": {"version": 3}},
    {"name": "web.2", "type": "web", "state": "up", "command": "serve", "size": "512m:0.5", "release": {"version": 3}},
]
PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ me@laptop"


def test_ps_shows_web_first_and_in_order(invoke, logged_in):
    logged_in.answers["GET", "/apps/demo/dynos"] = DYNOS
    assert invoke("ps", "-a", "demo").stdout == (
        "NAME      STATE    RELEASE  SIZE      SINCE  COMMAND\n"
        "web.2     up       v3       512m:0.5         serve\n"
        "web.10    up       v3       512m:0.5         serve\n"
        "worker.1  crashed  v3       standard         work\n"
    )
    assert [each["release"] for each in json.loads(invoke("ps", "-a", "demo", "--json").stdout)] == [3, 3, 3]


def test_ps_says_why_something_crashed_and_when_it_is_tried_again(invoke, logged_in):
    logged_in.answers["GET", "/apps/demo/dynos"] = DYNOS
    assert invoke("ps", "-a", "demo").stderr == (
        " ▸    worker.1 crashed: exited with code 1; next attempt at 03:04:05 UTC.\n"
    )


def test_ps_says_why_an_instance_that_runs_is_out_of_the_route(invoke, logged_in):
    detail = "out of the route: GET /ready answered 503"
    logged_in.answers["GET", "/apps/demo/dynos"] = [{**DYNOS[1], "detail": detail}]
    assert invoke("ps", "-a", "demo").stderr == f" ▸    web.10: {detail}.\n"


def test_ps_of_nothing(invoke, logged_in):
    assert invoke("ps", "-a", "demo").stderr == (
        " ▸    Nothing of demo is running.\n ▸    Start something with `portside ps:scale web=1`.\n"
    )


def test_scale_sends_relative_quantities_as_they_are(invoke, logged_in):
    now = [{"type": "web", "quantity": 2}, {"type": "worker", "quantity": 3}]
    logged_in.answers["PATCH", "/apps/demo/formation"] = now
    result = invoke("ps:scale", "web=2", "worker+1", "-a", "demo")
    assert result.stderr == "Scaled demo: web at 2, worker at 3.\n"
    updates = [{"type": "web", "quantity": "2"}, {"type": "worker", "quantity": "+1"}]
    assert logged_in.asked_for("PATCH") == [("/apps/demo/formation", {"updates": updates})]


def test_scale_without_changes_shows_the_formation(invoke, logged_in):
    logged_in.answers["GET", "/apps/demo/formation"] = [
        {"type": "web", "quantity": 2},
        {"type": "clock", "quantity": 0},
    ]
    assert invoke("ps:scale", "-a", "demo").stdout == "web=2 clock=0\n"


def test_scale_to_what_is_no_quantity(invoke, logged_in):
    result = invoke("ps:scale", "web=many", "-a", "demo")
    assert result.exit_code == 2
    assert result.stderr.startswith(" ▸    'web=many' is not a change. Give TYPE=N, TYPE+N or TYPE-N, like web=2.\n")


@pytest.mark.parametrize(("words", "path"), [([], "/dynos"), (["web"], "/formations/web"), (["web.1"], "/dynos/web.1")])
def test_restart(invoke, logged_in, words, path):
    logged_in.answers["DELETE", f"/apps/demo{path}"] = (202, {}, {})
    result = invoke("ps:restart", *words, "-a", "demo")
    assert (result.exit_code, result.stderr) == (0, f"Restarting {(words or ['everything'])[0]} of demo.\n")


@pytest.mark.parametrize(("word", "path"), [("web", "/formations/web"), ("web.1", "/dynos/web.1")])
def test_stop_says_how_to_have_none(invoke, logged_in, word, path):
    logged_in.answers["POST", f"/apps/demo{path}/actions/stop"] = (202, {}, {})
    result = invoke("ps:stop", word, "-a", "demo")
    assert (result.exit_code, result.stderr) == (
        0,
        f"Stopping {word} of demo; a new one takes its place. For none: portside ps:scale web=0\n",
    )


@pytest.mark.parametrize(
    ("rule", "sent", "said"),
    [
        ("50%", "50%", "50% of its web instances stay"),
        ("1", "1", "1 of its web instances stay"),
        ("auto", "auto", "web shrinks as far as memory asks for, 1 at least stay"),
        ("auto:50%", "auto:50%", "web shrinks as far as memory asks for, 50% at least stay"),
        ("off", "off", "all web instances stay"),
        ("default", None, "all web instances stay"),
    ],
)
def test_how_far_web_shrinks_is_set_and_told(invoke, logged_in, rule, sent, said):
    logged_in.answers["PATCH", "/apps/demo/formation"] = [{"type": "web", "quantity": 2, "shrink": sent or "off"}]
    assert invoke("ps:shrink", f"web={rule}", "-a", "demo").stderr == f"While a new set of demo starts: {said}.\n"
    updates = [{"type": "web", "shrink": sent}]
    assert logged_in.asked_for("PATCH") == [("/apps/demo/formation", {"updates": updates})]


def test_how_far_web_shrinks_is_shown(invoke, logged_in):
    logged_in.answers["GET", "/apps/demo/formation"] = [{**FORMATION[0], "shrink": "auto"}, FORMATION[1]]
    assert invoke("ps:shrink", "-a", "demo").stdout == "TYPE  SHRINK\nweb   auto\n"
    assert json.loads(invoke("ps:shrink", "-a", "demo", "--json").stdout)[0]["shrink"] == "auto"


def test_shrink_to_what_is_no_rule(invoke, logged_in):
    result = invoke("ps:shrink", "50%", "-a", "demo")
    assert result.exit_code == 2
    assert result.stderr.startswith(" ▸    '50%' does not say how far a type may shrink. Give web=2, web=50%, ")


FORMATION = [
    {"type": "web", "quantity": 2, "size": "512m:0.5", "limits": {"memory_mb": 512, "cpus": 0.5, "pids": 256}},
    {"type": "clock", "quantity": 1, "size": "standard", "limits": {"memory_mb": 512, "cpus": 1.0, "pids": 256}},
]


def test_type_alone_lists_what_each_type_may_use(invoke, logged_in):
    logged_in.answers["GET", "/apps/demo/formation"] = FORMATION
    assert invoke("ps:type", "-a", "demo").stdout == (
        "TYPE   SIZE      MEMORY  CPUS  PROCESSES  INSTANCES\n"
        "web    512m:0.5  512 MB  0.5   256        2\n"
        "clock  standard  512 MB  1     256        1\n"
    )
    assert json.loads(invoke("ps:type", "-a", "demo", "--json").stdout)[0]["memory_mb"] == 512


def resizing(platform, status, **more):
    """Let a change of sizes be pending, write its output, and end so."""
    change = {"id": "c1", "status": "pending", "output_stream_url": f"{platform.url}/streams/c1"}
    platform.answers["GET", "/apps/demo/formation"] = FORMATION
    platform.answers["PATCH", "/apps/demo/formation"] = [FORMATION[0] | {"size_change": change}]
    platform.answers["GET", "/apps/demo/formation-changes/c1"] = change | {"status": status} | more
    platform.answers["GET", "/streams/c1"] = "-----> Resize web to 512m:0.5\n"


def test_a_size_shows_its_rollout_and_waits_for_its_end(invoke, logged_in):
    resizing(logged_in, "succeeded")
    result = invoke("ps:type", "web=512m:0.5", "-a", "demo")
    assert (result.exit_code, result.stderr) == (0, "-----> Resize web to 512m:0.5\nResized demo.\n")
    updates = [{"type": "web", "size": "512m:0.5"}]
    assert logged_in.asked_for("PATCH") == [("/apps/demo/formation", {"updates": updates})]


def test_a_size_in_which_nothing_starts_is_a_failure(invoke, logged_in):
    resizing(logged_in, "failed", reason="web.1 used more than its 16 MB of memory and was killed.")
    result = invoke("ps:type", "web=16m", "-a", "demo")
    assert result.exit_code == 1
    assert result.stderr.endswith(
        " ▸    The change of sizes failed: web.1 used more than its 16 MB of memory and was killed.\n"
        " ▸    demo runs on as it was.\n ▸    See `portside logs -a demo`.\n"
    )


def test_a_size_that_is_there_already_is_no_change(invoke, logged_in):
    logged_in.answers["GET", "/apps/demo/formation"] = FORMATION
    logged_in.answers["PATCH", "/apps/demo/formation"] = [FORMATION[0] | {"size_change": None}]
    result = invoke("ps:type", "web=512m:0.5", "-a", "demo")
    assert (result.exit_code, result.stderr) == (0, "demo has these sizes already.\n")


def test_what_is_no_size_of_a_type_is_a_usage_error(invoke, logged_in):
    result = invoke("ps:type", "512m", "-a", "demo")
    assert result.exit_code == 2
    assert "'512m' is not a size of a type. Give TYPE=SIZE, like web=512m or web=512m:0.5." in result.stderr


def test_logs_print_the_unnamed_events(invoke, logged_in):
    session = {"logplex_url": f"{logged_in.url}/streams/l"}
    logged_in.answers["POST", "/apps/demo/log-sessions"] = session
    events = "retry: 10\n\n: quiet\n\nid: 1\ndata: T app[web.1]: one\n\nevent: x\ndata: no\n\n"
    events += "id: 2\ndata: T app[web.1]: two\n\n"
    logged_in.answers["GET", "/streams/l"] = (200, events, {"Content-Type": "text/event-stream"})
    result = invoke("logs", "-n", "5", "-p", "web.1", "-a", "demo")
    assert (result.exit_code, result.stdout) == (0, "T app[web.1]: one\nT app[web.1]: two\n")
    assert logged_in.asked_for("POST")[0][1] == {"lines": 5, "tail": False, "dyno": "web.1"}
    assert "Authorization" not in logged_in.requests[-1][2]


def test_a_tail_that_is_cut_goes_on_after_the_last_line(invoke, logged_in, monkeypatch):
    monkeypatch.setattr("cli.commands.logs._RECONNECT_S", 0)
    seen = []

    def stream(request, _asked):
        seen.append(request.headers.get("Last-Event-ID"))
        if len(seen) > 2:
            return 404, {"id": "not_found", "message": "There is no such stream, or its address has expired."}, {}
        return 200, f"id: {len(seen)}\ndata: line {len(seen)}\n\n", {}

    logged_in.answers["POST", "/apps/demo/log-sessions"] = {"logplex_url": "/streams/l"}
    logged_in.answers["GET", "/streams/l"] = stream
    result = invoke("logs", "-t", "-a", "demo")
    assert seen == [None, "1", "2"]
    assert (result.exit_code, result.stdout) == (1, "line 1\nline 2\n")
    assert result.stderr.endswith(" ▸    The log session has ended.\n ▸    Run `portside logs --tail` again.\n")


def test_keys_add_takes_the_usual_file(invoke, logged_in, home):
    (home / ".ssh").mkdir()
    (home / ".ssh/id_ed25519.pub").write_text(PUBLIC_KEY + "\n")
    logged_in.answers["POST", "/account/keys"] = {"id": "k1", "fingerprint": "SHA256:abc", "public_key": PUBLIC_KEY}
    result = invoke("keys:add")
    assert result.stderr == f"Added {home}/.ssh/id_ed25519.pub: SHA256:abc\n"
    assert logged_in.asked_for("POST") == [("/account/keys", {"public_key": PUBLIC_KEY})]


def test_a_private_key_is_never_sent(invoke, logged_in, home):
    (home / "id").write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA\n-----END OPENSSH PRIVATE KEY-----\n")
    result = invoke("keys:add", "id")
    assert result.exit_code == 1
    assert result.stderr == " ▸    id is a private key. It was not sent.\n ▸    Give the public one: id.pub\n"
    assert logged_in.requests == []


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hello", " ▸    key is not an OpenSSH public key.\n ▸    Make one with `ssh-keygen -t ed25519`.\n"),
        (None, " ▸    key can't be read: No such file or directory.\n ▸    Give the path of a .pub file.\n"),
    ],
)
def test_what_is_no_key(invoke, logged_in, home, text, said):
    if text is not None:
        (home / "key").write_text(text)
    result = invoke("keys:add", "key")
    assert (result.exit_code, result.stderr) == (1, said)


def test_keys_remove_by_comment(invoke, logged_in):
    listed = [{"id": "k1", "fingerprint": "SHA256:abc", "public_key": PUBLIC_KEY}]
    logged_in.answers["GET", "/account/keys"] = listed
    logged_in.answers["DELETE", "/account/keys/k1"] = {}
    assert invoke("keys").stdout == "FINGERPRINT  COMMENT\nSHA256:abc   me@laptop\n"
    assert invoke("keys:remove", "me@laptop").stderr == "Removed SHA256:abc.\n"
    missing = invoke("keys:remove", "me@desk")
    assert (missing.exit_code, missing.stderr) == (1, " ▸    You have no key me@desk.\n ▸    See `portside keys`.\n")


def test_domains(invoke, logged_in):
    domain = {"hostname": "www.example.com", "kind": "custom"}
    own = {"hostname": "demo.localhost", "kind": "heroku"}
    logged_in.answers["GET", "/apps/demo/domains"] = [own, domain]
    logged_in.answers["POST", "/apps/demo/domains"] = (201, domain, {})
    logged_in.answers["DELETE", "/apps/demo/domains/www.example.com"] = domain
    listed = "DOMAIN           KIND\ndemo.localhost   platform\nwww.example.com  custom\n"
    assert invoke("domains", "-a", "demo").stdout == listed
    added = "Added www.example.com to demo. Point its DNS to the server if it does not yet.\n"
    assert invoke("domains:add", "www.example.com", "-a", "demo").stderr == added
    assert invoke("domains:remove", "www.example.com", "-a", "demo").stderr == "Removed www.example.com from demo.\n"


def test_domains_that_redirect_are_shown_with_where_to(invoke, logged_in):
    domain = {"hostname": "example.com", "kind": "custom", "redirect_to": "www.example.com"}
    logged_in.answers["POST", "/apps/demo/domains"] = (201, domain, {})
    logged_in.answers["GET", "/apps/demo/domains"] = [domain]
    invoke("domains:add", "example.com", "--redirect-to", "www.example.com", "-a", "demo")
    assert logged_in.requests[-1][3] == {"hostname": "example.com", "redirect_to": "www.example.com"}
    listed = "DOMAIN       KIND    REDIRECTS TO\nexample.com  custom  www.example.com\n"
    assert invoke("domains", "-a", "demo").stdout == listed


def test_domains_with_automatic_certificates_are_shown_with_how_those_stand(invoke, logged_in):
    issued = {"hostname": "example.com", "kind": "custom", "acm_status": "cert issued"}
    failing = {"hostname": "www.example.com", "acm_status": "failing", "acm_status_reason": "It does not resolve."}
    logged_in.answers["GET", "/apps/demo/domains"] = [issued, failing | {"kind": "custom"}]
    assert invoke("domains", "-a", "demo").stdout == (
        "DOMAIN           KIND    CERTIFICATE\n"
        "example.com      custom  cert issued\n"
        "www.example.com  custom  failing: It does not resolve.\n"
    )
    told = json.loads(invoke("domains", "-a", "demo", "--json").stdout)
    assert [each["acm_status_reason"] for each in told] == [None, "It does not resolve."]


def test_a_path_leads_to_an_app(invoke, logged_in):
    domain = {"hostname": "example.com/api", "kind": "custom", "strip_path": True}
    logged_in.answers["POST", "/apps/demo/domains"] = (201, domain, {})
    added = invoke("domains:add", "example.com/api", "--strip-path", "-a", "demo", "--json")
    assert logged_in.requests[-1][3] == {"hostname": "example.com/api", "strip_path": True}
    assert json.loads(added.stdout)["strip_path"] is True
    logged_in.answers["DELETE", "/apps/demo/domains/example.com%2Fapi"] = domain
    removed = invoke("domains:remove", "example.com/api", "-a", "demo")
    assert removed.stderr == "Removed example.com/api from demo.\n"


def test_domains_wait_until_they_are_served(invoke, logged_in):
    path = "/apps/demo/domains/www.example.com"
    domain = {"hostname": "www.example.com", "kind": "custom"}
    statuses = iter(["pending", "succeeded"])
    logged_in.answers["GET", "/apps/demo/domains"] = [domain]
    logged_in.answers["GET", path] = lambda platform, asked: domain | {"status": next(statuses)}
    assert invoke("domains:wait", "-a", "demo").stderr == "www.example.com is served.\n"
    logged_in.answers["GET", path] = domain | {"status": "pending"}
    late = invoke("domains:wait", "www.example.com", "--timeout", "0", "-a", "demo")
    assert late.exit_code == 1
    assert "www.example.com is not served after 0 s." in late.stderr
