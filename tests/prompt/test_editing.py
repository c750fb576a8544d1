"""Keys at the prompt: completion, blocks of lines, pasting, searching, vi and emacs keys, and the
history of several prompts at once."""

import os
import random
import time

from terminal import Suite, contains, equal, leave, start

suite = Suite()

TAB, UP, DOWN, HOME, END = "\t", "\x1b[A", "\x1b[B", "\x1b[H", "\x1b[F"
PASTE, PASTED = "\x1b[200~", "\x1b[201~"


def completed(p, typed, wanted, rest=""):
    """What the terminal shows after Tab: `wanted`, and every word of `rest`."""
    p.send(typed + TAB)
    found = p.until_quiet(0.15)
    if wanted not in found:
        raise AssertionError(f"{typed!r}: no {wanted!r} in {found!r}")
    for word in rest.split():
        if word not in found:
            raise AssertionError(f"{typed!r}: no {word!r} in {found!r}")
    p.send("\x03")
    p.expect("^C\n> ")
    return found


def completion(home):
    p = start(home)
    completed(p, "collectg", "collectgarbage")
    completed(p, "dam.lin", "dam.linspace")
    completed(p, "dam.ls", "> dam.ls", "lse lsr")
    p.enter("s = dam.mh{ hamiltonian = dam.lse(), T = 0.2, patterns = dam.patterns{ N = 9, M = 3 } }")
    completed(p, "s:sam", "s:sample")
    completed(p, "s:s", "> s:s", "sample save set_T set_state state")
    completed(p, "s.first_d", "s.first_disorder")
    p.enter("a = dam.zeros(3) th = dam.theory(dam.lse())")
    completed(p, "a:tot", "a:totable")
    completed(p, "th:alpha_", "> th:alpha_", "alpha_c alpha_th")
    completed(p, "a.sha", "a.shape")
    p.enter("local only_here = { inner = { deep = 1, depth = 2 } }")
    completed(p, "only_h", "only_here")
    completed(p, "only_here.inner.de", "> only_here.inner.de", "deep depth")
    completed(p, "only_here['inner'].dee", "'].deep")
    completed(p, "print(#string.revers", "string.reverse")
    completed(p, "('x'):uppe", "('x'):upper")
    completed(p, "fun", "function")
    completed(p, "s:nothing_like_it", "s:nothing_like_it")
    p.send("for index = 1, 2 do\n")
    p.expect("\n>> ")
    completed(p, "  print(ind", "print(index")
    leave(p)


def modules_and_files(home):
    os.makedirs(os.path.join(home, "lib", "inner"))
    for name in ("lib/first_module.lua", "lib/inner/second.lua", "lib/data file.npy"):
        open(os.path.join(home, name), "w").close()
    script = os.path.join(home, "lib", "run.lua")
    open(script, "w").close()
    p = start(home, ["--quiet", "-i", script])
    completed(p, 'require "dam.swe', 'require "dam.sweep')
    completed(p, "require 'dam.stat", "require 'dam.stats'")
    completed(p, 'require("first_m', 'require("first_module"')
    completed(p, 'require "inner.s', 'require "inner.second"')
    completed(p, f'dam.load "{home}/lib/da', 'lib/data file.npy"')
    completed(p, f"io.open('{home}/li", "lib/")
    leave(p)


def options(home):
    p = start(home)
    if p.enter("pcall(require, 'dam.help')").startswith("false"):
        print("skipped: options, for dam.help is not there")
        return leave(p)
    completed(p, "dam.mh{ hamil", "dam.mh{ hamiltonian = ")
    completed(p, "dam.mh{ T = 1, re", "replicas = ")
    completed(p, "dam.mh({ T = 1, pat", "patterns = ")
    completed(p, "dam.mh{ hamiltonian = dam.lse{ be", "dam.lse{ beta_net = ")
    completed(p, "dam.mh{ init = 'col", "'cold'")
    completed(p, "dam.mh{ evaluation = 'ref", "'reference'")
    completed(p, "dam.mh{ T = 1, init = { phi = 'sup", "'support'")
    found = completed(p, "dam.mh{ seed = 1, se", "dam.mh{ seed = 1, se")
    if "seed = " in found.replace("seed = 1", ""):
        raise AssertionError(f"an option that is given is offered again: {found!r}")
    p.enter("local mine = dam.mh")
    completed(p, "mine{ repl", "replicas = ")
    p.enter("s = dam.mh{ hamiltonian = dam.lse(), T = 0.2, patterns = dam.patterns{ N = 9, M = 3 } }")
    completed(p, "s:sample(100, { histo", "histogram = ")
    completed(p, "s:sample(100, { every = 1, series = { 'phi', 'ener", "'energy_density'")
    p.enter("local sweep = require 'dam.sweep'")
    completed(p, "sweep.run{ equil", "equilibrate = ")
    leave(p)


