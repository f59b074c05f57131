"""The words for every problem of an app before it runs: title, found, expected, what to do. All of them are here."""

from __future__ import annotations

from collections.abc import Mapping
from functools import singledispatch

from builder import problems as p
from builder.problems import Mistake, Problem, Wrong
from builder.types import BuildFailed
from core.reports import Report

PROCFILE_EXAMPLE = "web: gunicorn app:app"
AGAIN = "then commit and push again."
_LISTED_FILES = 12

MISTAKES = {
    Wrong.NOT_A_PROCESS: "`{name}` is not of the form `type: command`",
    Wrong.NO_COMMAND: "`{name}:` has no command",
    Wrong.BAD_TYPE: "`{name}` is not a type: it is a lower-case letter, then letters, digits, - or _",
    Wrong.TYPE_TWICE: "`{name}` stands there a second time, after line {other}",
    Wrong.TYPE_MISSPELT: "`{name}:` → did you mean `{other}:`?",
    Wrong.UNKNOWN_KEY: "`{name}` → did you mean `{other}`?",
    Wrong.KEY_TWICE: "`{name}` stands there a second time, after line {other}",
    Wrong.WRONG_KIND: "`{name}` should be {other}",
    Wrong.NOT_ONE_OF: "`{name}` should be {other}",
    Wrong.BAD_PATH: "`{name}` should be a path that begins with / and has no blanks, not {other}",
    Wrong.BAD_SCHEDULE: "`{name}` should be five fields such as `0 3 * * *`, not {other}",
    Wrong.MISSING_KEY: "`{name}` has no `{other}`",
}


TEXTS: Mapping[type[Problem], tuple[str, str, str, str]] = {
    p.NeededFileIgnored: (
        "{ignore_file} leaves out {path}, which the build needs.",
        "a pattern in {ignore_file} that matches {path}",
        "{path} in the build",
        "Add the line !{path} at the end of {ignore_file}, " + AGAIN,
    ),
    p.BadIgnorePattern: (
        "{ignore_file} has a line that is not a pattern.",
        "line {line}: `{text}`",
        "a pattern as in https://docs.docker.com/build/concepts/context/#dockerignore-files",
        "Mend line {line} of {ignore_file}, " + AGAIN,
    ),
    p.LinkLoop: (
        "The symbolic link {path} leads back to itself.",
        "a loop of symbolic links",
        "a link that ends at a file, or {path} as a file",
        "Put the file there: rm {path}, write it anew, " + AGAIN,
    ),
    p.LinkBroken: (
        "The symbolic link {path} leads to nothing in the commit.",
        "{path} -> {target}",
        "a link to a file of the same repository",
        "git add {target}, or put the file itself at {path}, " + AGAIN,
    ),
    p.VersionUnavailable: (
        "{file} asks for a {language} that this server does not have.",
        "`{wanted}`",
        "{language} {has}",
        "Put {line} in {file}, or bring a Dockerfile with another {language}, " + AGAIN,
    ),
    p.NoProjectTable: (
        "Nothing says what to install.",
        "a pyproject.toml without a [project] table, and no requirements.txt",
        "the dependencies in requirements.txt, or under [project] in pyproject.toml",
        "Write one of the two (an empty requirements.txt for none), " + AGAIN,
    ),
    p.StepCommandMissing: (
        "`{step}` needs {program}, which is not in the image.",
        "no program named {program}",
        "a program that the base image has, or that an earlier step installs",
        "Check its name, or install it in the Dockerfile before this step, " + AGAIN,
    ),
    p.CompilerMissing: (
        "A dependency must be compiled, and there is no {tool} for it.",
        "no {tool} in `{step}`",
        "a version of the dependency with a ready-made wheel",
        "Pin a version that has one (psycopg2-binary for psycopg2), or bring a Dockerfile, " + AGAIN,
    ),
    p.ImageMissing: (
        "The base image {image} can't be had.",
        "its registry has no such image, or not for everyone",
        "an image that can be pulled without signing in, or the name of an earlier stage",
        "Check the name and the tag (docker pull {image}), " + AGAIN,
    ),
    p.DiskFull: (
        "There is no space left on the server's disk.",
        "`{step}` could not write",
        "room for the image and its layers",
        "Free some: `portside-server gc` on the server, then push again.",
    ),
    p.NoStartCommand: (
        "The image says nothing of what to run.",
        "no CMD, no ENTRYPOINT and no Procfile",
        "one of the three",
        "Add a CMD to the Dockerfile, or a Procfile with a line such as: web: ./server, " + AGAIN,
    ),
    p.EmptyProcfile: (
        "The Procfile names no process.",
        "no line but blanks and comments",
        f"a line for each process, such as: {PROCFILE_EXAMPLE}",
        "Add one, " + AGAIN,
    ),
    p.NotAnObject: (
        "app.json is not a JSON object.",
        "{kind}",
        'something such as {{"name": "shop"}}',
        "Mend it, " + AGAIN,
    ),
    p.BuildRefused: ("The Dockerfile can't be built.", "{reason}", "a build that ends well", "Mend it, " + AGAIN),
    p.StepFailed: (
        "`{step}` ended with exit code {exit_code}.",
        "{last_line}",
        "exit code 0",
        "Mend what its output above names, " + AGAIN,
    ),
    p.DependencyNotFound: (
        "The dependency {package} can't be had.",
        "{said}",
        "a name and a version that the package index has",
        "Check the name and the version of {package}, " + AGAIN,
    ),
    p.NoNetwork: (
        "`{step}` could not reach the network.",
        "{said}",
        "a way from inside builds to where the dependencies are",
        "Push again; if it stays so, `portside-server doctor` on the server says why.",
    ),
    p.ImageUnreachable: (
        "The base image {image} can't be had: its registry does not answer.",
        "{said}",
        "a registry in reach, an image that this server holds, or the name of an earlier stage",
        "Check the name; `docker images` on the server lists what it holds, " + AGAIN,
    ),
    p.StepNotExecutable: (
        "`{step}` may not run {program}.",
        "{program} without the right to execute",
        "a file that is executable in git",
        "git update-index --chmod=+x {program}, " + AGAIN,
    ),
}


