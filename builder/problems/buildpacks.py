"""What can be wrong with a classic buildpack, and the words for it."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from enum import Enum, auto

from builder.problems import AGAIN, Problem
from core.reports import Report

_LISTED = 8
_ADDRESSES = "https://… (.git, #branch or #tag), or ./a/folder of the app's repository"
_CREDENTIALS = "portside config:set BUILDPACK_GIT_CREDENTIALS=https://USER:TOKEN@HOST"


class WrongAddress(Enum):
    """Why no buildpack can be at an address."""

    CHARACTERS = auto()
    PROTOCOL = auto()
    CREDENTIALS = auto()
    ARCHIVE = auto()
    REF = auto()
    FILE = auto()
    HOST = auto()
    OUTSIDE = auto()


_WRONG = {
    WrongAddress.CHARACTERS: ("blanks or letters outside ASCII in it", "Write it without them"),
    WrongAddress.PROTOCOL: (
        "a protocol that builds do not speak: they have no SSH key",
        "Give its https:// address",
    ),
    WrongAddress.CREDENTIALS: (
        "a user or a password in it, which everybody who sees the app would read",
        f"Keep these in the app's config, {_CREDENTIALS}, and leave them out of the address",
    ),
    WrongAddress.ARCHIVE: ("an archive, and not a git repository", "Give the address of its git repository"),
    WrongAddress.REF: ("what follows the # can't be a branch, a tag or a commit", "Mend what follows the #"),
    WrongAddress.FILE: (
        "a place that is not there in a build, which sees the app's own files in /app and nothing else",
        "Give file:///app/… for a git repository among the app's files, or ./a/folder",
    ),
    WrongAddress.HOST: (
        "a host that a build can't reach: inside one, localhost is the build itself",
        "Give the address that other machines use",
    ),
    WrongAddress.OUTSIDE: ("a folder outside the app's repository", "Give a folder of the repository, as ./a/folder"),
}


@dataclass(frozen=True)
class BadBuildpackAddress(Problem):
    """An address at which no buildpack can be."""

    address: str
    wrong: WrongAddress

    def report(self) -> Report:
        found, todo = _WRONG[self.wrong]
        return Report(f"No buildpack can be at {self.address}.", found, _ADDRESSES, f"{todo}.")


@dataclass(frozen=True)
class BuildpacksMixed(Problem):
    """A pack of Portside's in one list with others."""

    names: tuple[str, ...]

    def report(self) -> Report:
        return Report(
            "A pack of Portside's can't be combined with other buildpacks.",
            ", ".join(self.names),
            "one pack of Portside's alone (which builds assets along), or only buildpacks with an address",
            "Choose anew: portside buildpacks:set NAME, or portside buildpacks:clear to let Portside find out.",
        )


@dataclass(frozen=True)
class BuildpackFolderMissing(Problem):
    """A folder that is not in the commit; `folders` are those that could be meant."""

    name: str
    path: str
    folders: tuple[str, ...]

    def report(self) -> Report:
        near = difflib.get_close_matches(self.path, self.folders, n=1, cutoff=0.6)
        return Report(
            f"The buildpack {self.name} is not in the commit.",
            f"buildpacks in {', '.join(self.folders[:_LISTED])}" if self.folders else f"no folder {self.path}",
            f"the folder {self.path} with bin/detect and bin/compile in it",
            f"Is ./{near[0]} meant? Change the name, {AGAIN}" if near else f"git add {self.path}, {AGAIN}",
        )


@dataclass(frozen=True)
class BuildpackFileMissing(Problem):
    """A buildpack without one of its scripts."""

    name: str
    path: str

    def report(self) -> Report:
        return Report(
            f"The buildpack {self.name} has no {self.path}.",
            f"no file {self.path}",
            "bin/detect and bin/compile, as https://devcenter.heroku.com/articles/buildpack-api has it",
            f"Add {self.path}, executable, {AGAIN}" if self.name.startswith(".") else "Choose another buildpack.",
        )


@dataclass(frozen=True)
class BuildpackNotExecutable(Problem):
    """A script of a buildpack that may not be run. `is_ours`: it lies in the app's repository."""

    name: str
    path: str
    is_ours: bool = True

    def report(self) -> Report:
        mend = f"git update-index --chmod=+x {self.path}"
        return Report(
            f"The buildpack {self.name} can't be run: {self.path} is not executable.",
            f"{self.path} without the right to execute",
            "a file that is executable in git",
            f"{mend}, {AGAIN}"
            if self.is_ours
            else f"In the buildpack's repository: {mend}, commit, push; then push again.",
        )