def no_side_effects(home):
    p = start(home)
    p.enter("ran = 0 t = setmetatable({ field_a = 1 }, { __index = function() ran = ran + 1 end, "
            "__pairs = function() ran = ran + 1 end, __len = function() ran = ran + 1 end, "
            "__call = function() ran = ran + 1 end, __metatable = 'hidden' })")
    completed(p, "t.fie", "t.field_a")
    completed(p, "t.absent.x", "t.absent.x")
    completed(p, "t().fie", "t().fie")
    completed(p, "t:fie", "t:fie")
    p.enter("setmetatable(_G, { __index = function() ran = ran + 1 end })")
    completed(p, "undefined_thing.fie", "undefined_thing.fie")
    p.enter("f = setmetatable({}, { __gc = function() ran = ran + 1 end }) f = nil")
    equal(p.enter("ran"), "0\n")
    leave(p)


def huge_tables(home):
    p = start(home)
    p.send("big = {} for i = 1, 1000000 do big['key' .. i] = i end list = {} "
           "for i = 1, 1000000 do list[i] = i end list.one = 1\n")
    p.expect("\n> ", 60.0)
    for typed, wanted in [("list.o", "list.one"), ("big.zz", "big.zz"), ("_VER", "_VERSION")]:
        begin = time.monotonic()
        p.send(typed + TAB + "#")
        p.expect("#", 5.0)
        if time.monotonic() - begin > 1.0:
            raise AssertionError(f"{typed}: {time.monotonic() - begin:.2f} s")
        p.send("\x03")
        p.expect("^C\n> ")
    p.send("big.key" + TAB)
    p.expect("Display all 1000 possibilities? (y or n)", 5.0)
    p.send("n")
    p.until_quiet()
    p.send("\x03")
    p.expect("^C\n> ")
    leave(p)


def indentation(home):
    p = start(home)
    p.send("if true then\n")
    p.expect("\n>> ")
    p.send(TAB + "print 'in'\n")
    p.expect("\n>> ")
    equal(p.enter("end"), "in\n")
    p.send(UP)
    contains(p.until_quiet(), "\n  print 'in'\n")
    leave_line(p)


def leave_line(p):
    p.send("\x03")
    p.expect("^C\n> ")  # not before: a Ctrl-D that comes between two prompts is lost
    leave(p)


def blocks(home):
    p = start(home)
    p.send("for i = 1, 2 do\n")
    p.expect("\n>> ")
    p.send("  print(j)\n")
    p.expect("\n>> ")
    p.send(UP)  # the block comes back, to be corrected
    p.until_quiet()
    p.send("\x1b[D\x08i" + END + "\n")  # j becomes i
    p.until_quiet()
    p.send("end\n")
    contains(p.expect("\n> "), "1\n2")
    p.send(UP)  # whole, out of the history
    contains(p.until_quiet(), "for i = 1, 2 do\n  print(i)\nend")
    p.send(UP + HOME + "  io.write 'x'" + UP + END + "-- twice" + DOWN + DOWN + "\n")
    contains(p.expect("\n> "), "x1\nx2")
    p.send(UP)
    contains(p.until_quiet(), "for i = 1, 2 do-- twice\n  io.write 'x'  print(i)\nend")
    leave_line(p)


def edited_lines(home):
    """Enter within a block goes on while it is incomplete, and Alt-Enter always does."""
    p = start(home)
    p.send("x = {\n")
    p.expect("\n>> ")
    p.send("1,\n")
    p.expect("\n>> ")
    equal(p.enter("2 }"), "")
    p.send(UP + "\x08\x08\x08")  # without "2 }"
    p.send("5,\n")  # is incomplete: a line more
    p.until_quiet()
    p.send("6 }\n")
    p.expect("\n> ")
    equal(p.enter("#x, x[2], x[3]"), "3\t5\t6\n")
    p.send("y = 1\x1b\ny + 1\n")
    contains(p.expect("\n> "), "2")
    leave(p)


def pasted(home):
    p = start(home)
    p.send(PASTE + "local a = 20\nlocal b = 22\nfor i = 1, 1 do\n\tprint('tab', i)\nend\na + b" + PASTED)
    if "tab\t1" in p.until_quiet():
        raise AssertionError("it ran before Enter")
    p.send("\n")
    contains(p.expect("\n> "), "tab\t1\n42")
    p.send(PASTE + "q = 7\nq" + PASTED + "\n")
    contains(p.expect("\n> "), "7")
    p.send(PASTE + "q = 7\nq = = 8\nq = 9" + PASTED + "\n")
    contains(p.expect("\n> "), "stdin:2:", "  q = = 8\n      ^")
    equal(p.enter("q"), "7\n")
    leave(p)


