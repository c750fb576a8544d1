"""Loops of every kind, each interrupted several times at one prompt: 0.2 s to the next prompt, which
works, with the variables of the interrupted line."""

import os
import time

from terminal import equal, leave, start

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
LOOPS_AT_PROMPT = dict(LOOPS, **{
    "long sample":
    "if tostring(s):find 'interrupted' then s:finish() else s:sample(10000000) end",
    "sweep": "sweep.run{ name = 'w', file = HOME .. '/w.sqlite', hamiltonian = dam.lse(), "
    "alpha = { 0.05 }, T = dam.range(0.1, 2, 0.1), replicas = 2, equilibrate = 100000, "
    "sample = 100000, plan = sweep.fixed{ N = 100, M = 2000, disorder = 20 } }",
})

SETUP = ("sweep = require 'dam.sweep' HOME = {home!r} kept = dam.lse{{}} "
         "s = dam.mh{{ hamiltonian = dam.lse(), patterns = dam.patterns{{ N = 50, M = 5000 }}, "
         "T = 0.3 }}")


def interrupted(loop, times):
    def body(home):
        terminal = start(home)
        terminal.enter(SETUP.format(home=os.path.realpath(home)))
        for i in range(times):
            terminal.send(f"local turn = {i} print 'begun' {loop}\n")
            terminal.expect("\nbegun\n")
            time.sleep(0.1)
            terminal.send("\x03")
            terminal.expect("interrupted", 5.0)
            terminal.expect("\n> ", 5.0)
            if terminal.seconds > LIMIT:
                raise AssertionError(f"took {terminal.seconds:.3f} s, time {i + 1}")
            equal(terminal.enter("tostring(kept):sub(1, 4), turn, pcall(error, 7)"),
                  f"dam.\t{i}\tfalse\t7\n")
        leave(terminal)

    return body