@dataclass(frozen=True)
class BuildpackUnreachable(Problem):
    """A git server that does not answer."""

    url: str
    said: str

    words = (
        "The buildpack {url} can't be had: its server does not answer.",
        "{said}",
        "a git server that this machine can reach over HTTPS",
        "Check the address and push again, or put the buildpack into the app's repository and choose ./its/folder.",
    )


@dataclass(frozen=True)
class BuildpackNotGit(Problem):
    """A server that answers, with no git repository there."""

    url: str

    words = (
        "There is no git repository at {url}.",
        "an answer that is not git's",
        "the address that `git clone` takes",
        "Try it: git ls-remote {url}, then choose the right one with portside buildpacks:set.",
    )


@dataclass(frozen=True)
class BuildpackPrivate(Problem):
    """A repository that is not for everyone, or that is not there, which some servers tell in the same way."""

    url: str

    words = (
        "The buildpack {url} is private, or not there.",
        "a server that asks for a password",
        "a repository that can be read without one, or a login for it in the app's config",
        "Check the address, or: " + _CREDENTIALS,
    )


@dataclass(frozen=True)
class BuildpackEmpty(Problem):
    """A repository without a commit."""

    url: str

    words = (
        "The buildpack {url} is empty.",
        "a git repository without a commit",
        "one with bin/detect and bin/compile in it",
        "Push the buildpack there first, then push the app again.",
    )


@dataclass(frozen=True)
class BuildpackRefUnknown(Problem):
    """A branch or tag that the repository has not; `refs` are those that it has."""

    url: str
    ref: str
    refs: tuple[str, ...]

    def report(self) -> Report:
        near = difflib.get_close_matches(self.ref, self.refs, n=1, cutoff=0.6)
        more = len(self.refs) - _LISTED
        return Report(
            f"The buildpack {self.url} has no {self.ref}.",
            ", ".join(self.refs[:_LISTED]) + (f" and {more} more" if more > 0 else ""),
            "a branch, a tag or a whole commit after the #",
            (f"Is #{near[0]} meant? " if near else "") + f"portside buildpacks:set {self.url}#{(near or ['NAME'])[0]}",
        )


@dataclass(frozen=True)
class BuildpackRefused(Problem):
    """A bin/detect that says that the app is not its kind."""

    name: str
    exit_code: int
    said: str

    def report(self) -> Report:
        return Report(
            f"The app is not what the buildpack {self.name} builds.",
            f"bin/detect ended with exit code {self.exit_code}" + (f": {self.said}" if self.said else ""),
            "exit code 0 from its bin/detect",
            "Add what it looks for (its README says), or choose another: portside buildpacks:set ADDRESS",
        )


@dataclass(frozen=True)
class BuildpackFailed(Problem):
    """A script of a buildpack that ended with an exit code."""

    name: str
    script: str
    exit_code: int
    said: str

    words = (
        "The buildpack {name} failed: its {script} ended with exit code {exit_code}.",
        "{said}",
        "exit code 0",
        "Mend what its output above names, " + AGAIN,
    )


@dataclass(frozen=True)
class BuildpackNotFetched(Problem):
    """A repository that the build could not fetch."""

    name: str
    said: str

    words = (
        "The build could not fetch the buildpack {name}.",
        "{said}",
        "a git repository that the build's container can reach",
        "Push again; if it stays so, put the buildpack into the app's repository and choose ./its/folder.",
    )


@dataclass(frozen=True)
class BadRelease(Problem):
    """What bin/release prints is not what it should be."""

    reason: str

    words = (
        "What the buildpack's bin/release prints can't be used.",
        "{reason}",
        "YAML with default_process_types and config_vars, each a list of `name: text`",
        "Mend its bin/release, " + AGAIN,
    )


@dataclass(frozen=True)
class NoProcessType(Problem):
    """Neither a Procfile nor bin/release says how to start the app."""

    words = (
        "Nothing says how to start the app.",
        "no Procfile, and no default_process_types from the last buildpack's bin/release",
        "one of the two",
        "Add a Procfile with a line such as: web: ./server, " + AGAIN,
    )