def failed(problem: Problem) -> BuildFailed:
    """The error that ends a build for a problem."""
    return BuildFailed(report(problem), problem=problem)


@singledispatch
def report(problem: Problem) -> Report:
    """A problem in words: those below, or the table's with the problem's fields filled in."""
    return Report(*(text.format_map(vars(problem)) for text in TEXTS[type(problem)]))


@report.register
def _(it: p.EmptyTree) -> Report:
    return Report(
        "The commit holds no files.",
        "an empty repository",
        f"an app, told by one of: {', '.join(it.expected)}",
        "git add the files of your app, " + AGAIN,
    )


@report.register
def _(it: p.NothingDetected) -> Report:
    more = len(it.found) - _LISTED_FILES
    todo = "Put one of these at the root of the repository, " + AGAIN
    return Report(
        "No known kind of app was found.",
        ", ".join(it.found[:_LISTED_FILES]) + (f" and {more} more" if more > 0 else ""),
        f"one of: {', '.join(it.expected)}",
        _rename(*it.near) if it.near else todo,
    )


@report.register
def _(it: p.NoProcfile) -> Report:
    return Report(
        "Nothing says how to start the app.",
        it.near or "no Procfile",
        f"a file named Procfile at the root, with a line such as: {it.example}",
        _rename(it.near, "Procfile") if it.near else f"Write the Procfile, {AGAIN}",
    )


def _rename(found: str, meant: str) -> str:
    return f"Is {found} meant to be {meant}? git mv {found} {meant}"


@report.register
def _(it: p.ManifestMistakes) -> Report:
    files = list(dict.fromkeys(mistake.file for mistake in it.mistakes))
    names = " and ".join("the Procfile" if file == "Procfile" else file for file in files)
    count = "1 mistake" if len(it.mistakes) == 1 else f"{len(it.mistakes)} mistakes"
    expected = {
        "Procfile": f"lines such as: {PROCFILE_EXAMPLE}",
        "app.json": "the keys of https://devcenter.heroku.com/articles/app-json-schema and Dokku's `healthchecks`",
    }
    have = "have" if len(files) > 1 else "has"
    return Report(
        f"{names[0].upper() if names.startswith('the') else names[0]}{names[1:]} {have} {count}.",
        "\n".join(map(_mistake, it.mistakes)),
        "\n".join(expected[file] for file in files),
        f"Mend {'that' if len(it.mistakes) == 1 else 'these'}, {AGAIN}",
    )


