"""The unit tests' processes lose nothing: no failure, no end of one of them, no fixture."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.programs

ROOT = Path(__file__).parents[1]
FIXTURE = """
import pytest, pathlib

@pytest.fixture(scope="session", autouse=True)
def session(tmp_path_factory):
    place = tmp_path_factory.getbasetemp()
    yield
    (place / "ended").touch()
"""
GOOD = "".join(f"def test_good_{number}(tmp_path): print('fine {number}')\n" for number in range(40))


def run(folder: Path, text: str, *more: str) -> subprocess.CompletedProcess[str]:
    """Run these tests in two processes."""
    (folder / "conftest.py").write_text(FIXTURE)
    (folder / "test_some.py").write_text(text)
    files = folder / "files"
    argv = [
        sys.executable,
        "-m",
        "pytest",
        "-p",
        "tests.forks",
        "--forks=2",
        f"--basetemp={files}",
        f"--rootdir={folder}",
    ]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [*argv, *more, "test_some.py"], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
    )


def test_each_test_runs_once_and_fixtures_are_ended_in_each_process(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD)
    assert (done.returncode, done.stderr) == (0, "")
    assert "40 passed" in done.stdout
    assert {path.parent.name for path in tmp_path.rglob("ended")} == {"fork-0", "fork-1"}


def test_a_failure_is_shown_with_what_it_printed(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD + "def test_bad():\n    print('in the way')\n    assert 1 == 2\n")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 failed, 40 passed" in done.stdout
    assert "in the way" in done.stdout
    assert "assert 1 == 2" in done.stdout
    assert "fine" not in done.stdout


def test_at_the_first_failure_it_ends_if_that_is_wanted(tmp_path: Path) -> None:
    done = run(tmp_path, "def test_bad(): assert False\n" + GOOD, "-x")
    assert done.returncode == pytest.ExitCode.TESTS_FAILED
    assert "1 failed" in done.stdout


def test_a_process_that_ends_in_the_middle_is_no_success(tmp_path: Path) -> None:
    done = run(tmp_path, GOOD + "def test_end():\n    import os\n    os._exit(0)\n")
    assert done.returncode == pytest.ExitCode.INTERNAL_ERROR
    assert "A process that ran tests has ended in the middle of one." in done.stdout + done.stderr
