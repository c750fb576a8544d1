"""The prompt: results, locals, multi-line input, errors, warnings, scripts with -i."""

import os
import re
import signal
import time

from terminal import Suite, Terminal, contains, equal, leave, start

suite = Suite()


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
    equal(p.enter("y = 1; y + 1"), "2\n")
    leave(p)


def muted(home):
    p = start(home)
    equal(p.enter("6 * 7;"), "")
    equal(p.enter("_"), "42\n")
    equal(p.enter("dam.lse(); -- a comment"), "")
    contains(p.enter("_"), "dam.lse")
    equal(p.enter("print 'said';"), "said\n")
    leave(p)


def values(home):
    p = start(home)
    equal(p.enter("{ 1, 'a', x = { true }, ['b c'] = 2 }"),
          '{ 1, "a", ["b c"] = 2, x = { true } }\n')
    equal(p.enter("{}"), "{}\n")
    p.enter("t = { 1 } t.self = t")
    equal(p.enter("t"), "{ 1, self = <cycle> }\n")
    equal(p.enter("{ { { { { 1 } } } } }"), "{ { { { {...} } } } }\n")
    p.enter("big = {} for i = 1, 100000 do big[i] = i big['k' .. i] = i end")
    found = p.enter("big")
    contains(found, "{\n  1, 2, 3", "... 99960 more", "  k1")
    if found.count("\n") > 60 or any(len(line) > 80 for line in found.split("\n")):
        raise AssertionError(f"not limited: {found!r}")
    equal(p.enter("print"), "function print\n")
    equal(p.enter("function(a, ...) end"), "function (a, ...), stdin:1\n")
    contains(p.enter("dam.zeros(30, 40)"), "dam.array [30, 40]", "...")
    equal(p.enter("{ dam.zeros(2, 2) }"), "{ dam.array [2, 2] ... }\n")
    p.enter("s = dam.mh{ hamiltonian = dam.lse(), T = {0.2, 0.4}, "
            "patterns = dam.patterns{ N = 10, M = 3, disorder = 2 } }")
    contains(p.enter("s"), "dam.sampler of", "2 T x 2 disorder")
    contains(p.enter("s:sample(5)"), "dam.result [2 T, 2 disorder", "energy_density", "\n0.2 ")
    equal(p.enter("setmetatable({}, { __tostring = function() return 'me' end })"), "me\n")
    leave(p)


def locals_stay(home):
    p = start(home)
    p.enter("local x = 1")
    equal(p.enter("x"), "1\n")
    p.enter("x = x + 1")
    equal(p.enter("x, rawget(_G, 'x')"), "2\tnil\n")
    p.enter("function get() return x end")
    p.enter("x = 10")
    equal(p.enter("get()"), "10\n")  # one variable, not copies
    p.enter("local x = 'new'")
    equal(p.enter("x, get()"), "new\t10\n")  # another of the same name
    p.enter("local function f(n) return n == 0 and 1 or n * f(n - 1) end")
    equal(p.enter("f(5)"), "120\n")
    p.enter("local k <const> = 3")
    contains(p.enter("k = 4"), "const variable 'k'")
    equal(p.enter("k"), "3\n")
    contains(p.enter("local a, b = 1, 2 error 'late'"), "late")
    equal(p.enter("a + b"), "3\n")
    p.enter("do local hidden = 1 end for i = 1, 2 do local inner = i end")
    equal(p.enter("rawget(_G, 'hidden'), rawget(_G, 'inner')"), "nil\tnil\n")
    p.send("local z = 5 print 'begun' while true do end\n")
    p.expect("\nbegun\n")
    p.send("\x03")
    p.expect("\n> ")
    equal(p.enter("z"), "5\n")
    leave(p)


def several_lines(home):
    p = start(home)
    for first, second, wanted in [
        ("for i = 1, 2 do", "print(i) end", "1\n2\n"),
        ("1 +", "2", "3\n"),
        ("t = {", "7}", ""),
        ("(#t", "+ 1)", "2\n"),
        ("s = [[a", "b]]", ""),
        ("local v =", "8", ""),
    ]:
        p.send(first + "\n")
        p.expect("\n>> ")
        equal(p.enter(second), wanted)
    equal(p.enter("s"), "a\nb\n")
    equal(p.enter("v"), "8\n")
    leave(p)


def errors_at_once(home):
    p = start(home)
    for line, text in [
        ("x = = 1", "stdin:1: unexpected symbol near '='\n  x = = 1\n      ^\n"),
        ("1 + * 2", "unexpected symbol near '*'\n  1 + * 2\n      ^\n"),
        ("'open", "unfinished string near ''open'\n  'open\n  ^\n"),
        ("end", "near 'end'\n  end\n  ^\n"),
        ("foo bar", "syntax error near 'bar'\n  foo bar\n      ^\n"),
        ("x = { 'é', 1 2 }", "near '2'\n  x = { 'é', 1 2 }\n               ^\n"),
        ("error 'own'", "own"),
        ("nothing.x = 1", "nothing"),
        ("error()", "(error object is a nil value)"),
    ]:
        found = p.enter(line)
        if text not in found or "stack traceback" in found:
            raise AssertionError(f"{line}: {found!r}")
    p.send("for i = 1, 2 do\n")
    p.expect("\n>> ")
    contains(p.enter("print(i i)"), "stdin:2: ", "\n  print(i i)\n          ^\n")
    equal(p.enter("1"), "1\n")
    p.enter("function f() error 'deep' end")
    contains(p.enter("f()"), "deep\nstack traceback:\n", "in function 'f'")
    leave(p)


