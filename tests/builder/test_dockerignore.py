"""`.dockerignore` case by case, after moby's own patternmatcher_test.go and ignorefile_test.go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from builder import BuildFailed
from builder.dockerignore import parse
from builder.problems import BadIgnorePattern


def excludes(patterns: str, path: str) -> bool:
    return parse(patterns.encode()).excludes(path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("**", "file"),
        ("**/", "dir/file"),
        ("**/**", "dir/file"),
        ("dir/**", "dir/dir2/file"),
        ("**/dir", "dir/file"),
        ("**/dir2/*", "dir/dir2/file"),
        ("**/dir2/**", "dir/dir2/dir3/file"),
        ("**file", "dir/dir/file"),
        ("**/file*.txt*", "dir/dir/file.txt"),
        ("**/**/*.txt", "file.txt"),
        ("a**/*.txt", "a/dir/dir/file.txt"),
        ("a/*.txt**", "a/file.txt"),
        ("a[b-d]e", "ace"),
        ("a[^b-d]e", "aze"),
        ("abc?def", "abcZdef"),
        ("a\\*b", "a*b"),
        ("[\\]a]", "]"),
        ("[x\\-]", "-"),
        ("[a-é]*", "ç"),
        ("a(b)c/def", "a(b)c/def"),
        ("a.|)$(}+{bc", "a.|)$(}+{bc"),
        ("docs", "docs/deep/down/README.md"),
        ("docs/", "docs/README.md"),
        ("/docs", "docs/README.md"),
        ("./docs/../docs", "docs/README.md"),
        ("  docs  ", "docs/README.md"),
        ("docs\r", "docs/README.md"),
        ("\ufeffdocs", "docs/README.md"),
        ("*/temp*", "somedir/temporary.txt"),
        ("!a\n*", "a"),
        ("*\n!*.md\nsecret.md", "secret.md"),
        ("**/*.log", "caf\u00e9/a.log"),
    ],
)
def test_leaves_out(pattern, path):
    assert excludes(pattern, path)


@pytest.mark.parametrize(
    ("pattern", "path"),
    [
        ("", "file"),
        (".", "file"),
        ("#file", "#file"),
        ("**/**/*.txt2", "dir/dir/file.txt"),
        ("a/*.txt", "a/dir/file.txt"),
        ("a[b-d]e", "ae"),
        (".*", "foo"),
        ("abc.def", "abcZdef"),
        ("abc/**", "abc"),
        ("**/.foo", "bar.foo"),
        ("*.md", "docs/README.md"),
        ("a?b", "a/b"),
        ("a\\*b", "ab"),
        ("docs", "docs2/README.md"),
        ("docs\n!docs/README.md", "docs/README.md"),
        ("docs\n! docs/README.md", "docs/README.md"),
        ("docs\n!/docs/README.md", "docs/README.md"),
        ("*\n!docs", "docs/deep/README.md"),
        ("*\n!**/keep", "a/b/keep"),
        ("**\n!util/docker/web", "util/docker/web/foo"),
        ("File", "file"),
    ],
)
def test_keeps(pattern, path):
    assert not excludes(pattern, path)


@pytest.mark.parametrize("pattern", ["[", "[^", "[^bc", "a[", "[]a]", "[-x]", "[x-]", "[a-b-c]", "a\\", "!", "! "])
def test_a_pattern_that_docker_refuses_is_named_with_its_line(pattern):
    with pytest.raises(BuildFailed) as raised:
        parse(f"fine\n\n{pattern}\n".encode())
    assert raised.value.problem == BadIgnorePattern(".dockerignore", 3, pattern.strip())


names = st.lists(st.sampled_from(["a", "b", "ab", "c.md"]), min_size=1, max_size=4).map("/".join)


@given(st.lists(st.tuples(st.booleans(), names), max_size=6), names)
def test_the_last_plain_line_that_names_a_path_or_a_folder_above_it_decides(lines, path):
    text = "\n".join(("!" if exception else "") + name for exception, name in lines)
    hits = [exception for exception, name in lines if f"{path}/".startswith(f"{name}/")]
    assert excludes(text, path) == (bool(hits) and not hits[-1])


@given(names, names)
def test_two_stars_and_a_name_match_it_at_any_depth(above, name):
    assert excludes(f"**/{name}", f"{above}/{name}")
    assert excludes(f"**/{name}", name)
