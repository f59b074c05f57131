"""The Ruby pack: what it detects, the Dockerfile that it gives, and a tiny app for real."""

from __future__ import annotations

import subprocess
import threading

import pytest

from builder import BuildFailed
from builder.eject import template_values
from builder.explain import explain
from builder.packs import render, ruby
from builder.problems import NoProcfile, VersionUnavailable

DOCKER = "/usr/bin/docker"


def app(*gems: str, platforms: str = "  x86_64-linux", gemfile: str = "", **more: str) -> dict[str, str]:
    specs = "".join(f"    {gem} (1.0)\n" for gem in gems)
    lock = f"GEM\n  remote: https://rubygems.org/\n  specs:\n{specs}\nPLATFORMS\n{platforms}\n\nDEPENDENCIES\n  a\n"
    return {"Gemfile": gemfile, "Gemfile.lock": lock, **more}


def rendered(source) -> str:
    return render(ruby.template, template_values(explain(source), "base", "app-1", "source", ""))


def refused(source) -> BuildFailed:
    with pytest.raises(BuildFailed) as caught:
        explain(source)
    return caught.value


@pytest.mark.parametrize(
    ("gems", "files", "command"),
    [
        (("railties", "puma"), ("config/puma.rb", "config.ru"), "exec bundle exec puma -C config/puma.rb"),
        (("railties",), ("config/application.rb",), "exec bundle exec rails server -b 0.0.0.0 -p $PORT"),
        (("puma", "rack"), ("config.ru",), "exec bundle exec puma -b tcp://0.0.0.0:$PORT"),
        (("rackup", "rack"), ("config.ru",), "exec bundle exec rackup -o 0.0.0.0 -p $PORT"),
    ],
)
def test_the_default_web_process_of_a_known_framework(memory_source, gems, files, command):
    source = memory_source(app(*gems) | dict.fromkeys(files, ""))
    assert explain(source).manifest.processes == (("web", command),)


def test_without_a_known_server_only_a_procfile_can_tell(memory_source):
    error = refused(memory_source(app("sinatra")))
    assert error.problem == NoProcfile(None, "web: exec bundle exec puma -b tcp://0.0.0.0:$PORT")


@pytest.mark.parametrize(
    ("files", "missing"), [({"config.ru": ""}, "Gemfile"), ({"Gemfile": "", "config.ru": ""}, "Gemfile.lock")]
)
def test_a_missing_file_of_bundler_is_named(memory_source, files, missing):
    assert refused(memory_source(files)).message == f"This looks like a Ruby app, but there is no {missing}."


def test_a_lock_for_another_system_is_told_with_the_command(memory_source):
    error = refused(memory_source(app("puma", platforms="  arm64-darwin-23")))
    assert error.message == "Gemfile.lock is locked for arm64-darwin-23 only; this server is Linux."
    assert error.hint == "bundle lock --add-platform x86_64-linux && git add Gemfile.lock"


@pytest.mark.parametrize("told", ["'~> 3.3'", '"3.3.8"', '">= 3.1", "< 4"', '"~> 3.2"', '"~> 3.3.0"'])
def test_a_ruby_that_the_server_has_is_taken(memory_source, told):
    source = memory_source(app("puma", gemfile=f"ruby {told}\n") | {"config.ru": ""})
    assert explain(source).detected.details[0].startswith("Using Ruby 3.3, as the Gemfile allows (")


@pytest.mark.parametrize("wanted", ["3.3.1", "3.2.2", "~> 3.2.0", ">= 3.4", "< 3"])
def test_a_ruby_that_the_server_lacks_is_told(memory_source, wanted):
    error = refused(memory_source(app("puma", gemfile=f'ruby "{wanted}"\n')))
    assert error.problem == VersionUnavailable("Ruby", "Gemfile", wanted, "3.3.8", 'ruby "~> 3.3.0"')


def test_the_version_file_counts_by_its_minor_version(memory_source):
    source = memory_source(app("puma") | {"config.ru": "", ".ruby-version": "ruby-3.3.1\n"})
    assert explain(source).detected.details[0] == "Using Ruby 3.3, as .ruby-version says"
    error = refused(memory_source(app("puma") | {".ruby-version": "2.7.8\n"}))
    assert error.problem == VersionUnavailable("Ruby", ".ruby-version", "2.7.8", "3.3", "3.3")


def test_gems_are_a_layer_of_their_own_and_the_compiler_stays_behind(memory_source):
    text = rendered(memory_source(app("puma", "pg") | {"config.ru": ""}))
    assert text.index("bundle install") < text.index("COPY --chown=app:app source/ ./")
    assert "--mount=type=cache,id=app-1-bundler," in text
    runtime, build, final = text.split("\nFROM ")[-3:]
    assert "--no-install-recommends libpq5 \\" in runtime
    assert "ruby-dev libpq-dev" in build
    assert "RUN" not in final


def test_gems_in_the_apps_own_source_come_before_the_install(fixture_app, memory_source):
    for source in (fixture_app("ruby_tiny"), memory_source(app("puma") | {"config.ru": "", "vendor/cache/a.gem": ""})):
        text = rendered(source)
        assert text.index("COPY --chown=app:app source/ ./") < text.index("bundle install")


@pytest.mark.parametrize("pipeline", ["sprockets-rails", "propshaft"])
def test_rails_assets_are_precompiled(memory_source, pipeline):
    source = memory_source(app("railties", "puma", pipeline) | {"config/puma.rb": "", "Rakefile": ""})
    assert "Precompiling the assets" in explain(source).detected.details
    assert "bundle exec rake assets:precompile" in rendered(source)


@pytest.mark.engine
def test_a_tiny_app_answers_on_its_port_and_ends_when_told(bench, log, fixture_app):
    built = bench.builder.build(bench.request(fixture_app("ruby_tiny"), deadline_s=600.0), log)
    options = ["--network=none", "--cap-drop=ALL", "--init", "--env=PORT=5000", "--env=RELEASE_VERSION=v7"]
    command = dict(built.processes)["web"]
    argv = [DOCKER, "run", "--detach", *options, "--entrypoint=/bin/sh", built.image_id, "-c", command]
    container = subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()
    try:
        assert answer(container) == "hello from v7\n"
        assert inside(container, "id", "-u").stdout == "1000\n"
        subprocess.run([DOCKER, "stop", "--time=20", container], check=True, capture_output=True)
        argv = [DOCKER, "inspect", "--format={{.State.ExitCode}}", container]
        assert subprocess.run(argv, capture_output=True, text=True).stdout == "0\n"
    finally:
        subprocess.run([DOCKER, "rm", "--force", container], check=True, capture_output=True)


def inside(container: str, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DOCKER, "exec", container, *command], capture_output=True, text=True)


def answer(container: str) -> str:
    code = 'require "net/http"; print Net::HTTP.get(URI("http://127.0.0.1:5000/"))'
    for _ in range(300):
        asked = inside(container, "ruby", "-e", code)
        if asked.returncode == 0:
            return asked.stdout
        threading.Event().wait(0.1)
    logs = subprocess.run([DOCKER, "logs", container], capture_output=True, text=True)
    raise AssertionError(logs.stdout + logs.stderr)