def search(home):
    p = start(home)
    p.enter("alpha_one = 11")
    p.enter("beta_two = 22")
    p.send("\x12alpha")
    p.expect("alpha_one = 11")
    p.send("\x05 + 1\n")
    p.expect("\n> ")
    equal(p.enter("alpha_one"), "12\n")
    leave(p)


def interrupted_keys(home):
    """Ctrl-C while keys are read: the terminal drops those that were not, and none is waited for."""
    p = start(home)
    p.enter("found = 11")
    at = random.Random(1)
    for _ in range(500):
        p.send("\x12found = 11")
        end = time.monotonic() + 1e-3 * at.random()
        while time.monotonic() < end:
            pass
        p.send("\x03")
        p.expect("^C\n> ")
    equal(p.enter("found"), "11\n")
    leave(p)


def vi_keys(home):
    p = start(home, inputrc="set editing-mode vi\n$if damlua\n\"Z\": \"zzz = 5\"\n$endif\n")
    p.send("x = 12\x1b0s")  # escape, to the start, substitute a character
    p.until_quiet()
    p.send("y\n")
    p.expect("\n> ")
    equal(p.enter("y"), "12\n")
    p.send("\x1bkk0s")
    p.until_quiet()
    p.send("w\n")
    p.expect("\n> ")
    equal(p.enter("w"), "12\n")
    completed(p, "dam.lin", "dam.linspace")
    p.enter("Z")
    equal(p.enter("zzz"), "5\n")
    leave(p)


def history_path(home):
    return os.path.join(home, ".local/state/damlua/history")


def history(home):
    p = start(home)
    p.enter("first = 10")
    p.send("for i = 1, 1 do\n")
    p.expect("\n>> ")
    p.enter("print 'looped\\n' end")
    p.enter("first = 10")
    p.enter("first = 10")
    p.enter("   ")
    leave(p)
    p = start(home)
    p.send(UP)
    p.expect("first = 10")
    p.send(UP)
    p.expect("or i = 1, 1 do\nprint 'looped\\n' end")  # the f was there already
    p.send("\n")
    p.expect("looped\n")
    p.expect("> ")
    p.send(UP + UP)
    p.until_quiet()
    p.send("\x03")
    p.expect("^C\n> ")
    leave(p)
    with open(history_path(home)) as file:
        equal(file.read(), "first = 10\nfor i = 1, 1 do\\nprint 'looped\\\\n' end\n")


def two_prompts(home):
    prompts = [start(home) for _ in range(3)]
    for i in range(12):
        for k, p in enumerate(prompts):
            p.send(f"v{k} = {i} -- {'x' * 50}\n")
        if i % 4 == 0:
            for p in prompts:
                p.send("same_for_all = 1\n")
    last = "print('all ' .. 'read')"
    for p in prompts:  # a Ctrl-D that comes while something runs is lost: terminals make it NUL
        p.send(last + "\n")
        p.expect("\nall read")
        p.expect("\n> ")
        leave(p)
    with open(history_path(home)) as file:
        lines = file.read().split("\n")
    equal(lines.pop(), "")
    wanted = {f"v{k} = {i} -- {'x' * 50}" for i in range(12) for k in range(3)}
    wanted |= {"same_for_all = 1", last}
    equal(set(lines), wanted)
    equal(len(lines), len(wanted))
    p = start(home)
    p.send("\x12v1 = 11")
    p.expect("v1 = 11 -- xxx")
    leave_line(p)


def history_of_a_killed_prompt(home):
    os.makedirs(os.path.dirname(history_path(home)))
    with open(history_path(home), "w") as file:
        file.write("whole = 1\ntor")  # no newline: killed while it wrote
    p = start(home)
    p.enter("next_one = 2")
    leave(p)
    with open(history_path(home)) as file:
        equal(file.read(), "whole = 1\ntor\nnext_one = 2\n")


def no_home(home):
    os.chmod(home, 0o500)
    p = start(os.path.join(home, "nothing"))
    p.enter("x = 1")
    p.send(UP)
    p.expect("x = 1")
    leave_line(p)
    os.chmod(home, 0o700)


suite.test("completion of names, fields and methods", completion)
suite.test("completion of modules and files", modules_and_files)
suite.test("completion of options and their words", options)
suite.test("completion runs nothing of the user's", no_side_effects)
suite.test("completion in huge tables", huge_tables)
suite.test("Tab indents", indentation)
suite.test("a block is edited as a block", blocks)
suite.test("Enter in a block", edited_lines)
suite.test("pasting", pasted)
suite.test("Ctrl-R", search)
suite.test("Ctrl-C while keys are read", interrupted_keys)
suite.test("vi keys and inputrc", vi_keys)
suite.test("history keeps each entry once, and whole", history)
suite.test("several prompts share the history", two_prompts)
suite.test("a torn history", history_of_a_killed_prompt)
suite.test("no place for a history", no_home)
suite.finish()
