"""Composer's version constraints, as far as a language version needs them.

The grammar: https://getcomposer.org/doc/articles/versions.md. A version such as 8.4 stands for all its patch levels: it
is allowed when some 8.4.x is.
"""

from __future__ import annotations

import re

Version = tuple[int, ...]
_TERM = re.compile(
    r"^(\^|~|>=|<=|!=|<>|>|<|==|=)?v?(\d+(?:\.\d+)*)(\.[*x])?(?:-\w+(?:\.\d+)?)?(?:@\w+)?$", re.IGNORECASE
)
_LAST_PATCH = 999


def allows(constraint: str, version: str) -> bool:
    """Whether some patch level of `version` ("8.4") satisfies it; what can't be read is left to Composer."""
    low: Version = (*_numbers(version), 0)
    high: Version = (*_numbers(version), _LAST_PATCH)
    return any(_all_overlap(part.strip(), low, high) for part in re.split(r"\|\|?", constraint))


def _all_overlap(part: str, low: Version, high: Version) -> bool:
    part = re.sub(r"(\S+)\s+-\s+(\S+)", r">=\1 <=\2.*", part)
    terms = re.split(r"[\s,]+", re.sub(r"([\^~<>=!]+)\s+", r"\1", part))
    for term in terms:
        if term in ("", "*"):
            continue
        match = _TERM.match(term.replace(".*.*", ".*"))
        if match is None:
            return True
        least, most = _range(match[1] or "", _numbers(match[2]), bool(match[3]))
        low, high = max(low, least), min(high, most)
    return low <= high


def _range(operator: str, numbers: Version, wild: bool) -> tuple[Version, Version]:
    """The least and the greatest version of a term, both included."""
    end: Version = (_LAST_PATCH,) * 4
    below: Version = (*numbers[:-1], numbers[-1] - 1, *end) if numbers[-1] else (*numbers[:-1], -1)
    if operator == "^":
        return numbers, (numbers[0], *end) if numbers[0] else (*numbers[:2], *end)
    if operator == "~":
        return numbers, (*(numbers[:-1] or numbers), *end)
    if operator in (">=", ">"):
        return (*numbers, 1) if operator == ">" else numbers, end
    if operator == "<":
        return (0,), below
    if operator == "<=":
        return (0,), (*numbers, *end) if wild else (*numbers, *(0,) * (3 - len(numbers)))
    if operator in ("!=", "<>"):
        return (0,), end
    return numbers, (*numbers, *end) if wild else (*numbers, *(0,) * (3 - len(numbers)))


def _numbers(text: str) -> Version:
    return tuple(int(number) for number in text.split("."))
