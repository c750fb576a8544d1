"""The prompt: results, multi-line input, errors, history, keys."""

import os
import signal
import time

from terminal import Suite, Terminal, equal

suite = Suite()


def start(home, arguments=("--quiet",)):
    terminal = Terminal(list(arguments), home)
    terminal.expect("> ")
    return terminal


def leave(terminal):
    terminal.send("\x04")
    equal(terminal.wait(), 0)


def results(home):
    p = start(home)
    equal(p.enter("1 + 1, 'two'"), "2\ttwo\n")
    equal(p.enter("_"), "2\n")
    equal(p.enter("=3 * 4"), "12\n")
    equal(p.enter("x = 5"), "")
    equal(p.enter("x"), "5\n")
    equal(p.enter("nil"), "nil\n")
    equal(p.enter("print 'p'"), "p\n")
    equal(p.enter("-- only a comment"), "")
    equal(p.enter(""), "")
    equal(p.enter("dam.version"), "0.1.0\n")
    leave(p)


def several_lines(home):
    p = start(home)
    for first, second, wanted in [
        ("for i = 1, 2 do", "print(i) end", "1\n2\n"),
        ("1 +", "2", "3\n"),
        ("t = {", "7}", ""),
        ("(#t", "+ 1)", "2\n"),
        ("s = [[a", "b]]", ""),
    ]:
        p.send(first + "\n")
        p.expect("\n>> ")
        equal(p.enter(second), wanted)
    equal(p.enter("s"), "a\nb\n")
    leave(p)


def errors_at_once(home):
    p = start(home)
    for line, text in [
        ("x = = 1", "stdin:1: unexpected symbol near '='"),
        ("1 + * 2", "unexpected symbol near '*'"),
        ("'open", "unfinished string"),
        ("end", "near 'end'"),
        ("error 'own'", "own"),
        ("nothing.x = 1", "nothing"),
        ("error()", "(error object is a nil value)"),
    ]:
        found = p.enter(line)
        if text not in found or "stack traceback" in found:
            raise AssertionError(f"{line}: {found!r}")
    equal(p.enter("1"), "1\n")
    found = p.enter("function f() error 'deep' end")
    if "in function 'f'" not in p.enter("f()"):
        raise AssertionError("the user's function is in the traceback")
    leave(p)


def idle_interrupt(home):
    p = start(home)
    p.send("half a line")
    p.expect("half a line")
    p.send("\x03")
    p.expect("^C\n> ", 1.0)
    equal(p.enter("7"), "7\n")
    p.send("for i = 1, 2 do\n")
    p.expect("\n>> ")
    p.send("\x03")
    p.expect("^C\n> ", 1.0)
    for _ in range(5):
        p.send("\x03")
        p.expect("^C\n> ", 1.0)
    equal(p.enter("8"), "8\n")
    leave(p)


def suspended(home):
    p = start(home)
    p.send("4")
    p.expect("4")
    p.signal(signal.SIGCONT)
    time.sleep(0.1)
    equal(p.enter("2")[-3:], "42\n")
    leave(p)


def history(home):
    p = start(home)
    p.enter("first = 10")
    p.send("for i = 1, 1 do\n")
    p.expect("\n>> ")
    p.enter("print 'looped' end")
    p.enter("first = 10")
    p.enter("first = 10")
    leave(p)
    p = start(home)
    p.send("\x1b[A")
    p.expect("first = 10")
    p.send("\x1b[A")
    p.expect("print 'looped' end")
    p.send("\n")
    p.expect("looped\n")
    p.expect("> ")
    leave(p)
    with open(os.path.join(home, ".local/state/damlua/history")) as file:
        equal(file.read().count("first = 10"), 1)


def terminated(home):
    p = start(home)
    p.enter("x = setmetatable({}, { __gc = function() print 'closed' end })")
    p.signal(signal.SIGTERM)
    p.expect("closed\n")
    equal(p.wait(), 130)


def banner(home):
    p = Terminal([], home)
    p.expect("damlua 0.1.0")
    p.expect("> ")
    leave(p)


def strict(home):
    p = start(home, ["--quiet", "--strict", "-i"])
    if "did you mean 'print'?" not in p.enter("prnt(1)"):
        raise AssertionError("no suggestion")
    leave(p)


suite.test("results print themselves", results)
suite.test("multi-line input", several_lines)
suite.test("errors are shown at once and end nothing", errors_at_once)
suite.test("Ctrl-C at an idle prompt clears the line", idle_interrupt)
suite.test("going on after a stop", suspended)
suite.test("history", history)
suite.test("SIGTERM leaves, objects finalise", terminated)
suite.test("banner", banner)
suite.test("--strict", strict)
suite.finish()
