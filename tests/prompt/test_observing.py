"""Ctrl-C while a sample is recorded or observed, and during a descent: 0.2 s to the prompt, and finish
gives the bits of an undisturbed sample, its series included."""

import time

from terminal import Suite, Terminal, equal

LIMIT = 0.2

MAKE = ("function make() return dam.mh{ hamiltonian = dam.lse(), T = {0.3, 0.6}, replicas = 4, "
        "evaluation = 'reference', "
        "patterns = dam.patterns{ N = 30, M = 1000, disorder = 6 } } end a, b = make(), make()")
OPTIONS = "{ every = 50, series = {'phi', 'q12'}, histogram = { phi = {-1, 1, 20} }, track = {2} }"
SAME = ("function same(r, q) return r.digest == q.digest and r.series.phi == q.series.phi and "
        "r.series.q12 == q.series.q12 and r.histogram.phi == q.histogram.phi and "
        "r.track == q.track end")

suite = Suite()


def interrupt(terminal, code):
    terminal.send(f"print 'begun' {code}\n")
    terminal.expect("\nbegun\n", 10.0)
    time.sleep(0.25)
    terminal.send("\x03")
    terminal.expect("interrupted", 10.0)
    terminal.expect("> ", 5.0)
    if terminal.seconds > LIMIT:
        raise AssertionError(f"took {terminal.seconds:.3f} s")


def begin(home):
    terminal = Terminal(["--quiet"], home)
    terminal.expect("> ")
    terminal.enter(MAKE)
    terminal.enter(SAME)
    terminal.enter(f"o = {OPTIONS}")
    return terminal


def end(terminal):
    terminal.send("\x04")
    equal(terminal.wait(), 0)


def recorded(home):
    terminal = begin(home)
    interrupt(terminal, "a:sample(12000, o)")
    terminal.send("same(a:finish(), b:sample(12000, o))\n")
    terminal.expect("true\n", 120.0)
    terminal.expect("> ")
    end(terminal)


def observed(home):
    terminal = begin(home)
    terminal.enter("o.observe = function(v) if v.step == 150 then print 'stuck' "
                   "while true do end end end")
    terminal.send("a:sample(500, o)\n")
    terminal.expect("\nstuck\n", 60.0)  # the block is reached, however slow the machine
    terminal.send("\x03")
    terminal.expect("interrupted", 10.0)
    terminal.expect("> ", 5.0)
    if terminal.seconds > LIMIT:
        raise AssertionError(f"took {terminal.seconds:.3f} s")
    terminal.enter("o.observe = nil  steps = 0")
    terminal.send("r = a:finish{ observe = function(v) steps = steps + v.step end }\n")
    terminal.expect("> ", 60.0)
    terminal.send("steps, same(r, b:sample(500, o))\n")
    terminal.expect("2450\ttrue\n", 60.0)  # 200 + 250 + .. + 500
    terminal.expect("> ")
    end(terminal)


def descent(home):
    terminal = begin(home)
    interrupt(terminal, "dam.descend{ hamiltonian = dam.polynomial{ k = 3 }, init = 'hot', "
                        "patterns = dam.patterns{ N = 100, M = 20000, disorder = 8 }, "
                        "replicas = 100, rule = 'gradient' }")
    equal(terminal.enter("a:sample(1).steps"), "1\n")
    end(terminal)


suite.test("a recorded sample is interrupted and finished", recorded)
suite.test("an observer that never returns is interrupted, the rest observed by another", observed)
suite.test("a descent is interrupted", descent)
suite.finish()
