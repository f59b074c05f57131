"""Releases, rollback and redeploying: what is shown first, what is sent, how it ends."""

import json

import pytest

PREVIEW = {
    "version": 1,
    "commit": "1" * 40,
    "current_version": 2,
    "current_commit": "2" * 40,
    "code_changes": True,
    "config": {"added": ["OLD"], "removed": ["NEW"], "changed": ["GREETING"]},
}
GIT_NOTE = (
    ' ▸    Git does not know of this: pushing the commit you pushed last now says "Everything up-to-date".\n'
    " ▸    To deploy a commit that is stored on the server once more, run `portside deploy COMMIT`.\n"
)


@pytest.fixture
def two_releases(logged_in):
    logged_in.release("Deploy 1111111")
    logged_in.release("Deploy 2222222")
    logged_in.answers["GET", "/apps/demo/releases/previous/preview"] = PREVIEW
    logged_in.answers["GET", "/apps/demo/releases/1/preview"] = PREVIEW
    logged_in.answers["GET", "/apps/demo/releases/1/preview?code_only=true"] = PREVIEW | {"config": {}}
    return logged_in


def ends(platform, status, **more):
    """Let the rollback be pending, write its output, and end so."""

    def roll_back(_request, _asked):
        stream = f"{platform.url}/streams/r3"
        return 201, platform.release("Rollback to v1", status="pending", output_stream_url=stream), {}

    def output(_request, _asked):
        platform.releases[-1] |= {"status": status, **more}
        return "-----> Starting web.1\n-----> Healthy\n"

    platform.answers["POST", "/apps/demo/releases"] = roll_back
    platform.answers["GET", "/streams/r3"] = output


def test_releases_are_listed_newest_first(invoke, two_releases):
    result = invoke("releases", "-a", "demo")
    assert result.stdout == (
        "VERSION  STATE      RESTORABLE  WHAT            WHO             WHEN\n"
        "v2       current    yes         Deploy 2222222  me@example.com  2026-01-02 03:04:05\n"
        "v1       succeeded  yes         Deploy 1111111  me@example.com  2026-01-02 03:04:05\n"
    )


def test_releases_for_a_program(invoke, two_releases):
    listed = json.loads(invoke("releases", "-a", "demo", "--json", "-n", "1").stdout)
    wanted = {"version": 2, "status": "succeeded", "description": "Deploy 2222222", "current": True}
    wanted |= {"created_at": "2026-01-02T03:04:05Z", "user": "me@example.com"}
    assert len(listed) == 1
    assert wanted.items() <= listed[0].items()
    assert two_releases.requests[-1][2]["Range"] == "version ..; order=desc, max=1"


def test_release_info(invoke, two_releases):
    result = invoke("releases:info", "v1", "-a", "demo")
    told = [line.split() for line in result.stdout.splitlines()[:4]]
    assert told == [["Version:", "v1"], ["State:", "succeeded"], ["Restorable:", "yes"], ["What:", "Deploy", "1111111"]]
    assert "v2" in invoke("releases:info", "-a", "demo").stdout.splitlines()[0]


def test_a_release_whose_image_is_gone_is_told_apart(invoke, two_releases):
    two_releases.releases[0]["eligible_for_rollback"] = False
    lines = invoke("releases", "-a", "demo").stdout.splitlines()
    assert [line.split()[2] for line in lines] == ["RESTORABLE", "yes", "no"]
    assert "no" in invoke("releases:info", "v1", "-a", "demo").stdout.splitlines()[2]


def test_release_info_of_no_release(invoke, two_releases):
    result = invoke("releases:info", "latest", "-a", "demo")
    assert result.exit_code == 2
    assert result.stderr.startswith(
        " ▸    'latest' is not a release. Give one like v3; `portside releases` lists them.\n"
    )


