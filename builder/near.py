"""What a misspelt word was meant to be."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def nearest(word: str, known: Iterable[str]) -> str | None:
    """The known word that `word` is most probably meant to be: in another case, or a slip of the fingers away."""
    words = {one.lower(): one for one in known}
    same = next((one for one in words.values() if _plain(one) == _plain(word)), None)
    close = difflib.get_close_matches(word.lower(), words, n=1, cutoff=0.8)
    return same or (words[close[0]] if close else None)


def is_slip_of(word: str, meant: str) -> bool:
    """Whether one slip (a letter more, less, another, or two swapped) makes `word` of `meant`."""
    if word == meant or abs(len(word) - len(meant)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(word, meant, strict=False)) if a != b), min(len(word), len(meant)))
    left, right = word[start:], meant[start:]
    swapped = left[:2] == right[:2][::-1] and left[2:] == right[2:]
    return swapped or left[1:] == right or left == right[1:] or left[1:] == right[1:]


def _plain(word: str) -> str:
    return word.lower().replace("_", "").replace("-", "")
