"""What is done to a process's memory before others are forked from it."""

from __future__ import annotations

import subprocess
import sys

GAPS = """
import ctypes
from server.sharing import fill_gaps

libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = ctypes.c_void_p, [ctypes.c_size_t], [ctypes.c_void_p]
pieces = [libc.malloc(600) for _ in range(2000)]
for piece in pieces[::2]:
    libc.free(piece)
taken = fill_gaps()
print(taken >= 500 * 600, all(libc.malloc(600) > max(pieces) for _ in range(100)))
"""


def test_what_is_allocated_after_gaps_are_filled_lies_in_none_of_them() -> None:
    done = subprocess.run([sys.executable, "-c", GAPS], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]
