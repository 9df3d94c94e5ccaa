"""How the page's process gets memory from the system, and gives it back."""

import ctypes
import sys

# Of glibc's mallopt; its defaults are 8 arenas a core, and a threshold that grows to 32 MB.
ARENAS, LARGE = -8, -3
MOST_ARENAS = 2
LARGE_BYTES = 128 << 10


def return_what_is_freed() -> bool:
    """Pictures go back to the system when they are freed; whether this computer can do that.

    By itself the allocator of Linux keeps a freed picture for the next one, up to 32 MB each and
    in a heap for each thread. Between what stays, the gaps add up: from run to run the process
    grows though it holds no more. To be called before there are threads. Where another allocator
    is in use, nothing is changed.
    """
    if sys.platform != "linux":
        return False
    change = getattr(ctypes.CDLL(None), "mallopt", None)
    if change is None:  # not glibc
        return False
    return bool(change(LARGE, LARGE_BYTES)) and bool(change(ARENAS, MOST_ARENAS))