def test_rollback_shows_what_changes_streams_and_ends_well(invoke, two_releases):
    ends(two_releases, "succeeded")
    result = invoke("rollback", "-a", "demo")
    assert (result.exit_code, result.stdout) == (0, "")
    assert (
        result.stderr
        == (
            "Rolling back from v2 to v1:\n"
            "  code    2222222222 -> 1111111111\n"
            "  config  +OLD -NEW ~GREETING\n"
            "-----> Starting web.1\n"
            "-----> Healthy\n"
            "Rolled back demo to v1, as v3.\n"
        )
        + GIT_NOTE
    )
    assert two_releases.asked_for("POST") == [("/apps/demo/releases", {"release": "v1"})]


def test_rollback_of_the_code_alone(invoke, two_releases):
    ends(two_releases, "succeeded")
    result = invoke("rollback", "v1", "--code-only", "-a", "demo", "--json")
    assert "  config  stays as it is (--code-only)\n" in result.stderr
    assert json.loads(result.stdout)["version"] == 3
    assert two_releases.asked_for("POST") == [("/apps/demo/releases", {"release": "v1", "code_only": True})]


def test_rollback_with_the_release_phase(invoke, two_releases):
    ends(two_releases, "succeeded")
    invoke("rollback", "v1", "--release-phase", "-a", "demo")
    assert two_releases.asked_for("POST") == [("/apps/demo/releases", {"release": "v1", "release_phase": True})]


def test_rollback_that_fails(invoke, two_releases):
    ends(two_releases, "failed", reason="web.1 was not healthy in 60 s")
    result = invoke("rollback", "v1", "-a", "demo")
    assert result.exit_code == 1
    assert result.stderr.endswith(
        "-----> Healthy\n"
        " ▸    The rollback to v1 failed (v3): web.1 was not healthy in 60 s\n"
        " ▸    demo runs on as it was.\n"
        " ▸    See `portside logs -a demo`.\n"
    )


def test_a_stream_that_is_cut_is_taken_up_where_it_ended(invoke, two_releases):
    ends(two_releases, "succeeded")
    whole = two_releases.answers["GET", "/streams/r3"]

    def cut(request, asked):
        two_releases.answers["GET", "/streams/r3"] = whole
        request.send_response(200)
        request.send_header("Content-Length", "1000")
        request.end_headers()
        request.wfile.write(b"-----> Starting")
        request.close_connection = True

    two_releases.answers["GET", "/streams/r3"] = cut
    result = invoke("rollback", "v1", "-a", "demo")
    assert result.exit_code == 0
    assert result.stderr.count("-----> Starting") == 1
    assert " web.1\n-----> Healthy\nRolled back demo to v1, as v3.\n" in result.stderr


def test_release_output(invoke, two_releases):
    ends(two_releases, "succeeded")
    two_releases.release("Deploy 3", output_stream_url=f"{two_releases.url}/streams/r3")
    assert invoke("releases:output", "v3", "-a", "demo").stdout == "-----> Starting web.1\n-----> Healthy\n"


def build(platform, status="pending", **more):
    made = {"id": "b1c2d3e4-0000", "status": status, "source_blob": {"version": "1" * 40}, "created_at": None}
    return made | {"user": {"email": "me@example.com"}, "output_stream_url": f"{platform.url}/streams/b"} | more


@pytest.mark.parametrize(
    ("status", "exit_code", "last"),
    [
        ("succeeded", 0, "Deployed 111111111111 to demo.\n"),
        (
            "failed",
            1,
            " ▸    The deploy of 1111111 failed: build failed\n"
            " ▸    demo runs on as it was.\n"
            " ▸    See `portside builds:output b1c2d3e4 -a demo`.\n",
        ),
    ],
)
def test_deploy_of_a_stored_commit(invoke, logged_in, status, exit_code, last):
    logged_in.answers["POST", "/apps/demo/builds"] = build(logged_in)
    logged_in.answers["GET", "/streams/b"] = "-----> Building\n"
    logged_in.answers["GET", "/apps/demo/builds/b1c2d3e4-0000"] = build(logged_in, status, reason="build failed")
    result = invoke("deploy", "1111111", "-a", "demo")
    assert result.exit_code == exit_code
    assert result.stderr == "-----> Building\n" + last
    assert logged_in.asked_for("POST") == [("/apps/demo/builds", {"commit": "1111111"})]


