"""Classic buildpacks for real: one in the app's repository, one at a git address, and what their app runs with."""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from builder import BuildFailed, BuiltImage
from builder.problems import BuildpackFailed, BuildpackRefused
from scheduler import SchedulerSettings
from scheduler.docker_runtime import DockerRuntime
from scheduler.shell import how_to_run
from tests.builder.containers import DOCKER, exit_code_when_stopped, gateway, in_image
from tests.builder.git_site import GitSite, git_site

pytestmark = pytest.mark.engine

SECRET = "it's a\nsecret $HOME"
COUNT = (
    '#!/bin/sh\necho run >> $2/runs; echo "built $(wc -l < $2/runs) times by $(basename $(dirname $(dirname $0)))"\n'
)
OWN = {
    "own/bin/detect!x": "#!/bin/sh\ntest -f $1/Ownfile && echo Own\n",
    "own/bin/compile!x": COUNT + 'echo "exported: $FROM_FIRST"\n[ ! -f $1/broken ] || { echo "oh no" >&2; exit 3; }\n',
    "own/bin/release!x": "#!/bin/sh\nprintf 'default_process_types:\\n  web: ./default\\n  clock: date\\n'\n",
    "Ownfile": "",
}
FIRST = {
    "bin/detect": "#!/bin/sh\nexit 0\n",
    "bin/compile": COUNT
    + 'mkdir -p .profile.d; echo "export GREETING=$(cat $3/WORD)" > .profile.d/word.sh\n'
    + "echo 'export FROM_FIRST=yes' > $(dirname $0)/../export\n",
    "bin/release": "#!/bin/sh\nprintf 'default_process_types:\\n  web: of the first\\n'\n",
}
CONTRACT = """#!/bin/bash
echo "as $(id -u) in $PWD: $1 $(ls $3) $STACK $SOURCE_VERSION $HOME [$WORD]"
cmp $3/WORD word && echo "the config is whole"
cat > app <<END
#!/bin/bash
trap 'echo asked to stop; exit 0' TERM
echo "\\$GREETING \\$COLOUR \\$SHAPE \\$OWN_PROFILE in \\$PWD"
while :; do sleep 0.1; done
END
chmod +x app
mkdir -p .profile.d; echo 'export GREETING=hello' > .profile.d/hello.sh
echo 'web: ./app' > Procfile
"""


@pytest.fixture
def site(tmp_path: Path) -> Iterator[GitSite]:
    """A git server where the containers of builds can reach it: at their gateway."""
    with git_site(tmp_path / "site", gateway()) as site:
        yield site


def started(built: BuiltImage, **env: str) -> str:
    """The id of a container that runs the web process as the scheduler would."""
    launcher = DockerRuntime(SchedulerSettings()).image(built.image_id, "").launcher
    runs = how_to_run(dict(built.processes)["web"] or "", env, launcher)
    variables = [f"--env={name}={value}" for name, value in runs["environment"].items()]
    argv = [DOCKER, "run", "--detach", "--init", "--network=none", "--cap-drop=ALL", *variables]
    argv += [f"--entrypoint={runs['entrypoint'][0]}", built.image_id, *runs["entrypoint"][1:], *runs["command"]]
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout.strip()


def output(container: str, lines: int) -> list[str]:
    """The first lines of a container's output, as soon as they are there."""
    argv = [DOCKER, "logs", "--follow", container]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as following:
        assert following.stdout is not None
        told = [following.stdout.readline().rstrip() for _ in range(lines)]
        following.kill()
    return told


