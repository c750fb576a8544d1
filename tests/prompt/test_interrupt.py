"""Ctrl-C ends every kind of loop within 0.2 s: scripts leave with 130, the prompt stays usable."""

import signal
import time

from terminal import Suite, Terminal, equal

LIMIT = 0.2

FOREVER = "function() while true do end end"
LOOPS = {
    "plain": "while true do end",
    "pcall": f"while true do pcall({FOREVER}) end",
    "nested pcall": "local function n(k) while true do if k > 0 then pcall(n, k - 1) end end end "
    "n(20)",
    "failing pcall": "while true do pcall(error) end",
    "coroutine": f"while true do coroutine.resume(coroutine.create({FOREVER})) end",
    "wrapped coroutine": f"while true do pcall(coroutine.wrap({FOREVER})) end",
    "coroutine that yields across pcall": "local co = coroutine.wrap(function() "
    f"pcall(function() coroutine.yield() while true do end end) while true do end end) co() "
    "while true do pcall(co) end",
    "xpcall handler": f"while true do xpcall(error, {FOREVER}) end",
    "xpcall body and handler": f"while true do xpcall({FOREVER}, {FOREVER}) end",
    "finaliser": f"while true do setmetatable({{}}, {{ __gc = {FOREVER} }}) collectgarbage() end",
    "finaliser with pcall": "while true do setmetatable({}, { __gc = function() while true do "
    f"pcall({FOREVER}) end end }}) collectgarbage() end",
    "sort comparator": "local t = {} for i = 1, 1000 do t[i] = i end while true do "
    "pcall(table.sort, t, function(a, b) for i = 1, 10000 do end return a < b end) end",
    "gsub callback": f"while true do pcall(string.gsub, 'a', 'a', {FOREVER}) end",
    "load reader": f"while true do load({FOREVER}) end",
    "close metamethod": "while true do local c <close> = "
    f"setmetatable({{}}, {{ __close = {FOREVER} }}) end",
    "coroutine.close": "while true do local co = coroutine.create(function() local c <close> = "
    f"setmetatable({{}}, {{ __close = {FOREVER} }}) coroutine.yield() end) "
    "coroutine.resume(co) coroutine.close(co) end",
    "removed hook": "while true do debug.sethook() end",
    "tostring": f"print(setmetatable({{}}, {{ __tostring = {FOREVER} }}))",
}

suite = Suite()


def at_prompt(loop):
    def body(home):
        terminal = Terminal(["--quiet"], home)
        terminal.expect("> ")
        terminal.enter("kept = dam.lse{}")
        terminal.send(f"print 'begun' {loop}\n")
        terminal.expect("\nbegun\n")
        time.sleep(0.1)
        terminal.send("\x03")
        terminal.expect("interrupted", 5.0)
        terminal.expect("> ", 5.0)
        if terminal.seconds > LIMIT:
            raise AssertionError(f"took {terminal.seconds:.3f} s")
        equal(terminal.enter("tostring(kept):sub(1, 4), pcall(error, 7)"), "dam.\tfalse\t7\n")
        terminal.send("\x04")
        equal(terminal.wait(), 0)

    return body


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


def impatient(home):
    code = "print 'begun' string.find(('a'):rep(60), ('a*'):rep(30) .. 'b')"
    terminal = Terminal(["-e", code], home)
    terminal.expect("begun\n")
    for _ in range(3):
        time.sleep(0.6)
        terminal.send("\x03")
    equal(terminal.wait(5.0), 130)


def after_script(home):
    terminal = Terminal(["--quiet", "-i", "-e", "x = 5 print 'begun' while true do end"], home)
    terminal.expect("begun\n")
    terminal.send("\x03")
    terminal.expect("> ")
    equal(terminal.enter("x"), "5\n")
    terminal.send("\x04")
    equal(terminal.wait(), 0)


for name, code in LOOPS.items():
    suite.test(f"prompt: {name}", at_prompt(code))
    suite.test(f"script: {name}", in_script(code, signal.SIGINT))
suite.test("SIGTERM", in_script(LOOPS["pcall"], signal.SIGTERM))
suite.test("looping finalisers at the end", at_end)
suite.test("__close runs", cleanup_runs)
suite.test("waiting for input", reading_input)
suite.test("a third Ctrl-C leaves a long C call", impatient)
suite.test("-i after an interrupted script", after_script)
suite.finish()
