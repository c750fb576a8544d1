"""Ctrl-C while the engine samples: 0.2 s to the prompt, all objects alive, finish gives the bits of
an undisturbed run. Also in a script, and in dam.so under a stock lua5.4."""

import os
import shutil
import signal
import subprocess
import sys
import time

from terminal import Suite, Terminal, equal

LIMIT = 0.2
MORE = 4  # times as many steps where all was over at once

# Most take a few seconds undisturbed: many small chains, one chain, patterns larger than caches,
# the making of patterns itself, and starts.
SAMPLERS = {
    "many small chains": ("N = 12, M = 64, disorder = 20", "{0.3, 0.6}, replicas = 10", 4000),
    "one chain": ("N = 50, M = 5000", "0.3, evaluation = 'reference'", 40000),
    "large patterns": ("N = 400, M = 20000", "{0.1, 0.2}, evaluation = 'reference'", 300),
    "lists of near patterns": ("N = 400, M = 20000", "{0.1, 0.2}", 100000),
    "many disorders": ("N = 300, M = 30000, disorder = 9", "0.2", 100000),
}

suite = Suite()


def make(patterns, rest):
    return (f"dam.mh{{ hamiltonian = dam.lse(), patterns = dam.patterns{{ {patterns} }}, "
            f"T = {rest} }}")



def more(steps, few):
    """MORE times as many; they must not be over at once for ever."""
    if steps * MORE > few * MORE**6:
        raise AssertionError(f"{steps} steps were over before they could be interrupted")
    return steps * MORE


def interruptions_of(terminal, steps, how):
    """Begins a:run or a:sample and interrupts it again and again until it is over; how often."""
    interruptions = 0
    call = f"a:{how}({steps})"
    while True:
        terminal.send(f"print 'begun' r = {call} print 'over'\n")
        terminal.expect("\nbegun\n")
        time.sleep(0.1 * 2**interruptions)
        terminal.send("\x03")
        found = terminal.expect("> ", 60.0)
        if "over" in found or found == "^C":  # with it a terminal throws away what nobody has read
            time.sleep(0.3)  # the Ctrl-C reaches the idle prompt
            terminal.until_quiet(0.1)
            return interruptions
        if "interrupted" not in found:
            raise AssertionError(f"no word of the interruption in {found!r}")
        if terminal.seconds > LIMIT:
            raise AssertionError(f"took {terminal.seconds:.3f} s")
        interruptions += 1
        call = "a:finish()"


def interrupted(patterns, rest, steps, how):
    def body(home):
        terminal = Terminal(["--quiet"], home)
        terminal.expect("> ")
        taken = steps // MORE
        interruptions = 0
        while interruptions == 0:  # as many steps as it takes to be interrupted, on any machine
            taken = more(taken, steps)
            terminal.enter(f"a = {make(patterns, rest)}")
            interruptions = interruptions_of(terminal, taken, how)
        terminal.enter(f"b = {make(patterns, rest)}")
        terminal.send(f"b:{how}({taken}) print(a.steps == b.steps, a:state() == b:state(), "
                      "a:sample(3).digest == b:sample(3).digest)\n")
        terminal.expect("true\ttrue\ttrue\n", 120.0)
        terminal.expect("> ")
        terminal.send("\x04")
        equal(terminal.wait(), 0)

    return body


def making(home):
    terminal = Terminal(["--quiet"], home)
    terminal.expect("> ")
    terminal.send("print 'begun' s = "
                  + make("N = 500, M = 30000, disorder = 500", "0.1, replicas = 4") + "\n")
    terminal.expect("\nbegun\n")
    time.sleep(0.3)
    terminal.send("\x03")
    terminal.expect("interrupted", 10.0)
    terminal.expect("> ", 5.0)
    if terminal.seconds > LIMIT:
        raise AssertionError(f"took {terminal.seconds:.3f} s")
    equal(terminal.enter("rawget(_G, 's')"), "nil\n")
    terminal.send("\x04")
    equal(terminal.wait(), 0)


def script(home):
    code = f"s = {make('N = 50, M = 5000', '0.3')} print 'begun' s:sample(10000000)"
    terminal = Terminal(["-e", code], home)
    terminal.expect("begun\n")
    time.sleep(0.2)
    start = time.monotonic()
    terminal.signal(signal.SIGINT)
    equal(terminal.wait(5.0), 130)
    if time.monotonic() - start > LIMIT:
        raise AssertionError(f"took {time.monotonic() - start:.3f} s")


def stock(code, after=None):
    """Status and output of a stock lua5.4 with dam.so; SIGINT once 'begun' was printed."""
    folder = os.path.dirname(os.path.abspath(sys.argv[1]))
    environment = dict(os.environ, LUA_CPATH=f"{folder}/?.so")
    process = subprocess.Popen(["lua5.4", "-e", 'dam = require "dam" ' + code], env=environment,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    output = ""
    if after is not None:
        output = process.stdout.readline()
        time.sleep(after)
        process.send_signal(signal.SIGINT)
    rest, _ = process.communicate(timeout=60)
    return process.returncode, output + rest


def module_parallel(home):
    sampler = make("N = 20, M = 100, disorder = 16", "{0.2, 0.4}, replicas = 2")
    equal(stock(f"local r = {sampler}:sample(200) print(#r.digest)"), (0, "16\n"))


def module_interrupted(home):
    sampler = make("N = 50, M = 5000", "0.3")
    few = 120000
    steps = few // MORE
    output = "begun\ntrue\n"
    while output.startswith("begun\ntrue\n"):  # over before the signal
        steps = more(steps, few)
        code = (f"local s = {sampler} io.stdout:write 'begun\\n' io.stdout:flush() "
                f"local done, e = pcall(s.sample, s, {steps}) print(done or e) "
                "io.stdout:flush() "  # a signal that comes too late ends the program here
                f"local other = {sampler} "
                f"print(s:finish().digest == other:sample({steps}).digest)")
        status, output = stock(code, 0.3)
    equal(status, 0)
    if output != "begun\ninterrupted\ntrue\n":
        raise AssertionError(output)


for name, (patterns, rest, steps) in SAMPLERS.items():
    for how in ("run", "sample"):
        suite.test(f"{how}: {name}", interrupted(patterns, rest, steps, how))
suite.test("making patterns and starts", making)
suite.test("script", script)
if shutil.which("lua5.4") and os.path.exists(os.path.dirname(sys.argv[1]) + "/dam.so"):
    suite.test("dam.so: status 0 after a parallel sample", module_parallel)
    suite.test("dam.so: interrupted, then finished", module_interrupted)
else:
    print("skipped: dam.so under lua5.4")
suite.finish()
