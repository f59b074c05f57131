"""The Dockerfile that people keep, and the decisions told with it."""

from __future__ import annotations

from builder.eject import decisions, dockerfile
from builder.explain import explain

PYTHON = {
    "requirements.txt": "flask",
    "Procfile": "web: gunicorn app:app\nworker: python work.py",
    "app.json": '{"healthchecks": {"web": [{"path": "/up"}]}}',
    ".dockerignore": "*.log",
    "debug.log": "",
}


def test_it_stands_on_debian_alone(memory_source) -> None:
    source = memory_source(PYTHON)
    text = dockerfile(explain(source), source, "shop", "trixie", {})
    starts = [line for line in text.splitlines() if line.startswith("FROM ")]
    assert starts[0] == "FROM debian:trixie-slim AS debian"
    assert "FROM debian AS language" in starts
    assert "portside/" not in text
    assert "ca-certificates.crt /etc" not in text
    assert "secret" not in text


def test_the_folder_itself_is_copied_and_the_web_process_is_the_command(memory_source) -> None:
    source = memory_source(PYTHON)
    lines = dockerfile(explain(source), source, "shop", "trixie", {}).splitlines()
    assert "COPY --chown=app:app ./ ./" in lines
    assert lines[-3:] == ["ENV PORT=5000", "EXPOSE 5000", "CMD gunicorn app:app"]


def test_config_that_the_build_sees_is_asked_for_and_not_given(memory_source) -> None:
    source = memory_source(PYTHON)
    text = dockerfile(explain(source), source, "shop", "trixie", {"PIP_INDEX_URL": "https://me:s3cret@x"})
    assert text.startswith("# Build it with: DOCKER_BUILDKIT=1 docker build --secret id=config,src=build.env .\n")
    assert "/run/secrets/config" in text
    assert "s3cret" not in text


def test_an_apps_own_dockerfile_is_given_as_it_is(memory_source) -> None:
    source = memory_source({"Dockerfile": "FROM scratch\n"})
    plan = explain(source)
    assert dockerfile(plan, source, "shop", "trixie", {}) == "FROM scratch\n"
    assert decisions(plan, source, "debian-13")[:2] == (
        "Pack: dockerfile (Dockerfile detected)",
        "Stack: the Dockerfile's own",
    )


def test_each_decision_has_its_line(memory_source) -> None:
    source = memory_source(PYTHON)
    told = decisions(explain(source), source, "debian-13")
    assert told[:2] == ("Pack: python (Python app detected)", "Stack: debian-13")
    assert "Installing from requirements.txt" in told
    assert told[-4:] == (
        "Process web: gunicorn app:app",
        "Process worker: python work.py",
        "Health check of web (startup): GET /up",
        "Files: 4 in the build, 1 left out by .dockerignore",
    )


def test_buildpacks_are_fetched_and_run_by_the_dockerfile(memory_source) -> None:
    files = {
        "own/bin/detect!x": "",
        "own/bin/compile!x": "",
        "portside.toml": 'buildpacks = ["https://a.example/b.git#v1", "./own"]',
    }
    plan = explain(memory_source(files))
    text = dockerfile(plan, memory_source(files), "shop", "trixie", {"TOKEN": "s3cret"})
    assert "fetch-buildpack 1 'https://a.example/b.git#v1' https://a.example/b.git '' v1" in text
    assert "cp -R /app/own /tmp/buildpacks/2" in text
    assert text.index("run-buildpack 1 ") < text.index("run-buildpack 2 ./own")
    assert text.rstrip().endswith('ENTRYPOINT ["/usr/local/bin/with-profile"]')
    assert "s3cret" not in text
    told = decisions(plan, memory_source(files), "debian-13")
    assert "Processes: what the last buildpack's bin/release names (no Procfile)" in told