def test_a_buildpack_of_the_app_keeps_the_contract_and_its_app_runs(bench, log, memory_source) -> None:
    files = {
        "own/bin/detect!x": "#!/bin/sh\necho Contract\n",
        "own/bin/compile!x": CONTRACT,
        "own/bin/release!x": "#!/bin/sh\nprintf 'config_vars:\\n  COLOUR: blue\\n  SHAPE: round\\n'\n",
        "portside.toml": 'builder = "./own"',
        "word": SECRET,
        ".profile": "export OWN_PROFILE=mine\n",
    }
    config = {"WORD": SECRET}
    built = bench.builder.build(bench.request(memory_source(files), config=config, deadline_s=600.0), log)
    assert "Contract app detected" in log.text
    assert f"as 1000 in /app: /app WORD debian-13 {'c' * 40} /app []" in log.text
    assert "the config is whole" in log.text
    assert built.processes == (("web", "./app"),)
    history = subprocess.run([DOCKER, "save", built.image_id], check=True, capture_output=True).stdout
    assert history.count(b"it's a\nsecret") == 1  # the file `word`, which is the app's own
    container = started(built, COLOUR="red")
    try:
        assert output(container, 1) == ["hello red round mine in /app"]
        assert exit_code_when_stopped(container) in (0, 143)
        assert output(container, 2)[1] == "asked to stop"
    finally:
        subprocess.run([DOCKER, "rm", "--force", container], check=True, capture_output=True)


def test_two_in_their_order_with_caches_that_outlive_a_failure(bench, log, memory_source, site: GitSite) -> None:
    site.commit("first.git", FIRST)
    bench.builder.choices.choose_packs(bench.app_id, [site.url("first.git"), "./own"])
    request = bench.request(memory_source(OWN), config={"WORD": "hi"}, deadline_s=600.0)
    built = bench.builder.build(request, log)
    assert built.processes == (("web", "./default"), ("clock", "date"))
    assert "built 1 times by 1" in log.text
    assert "built 1 times by 2" in log.text
    assert "exported: yes" in log.text
    assert in_image(built, "cat .profile.d/word.sh").strip() == "export GREETING=hi"
    again = bench.builder.build(request, log)
    assert (again.reused, again.processes) == (True, built.processes)

    broken = dataclasses.replace(request, source=memory_source(OWN | {"broken": "", "Procfile": "web: ./own-one"}))
    with pytest.raises(BuildFailed) as raised:
        bench.builder.build(broken, log)
    assert raised.value.problem == BuildpackFailed("./own", "bin/compile", 3, "oh no")

    site.commit("first.git", FIRST | {"README": "new"})  # the same files of the app, another buildpack
    mended = bench.builder.build(request, log)
    assert not mended.reused
    assert "built 3 times by 1" in log.text
    assert "built 3 times by 2" in log.text

    bench.builder.purge_cache(bench.app_id)
    purged = dataclasses.replace(request, source=memory_source(OWN | {"Procfile": "web: ./own-one"}))
    fresh = bench.builder.build(purged, log)
    assert log.text.count("built 1 times by 1") == log.text.count("built 1 times by 2") == 2
    assert fresh.processes == (("web", "./own-one"), ("clock", "date"))


def test_a_private_repository_and_one_among_the_apps_files(bench, log, memory_source, site: GitSite, tmp_path) -> None:
    site.commit("private/first.git", FIRST, "v1")
    bare = tmp_path / "bare"
    subprocess.run(
        ["git", "clone", "--quiet", "--bare", str(tmp_path / "site" / "private-first.git"), str(bare)], check=True
    )
    vendored = {
        f"vendor/own.git/{path.relative_to(bare)}": path.read_bytes() for path in bare.rglob("*") if path.is_file()
    }
    vendored["vendor/own.git/refs/heads/.keep"] = b""
    chosen = [f"{site.url('private/first.git')}#v1", "file:///app/vendor/own.git#v1"]
    bench.builder.choices.choose_packs(bench.app_id, chosen)
    config = {"WORD": "hi", "BUILDPACK_GIT_CREDENTIALS": f"http://reader:s3cret@{site.place}"}
    built = bench.builder.build(bench.request(memory_source(vendored), config=config, deadline_s=600.0), log)
    assert built.processes == (("web", "of the first"),)
    assert "s3cret" not in log.text
    assert b"s3cret" not in subprocess.run([DOCKER, "save", built.image_id], check=True, capture_output=True).stdout


def test_a_buildpack_that_says_no(bench, log, memory_source) -> None:
    files = OWN | {"portside.toml": 'builder = "./own"'}
    del files["Ownfile"]
    with pytest.raises(BuildFailed) as raised:
        bench.builder.build(bench.request(memory_source(files), deadline_s=600.0), log)
    assert raised.value.problem == BuildpackRefused("./own", 1, "")
