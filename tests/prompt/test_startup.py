"""How long the prompt takes to appear on a terminal, with a long history: its processor time, for
other programs may keep it waiting; the time that passed is printed."""

import os
import sys
import time

from terminal import Suite, Terminal, equal

LIMIT = 0.030
STARTS = 20

suite = Suite()


def first_prompt(home):
    path = os.path.join(home, ".local/state/damlua")
    os.makedirs(path)
    with open(os.path.join(path, "history"), "w") as file:
        file.writelines(f"line_{i} = {i} -- of a long history\n" for i in range(5000))
    passed, used = [], []
    for _ in range(STARTS):
        begin = time.monotonic()
        p = Terminal([], home)
        p.expect("\n> ")
        passed.append(time.monotonic() - begin)
        p.send("\x04")
        p.until_quiet(1.0)
        _, status, usage = os.wait4(p.pid, 0)
        equal(status, 0)
        used.append(usage.ru_utime + usage.ru_stime)
    print(f"first prompt: best {1e3 * min(passed):.1f} ms; start and end: "
          f"{1e3 * min(used):.1f} ms of processor time")
    if min(used) > LIMIT and os.popen(f"{sys.argv[1]} --version").read().endswith("release)\n"):
        raise AssertionError(f"best of {STARTS}: {1e3 * min(used):.1f} ms")


suite.test("the prompt appears within 30 ms", first_prompt)
suite.finish()
