"""Ctrl-C ends every kind of loop within 0.2 s: scripts leave with 130, the prompt stays usable."""

import os
import signal
import time

from loops import FOREVER, LIMIT, LOOPS, LOOPS_AT_PROMPT, interrupted
from terminal import Suite, Terminal, equal, leave, start

suite = Suite()


def in_script(loop, number):
    def body(home):
        terminal = Terminal(["-e", f"print 'begun' {loop}"], home)
        terminal.expect("begun\n")
        time.sleep(0.1)
        start = time.monotonic()
        terminal.signal(number)
        equal(terminal.wait(5.0), 130)
        seconds = time.monotonic() - start
        if seconds > LIMIT:
            raise AssertionError(f"took {seconds:.3f} s")

    return body


def at_end(home):
    code = f"for i = 1, 50 do setmetatable({{}}, {{ __gc = {FOREVER} }}) end print 'begun'"
    terminal = Terminal(["-e", code + " while true do end"], home)
    terminal.expect("begun\n")
    start = time.monotonic()
    terminal.send("\x03")
    equal(terminal.wait(5.0), 130)
    if time.monotonic() - start > LIMIT + 0.1:
        raise AssertionError(f"took {time.monotonic() - start:.3f} s")


def cleanup_runs(home):
    terminal = Terminal(
        ["-e", "local c <close> = setmetatable({}, { __close = function() print 'cleaned' end }) "
         "print 'begun' while true do end"], home)
    terminal.expect("begun\n")
    terminal.send("\x03")
    terminal.expect("cleaned\n")
    terminal.expect("damlua: interrupted\n")
    equal(terminal.wait(), 130)


def reading_input(home):
    terminal = Terminal(["-e", "print 'begun' io.read()"], home)
    terminal.expect("begun\n")
    time.sleep(0.1)
    terminal.send("\x03")
    equal(terminal.wait(5.0), 130)


STUCK = "string.find(('a'):rep(60), ('a*'):rep(30) .. 'b')"


def impatient(home):
    """A call of C that cannot be stopped: it is named, and a third Ctrl-C leaves with files saved."""
    name = os.path.join(home, "rows.csv")
    p = start(home)
    p.enter(f"f = io.open({name!r}, 'w') f:write('a row')")
    p.send(f"print 'begun' {STUCK}\n")
    p.expect("\nbegun\n")
    time.sleep(0.3)  # the call has begun, too
    p.send("\x03")
    p.expect("waiting for find, which cannot be stopped", 3.0)
    for _ in range(2):
        time.sleep(0.6)
        p.send("\x03")
    p.expect("saved")
    equal(p.wait(5.0), 130)
    with open(name) as file:
        equal(file.read(), "a row")


def patient(home):
    """A sort of many: the prompt comes back by itself, and nothing is said of what ends soon."""
    p = start(home)
    p.enter("t = {} for i = 1, 200000 do t[i] = (i * 7919) % 1000003 end")
    p.send("print 'begun' while true do table.sort(t) end\n")
    p.expect("\nbegun\n")
    p.send("\x03")
    if "waiting" in p.expect("interrupted", 10.0) and p.seconds < 0.4:
        raise AssertionError("it spoke too early")
    p.expect("> ")
    equal(p.enter("#t"), "200000\n")
    leave(p)


def impatient_script(home):
    terminal = Terminal(["-e", "print 'begun' " + STUCK], home)
    terminal.expect("begun\n")
    for _ in range(3):
        time.sleep(0.6)
        terminal.send("\x03")
    equal(terminal.wait(5.0), 130)


def many_keys(home):
    """Ten Ctrl-C in a row end what runs, never the prompt."""
    p = start(home)
    for loop in ("while true do end", "while true do pcall(error) end"):
        p.send(f"print 'begun' {loop}\n")
        p.expect("\nbegun\n")
        p.send("\x03" * 10)
        p.until_quiet(0.5)
        equal(p.enter("1 + 1"), "2\n")
    leave(p)


def after_script(home):
    terminal = Terminal(["--quiet", "-i", "-e", "x = 5 print 'begun' while true do end"], home)
    terminal.expect("begun\n")
    terminal.send("\x03")
    terminal.expect("> ")
    equal(terminal.enter("x"), "5\n")
    terminal.send("\x04")
    equal(terminal.wait(), 0)


for name, code in LOOPS_AT_PROMPT.items():
    suite.test(f"prompt: {name}", interrupted(code, 2))
for name, code in LOOPS.items():
    suite.test(f"script: {name}", in_script(code, signal.SIGINT))
suite.test("SIGTERM", in_script(LOOPS["pcall"], signal.SIGTERM))
suite.test("looping finalisers at the end", at_end)
suite.test("__close runs", cleanup_runs)
suite.test("waiting for input", reading_input)
suite.test("a third Ctrl-C leaves a long C call", impatient)
suite.test("and in a script", impatient_script)
suite.test("a long call that ends by itself", patient)
suite.test("many Ctrl-C", many_keys)
suite.test("-i after an interrupted script", after_script)
suite.finish()
