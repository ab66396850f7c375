"""Run a command that ends when the process that started it ends, however that happens.

Started as a script, ``python leash.py PARENT_PID COMMAND…``, it becomes the command by exec. Nobody can
clean up after a SIGKILL, so on Linux the kernel is asked to: the parent-death signal survives the exec.
Other systems have nothing like it; there the command simply runs. A script of its own, rather than
`subprocess`'s ``preexec_fn``, because Python code between fork and exec can deadlock in a process with threads.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask for SIGTERM on the parent's death, then become the command."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    if os.getppid() != int(parent):  # the parent died before the kernel was asked
        sys.exit(1)
    os.execvp(command[0], command)  # noqa: S606 - no shell is wanted


if __name__ == "__main__":
    main()
