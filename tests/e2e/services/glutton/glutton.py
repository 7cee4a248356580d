"""Takes all processes that it can get, then all memory."""

import os
import signal

try:
    while True:
        if os.fork() == 0:
            signal.pause()
except BlockingIOError:
    print("no more processes", flush=True)
held = []
while True:
    held.append(b"x" * (1 << 20))
