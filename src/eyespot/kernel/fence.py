"""Order of memory accesses between processes that share memory, which Python has no word for.

x86 keeps stores in order by itself; Arm does not, so a reader could see a frame's "done" before its pixels.
"""

import threading

_lock = threading.Lock()


def full_fence() -> None:
    """What this thread read and wrote before is done before anything that it reads or writes after.

    A lock that is released and then taken is a release followed by an acquire, which Arm's memory model (Arm ARM B2.3,
    barrier-ordered-before: ``[L]; po; [A]``) and every weaker promise of C11 keep in order. CPython's locks are POSIX
    semaphores on Linux, whose operations are just that. About a tenth of a microsecond.
    """
    with _lock:
        pass
    with _lock:
        pass