def misspelt(home):
    p = start(home)
    equal(p.enter("prnt(1)"), "stdin:1: attempt to call a nil value (global 'prnt'); did you mean "
          "'print'?\n")
    contains(p.enter("string.foramt('x')"), "(field 'foramt'); did you mean 'format'?")
    p.enter("tab = { inner = { sample = print } }")
    contains(p.enter("tab.inner.smaple()"), "did you mean 'sample'?")
    contains(p.enter("dam.patern{}"), "did you mean 'patterns'?")
    equal(p.enter("local y = cuont"), "warning: global 'cuont' is not defined\n")
    p.enter("count = 1")
    equal(p.enter("cuont"), "nil\nwarning: global 'cuont' is not defined; did you mean 'count'?\n")
    p.enter("local column = 2")
    contains(p.enter("colunm"), "did you mean 'column'?")
    equal(p.enter("count"), "1\n")
    equal(p.enter("rawget(_G, 'cuont')"), "nil\n")
    leave(p)


def strict(home):
    p = start(home, ["--quiet", "--strict", "-i"])
    contains(p.enter("prnt(1)"), "did you mean 'print'?")
    contains(p.enter("x = cuont"), "undefined global 'cuont'")
    leave(p)


def all_frames(home):
    p = start(home, ["--quiet", "--traceback"])
    p.enter("function f() error 'deep' end")
    contains(p.enter("f()"), "stack traceback", "[C]: in function 'error'")
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


def time_shown(home):
    p = start(home)
    p.send("local t = dam.clock() while dam.clock() < t + 1.05 do end\n")
    contains(p.expect("\n> "), "\n(1.", " s)")
    p.send("1 + 1\n")
    if " s)" in p.expect("\n> "):
        raise AssertionError("the time of a short line is shown")
    leave(p)


def question_mark(home):
    p = start(home)
    p.enter("function help(...) print('helped', select('#', ...), ...) end")
    equal(p.enter("?"), "helped\t0\n")
    equal(p.enter("dam.mh?"), p.enter("help(dam.mh)"))
    equal(p.enter("?dam.mh"), p.enter("help(dam.mh)"))
    equal(p.enter("temperature?"), "helped\t1\ttemperature\n")
    p.enter("local s = dam.zeros(2)")
    equal(p.enter("s:mean?"), "helped\t1\tarray:mean\n")
    equal(p.enter("'what?'"), "what?\n")
    leave(p)


SCRIPT = """#!/usr/bin/env damlua
local a, f = 5, nil
function f() return a end
g = 7
if arg[1] == "fail" then
  local nested = "n"
  error "failed"
elseif arg[1] == "forever" then
  print "begun"
  while true do end
end
return a
"""


def after_script(home):
    name = os.path.join(home, "script.lua")
    with open(name, "w") as file:
        file.write(SCRIPT)
    p = start(home, ["--quiet", "-i", name])
    equal(p.enter("a, f(), g, arg[0] == %r" % name), "5\t5\t7\ttrue\n")
    p.enter("a = 6")
    equal(p.enter("f()"), "6\n")
    leave(p)
    p = Terminal(["--quiet", "-i", name, "fail"], home)
    contains(p.expect("\n> "), "script.lua:7: failed", "script.lua:7: in main chunk")
    equal(p.enter("a, f(), g, nested"), "5\t5\t7\tn\n")
    leave(p)
    p = Terminal(["--quiet", "-i", name, "forever"], home)
    p.expect("begun\n")
    p.send("\x03")
    p.expect("\n> ")
    equal(p.enter("a, g"), "5\t7\n")
    leave(p)
    with open(name, "w") as file:
        file.write("local x = = 1\n")
    p = Terminal(["--quiet", "-i", name], home)
    contains(p.expect("\n> "), "script.lua:1: unexpected symbol near '='")
    leave(p)


def poisoned(home):
    p = start(home)
    p.enter("string.sub, string.find, table.concat, next, tostring = nil")
    p.enter("t = { 1, { 2 } } local kept = 3")
    equal(p.enter("t"), "{ 1, { 2 } }\n")
    equal(p.enter("kept"), "3\n")
    contains(p.enter("x = = 1"), "^")
    leave(p)


def documented(home):
    """What docs/prompt.md shows is what the prompt shows."""
    with open("docs/prompt.md") as file:
        blocks = re.findall(r"```\n(> .*?)\n```", file.read(), re.S)
    p = start(home)
    lines = 0
    for block in blocks:
        for entry in ("\n" + block).split("\n> ")[1:]:
            line, _, shown = entry.partition("\n")
            equal(p.enter(line), shown + "\n" if shown else "")
            lines += 1
    equal(lines > 8, True)
    leave(p)


suite.test("results print themselves", results)
suite.test("a semicolon mutes", muted)
suite.test("values are shown with limits", values)
suite.test("locals stay usable", locals_stay)
suite.test("multi-line input", several_lines)
suite.test("errors are shown at once, with a caret, and end nothing", errors_at_once)
suite.test("misspelt names", misspelt)
suite.test("--strict", strict)
suite.test("--traceback", all_frames)
suite.test("Ctrl-C at an idle prompt clears the line", idle_interrupt)
suite.test("going on after a stop", suspended)
suite.test("SIGTERM leaves, objects finalise", terminated)
suite.test("banner", banner)
suite.test("the time of a long line", time_shown)
suite.test("a question mark asks for help", question_mark)
suite.test("-i leaves the variables of a script", after_script)
suite.test("the prompt does not depend on what users do to the libraries", poisoned)
suite.test("docs/prompt.md", documented)
suite.finish()
