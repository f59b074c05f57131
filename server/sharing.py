"""What a process does to its memory before others are forked from it, so that they share it for long.

A page is shared until one of them writes to it (fork(2)). Python writes to what it only reads, for it counts
references; beyond that, a child writes where it finds room for something new. Both are kept away from pages that
would otherwise stay as they are.
"""

from __future__ import annotations

import ctypes
import gc
import sys

_LARGEST, _STEP = 1 << 16, 16  # bytes: of the gaps that are filled, and between two sizes of malloc's


class _Counts(ctypes.Structure):
    """`struct mallinfo2`, see mallinfo(3)."""

    _names = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    _fields_ = tuple((name, ctypes.c_size_t) for name in _names)


def settle() -> None:
    """To be called once everything is loaded, just before the first fork."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # what was used for importing only
    _forget_lookups()
    fill_gaps()
    gc.freeze()  # the collector would write to these pages in every child


def _forget_lookups() -> None:
    """Empty the cache of attribute look-ups: it refers to 4096 names all over the heap, and a child that replaces an
    entry writes to the old name. Types keep their versions (since Python 3.11), so code that counts on them stays fast.
    """
    forget = getattr(sys, "_clear_internal_caches", None) or getattr(sys, "_clear_type_cache", None)  # since 3.13; till
    if forget is not None:
        forget()


def fill_gaps() -> int:
    """Take what is free between what is in use, for good: what a child then allocates lies together, in new pages.

    A thousand gaps of half a kilobyte lie in a thousand pages, and a child that fills them copies each. They are in
    memory anyway, so this takes none (the large ones, which are given back to the kernel, are not written to).
    Gives the bytes taken: 0 where the allocator can't be asked (mallinfo2 is glibc's, since 2.33).
    """
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        return 0
    libc.mallinfo2.restype = _Counts
    libc.malloc.restype = libc.sbrk.restype = ctypes.c_void_p
    libc.malloc.argtypes, libc.free.argtypes = [ctypes.c_size_t], [ctypes.c_void_p]
    counts = libc.mallinfo2()
    above = libc.sbrk(0) - counts.keepcost  # where the heap's unused end begins
    most = 2 * counts.fordblks  # it does not count the pieces that malloc keeps at hand
    taken = 0
    for size in range(_LARGEST, 0, -_STEP):
        while (found := libc.malloc(size)) < above and taken < most:
            taken += size
        libc.free(found)
    return taken