def test_deploy_of_what_only_the_repository_knows(invoke, logged_in, repository):
    result = invoke("deploy", "HEAD~1", "-a", "demo")
    assert result.exit_code == 1
    assert result.stderr == (" ▸    HEAD~1 is no commit of the git repository here.\n ▸    See `git log --oneline`.\n")
    assert logged_in.asked_for("POST") == []


def test_builds(invoke, logged_in):
    logged_in.answers["GET", "/apps/demo/builds"] = [build(logged_in, "failed", reason="cancelled")]
    assert invoke("builds", "-a", "demo").stdout == (
        "ID        STATE   COMMIT      WHO             WHEN\nb1c2d3e4  failed  1111111111  me@example.com\n"
    )
    logged_in.answers["GET", "/streams/b"] = "-----> Building\nno newline"
    assert invoke("builds:output", "-a", "demo").stdout == "-----> Building\nno newline\n"
    assert invoke("builds:output", "b1c2", "-a", "demo").stdout == "-----> Building\nno newline\n"
    missing = invoke("builds:output", "ffff", "-a", "demo")
    assert (missing.exit_code, missing.stderr) == (1, " ▸    demo has no build ffff.\n ▸    See `portside builds`.\n")


def test_builds_info_shows_what_took_how_long(invoke, logged_in):
    steps = [("receive", 0, 100), ("build", 100, 700), ("build [2/2] RUN make", 150, 600), ("start", 800, 200)]
    told = [{"name": name, "began_ms": began, "took_ms": took} for name, began, took in steps]
    facts = {"steps": told, "total_ms": 1000, "stack": "debian-13", "built": "warm"}
    logged_in.answers["GET", "/apps/demo/builds"] = [build(logged_in, "succeeded", **facts)]
    assert invoke("builds:info", "-a", "demo").stdout.splitlines() == [
        "b1c2d3e4  1111111111  succeeded, warm build, debian-13",
        "STEP              BEGAN   TOOK",
        "receive           0 ms    100 ms   ███",
        "build             100 ms  700 ms      █████████████████████",
        "  [2/2] RUN make  150 ms  600 ms       ██████████████████",
        "start             800 ms  200 ms                           ██████",
        "in all            0 ms    1000 ms  ██████████████████████████████",
    ]
    as_data = json.loads(invoke("builds:info", "b1c2", "-a", "demo", "--json").stdout)
    assert (as_data["steps"], as_data["stack"]) == (told, "debian-13")


def test_cancelling_the_build_in_progress(invoke, logged_in):
    logged_in.answers["DELETE", "/apps/demo/builds"] = build(logged_in)
    result = invoke("builds:cancel", "-a", "demo")
    assert (result.exit_code, result.stderr) == (0, "Cancelling build b1c2d3e4 of demo.\n")


def test_cancelling_a_named_build(invoke, logged_in):
    logged_in.answers["GET", "/apps/demo/builds"] = [build(logged_in), build(logged_in, id="ffff0000-1")]
    logged_in.answers["DELETE", "/apps/demo/builds/ffff0000-1"] = build(logged_in, id="ffff0000-1")
    result = invoke("builds:cancel", "ffff", "-a", "demo")
    assert (result.exit_code, result.stderr) == (0, "Cancelling build ffff0000 of demo.\n")


def test_purging_the_build_caches(invoke, logged_in):
    logged_in.answers["DELETE", "/apps/demo/build-cache"] = {}
    result = invoke("builds:cache:purge", "-a", "demo")
    told = "The build caches of demo are purged. Its next build starts from nothing.\n"
    assert (result.exit_code, result.stderr) == (0, told)