def _mistake(it: Mistake) -> str:
    column = f", column {it.column}" if it.column else ""
    return f"{it.file} line {it.line}{column}: " + MISTAKES[it.wrong].format(name=it.name, other=it.other)


@report.register
def _(it: p.NotText) -> Report:
    what = it.looks_like or f"the byte 0x{it.byte:02x} in line {it.line}, column {it.column}"
    return Report(f"{it.file} is not UTF-8 text.", what, "UTF-8", f"Save {it.file} as UTF-8, {AGAIN}")


@report.register
def _(it: p.BadSyntax) -> Report:
    column = f", column {it.column}" if it.column else ""
    return Report(
        f"{it.file} is not valid {it.language}.",
        f"line {it.line}{column}: {it.reason}" if it.line else it.reason,
        it.language,
        f"{it.advice or f'Mend line {it.line}'}, {AGAIN}",
    )


@report.register
def _(it: p.RequirementsMissing) -> Report:
    todo = f"git add {it.path}, {AGAIN}"
    if it.submodule:
        todo = (
            f"Put the files of the submodule into the repository itself: submodules do not travel with a push, {AGAIN}"
        )
    return Report(
        f"{it.named_in} names {it.path}, which is not in the commit.",
        f"{it.path} in the git submodule {it.submodule}" if it.submodule else f"no {it.path}",
        f"{it.path} beside it, committed",
        todo,
    )


@report.register
def _(it: p.StepKilled) -> Report:
    raise_it = f", or allow builds more on the server: PORTSIDE_BUILDER_BUILD_MEMORY_MB={it.memory_mb * 2}"
    why = f"it used more than {it.memory_mb} MB of memory" if it.memory_mb else "the build ran out of memory"
    return Report(
        f"`{it.step}` was killed: {why}.",
        f"more than {it.memory_mb} MB in use" if it.memory_mb else "exit code 137, as of SIGKILL",
        f"at most {it.memory_mb} MB" if it.memory_mb else "a build that fits in its memory",
        f"Build with less at once (fewer jobs in parallel){raise_it if it.memory_mb else ''}, {AGAIN}",
    )


@report.register
def _(it: p.LockFilesClash) -> Report:
    return Report(
        f"Lock files of {len(it.found)} {it.language} package managers were found.",
        ", ".join(it.found),
        "one lock file, which alone says what to install",
        f"Keep the one that you use, for example: git rm {' '.join(it.found[1:])}, {AGAIN}",
    )


@report.register
def _(it: p.CopyMissing) -> Report:
    title = f"`{it.step}` copies {it.path}, which is not in the commit."
    found, todo = f"no {it.path}", f"git add {it.path}, {AGAIN}"
    if it.ignored_by:
        title = f"`{it.step}` copies {it.path}, which {it.ignored_by} leaves out."
        found, todo = f"a pattern in {it.ignored_by} that matches {it.path}", f"Add !{it.path} at its end, {AGAIN}"
    elif it.submodule:
        found = f"the git submodule {it.submodule}; submodules do not travel with a push"
        todo = f"Put its files into the repository itself, {AGAIN}"
    elif it.near:
        found, todo = it.near, f"Is {it.near} meant? Change one of the two names, {AGAIN}"
    return Report(title, found, f"{it.path} in the build", todo)


@report.register
def _(it: p.DockerfileSyntax) -> Report:
    where = f"line {it.line}: " + (f"`{it.text}`: " if it.text else "") if it.line else ""
    todo = f"Is {it.meant} meant? Mend line {it.line}" if it.meant else "Mend it"
    return Report(
        "The Dockerfile can't be read.",
        where + it.reason,
        "the instructions of https://docs.docker.com/reference/dockerfile/",
        f"{todo}, {AGAIN}",
    )
