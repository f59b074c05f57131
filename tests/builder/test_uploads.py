"""A folder that comes as a tar: what is taken, what is refused, and that it equals the git tree of the same files."""

from __future__ import annotations

import gzip
import io
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from builder.uploads import BadUpload, TarSource


def tar_of(*members: tuple[str, str] | tarfile.TarInfo, mode: str = "w:gz") -> io.BytesIO:
    """A tar of files (path, text) and of members with no content."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode=mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1].encode()))
    packed.seek(0)
    return packed


def special(path: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.type, info.linkname = kind, target
    return info


def refused(upload: io.BytesIO, limit_bytes: int = 1 << 20) -> str:
    with pytest.raises(BadUpload) as raised:
        TarSource.receive(upload, limit_bytes)
    return str(raised.value)


@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_files_links_and_modes_come_as_git_has_them(tmp_path: Path, mode: str) -> None:
    runnable = special("bin/go", tarfile.REGTYPE)
    runnable.mode = 0o755
    source = TarSource.receive(
        tar_of(("app.py", "x = 1\n"), runnable, special("now", tarfile.SYMTYPE, "app.py"), mode=mode)
    )
    assert source.paths() == ("app.py", "bin/go", "now")
    assert [(e.mode, e.read()) for e in source.entries()] == [
        (0o100644, b"x = 1\n"),
        (0o100755, b""),
        (0o120000, b"app.py"),
    ]
    (tmp_path / "bin").mkdir()
    (tmp_path / "app.py").write_text("x = 1\n")
    (tmp_path / "bin/go").touch(0o755)
    (tmp_path / "now").symlink_to("app.py")

    def git(*words: str) -> str:
        return subprocess.run(["git", *words], cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    git("init", "-q")
    git("add", ".")
    assert source.tree_id == git("write-tree")


@pytest.mark.parametrize("path", ["/etc/passwd", "../up", "a/../../up", "a//b", ".git/config", "a/.GIT/hooks/x", ""])
def test_a_path_that_git_would_not_hold_is_refused(path: str) -> None:
    assert "can't be a file's path in an app" in refused(tar_of((path, "x")))


def test_nothing_may_lie_below_a_link() -> None:
    upload = tar_of(special("etc", tarfile.SYMTYPE, "/etc"), ("etc/passwd", "root::0:0::/:/bin/sh"))
    assert "etc is in the upload both as a file or link and as a folder" in refused(upload)


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE])
def test_only_files_and_symbolic_links_are_taken(kind: bytes) -> None:
    assert "x is neither a file nor a symbolic link" in refused(tar_of(special("x", kind, "y")))


def test_a_link_out_of_the_app_stays_a_link() -> None:
    source = TarSource.receive(tar_of(special("secrets", tarfile.SYMTYPE, "/etc/shadow")))
    assert source.read("secrets") == b"/etc/shadow"


def test_a_small_upload_that_unpacks_to_much_is_refused() -> None:
    bomb = io.BytesIO(gzip.compress(bytes(8 << 20)))
    assert refused(bomb) == (
        "The folder is over 1 MB.\nList what the build does not need in .gitignore, or push with git."
    )


@pytest.mark.parametrize(
    "broken",
    [
        lambda whole: whole[: len(whole) // 2],
        lambda whole: b"\x1f\x8bnonsense",
        lambda whole: b"not a tar" * 100,
        lambda whole: gzip.compress(b"not a tar" * 100),
    ],
)
def test_what_is_not_a_whole_tar_is_refused(broken: Callable[[bytes], bytes]) -> None:
    whole = tar_of(("app.py", "import os\n" * 1000)).getvalue()
    assert refused(io.BytesIO(broken(whole))).startswith(("The upload ", "The folder "))


def test_an_empty_upload_is_an_app_without_files() -> None:
    assert TarSource.receive(tar_of()).paths() == ()


def test_the_last_of_two_equal_paths_counts() -> None:
    source = TarSource.receive(tar_of(("a", "first"), ("./a", "second")))
    assert source.read("a") == b"second"
    assert source.read("b") is None
