"""The page of failures names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "when-things-break.md"
_PROOF = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_each_row_is_proved_by_a_test_that_there_is() -> None:
    rows = [line for line in PAGE.read_text().splitlines() if line.startswith("| ") and "what you do" not in line]
    assert len(rows) > 15
    for row in rows:
        proofs = _PROOF.findall(row)
        assert proofs, row
        for file, name in proofs:
            assert f"def {name}(" in (ROOT / file).read_text(), f"{file}::{name}"
