"""dam.plot at the prompt: text, sixel or kitty's protocol by what the terminal answers, files on
demand, and no gnuplot left behind."""

import os
import shutil
import time

from terminal import Suite, contains, equal, leave, start

suite = Suite()

ATTRIBUTES, KITTY = "\x1b[c", "\x1b_Gi=31"
CURVE = "x = dam.linspace(0, 6, 30) y = x:map(math.sin)"


def children(pid):
    """Processes that have it as their parent."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            with open(f"/proc/{entry}/stat") as file:
                name, rest = file.read().rsplit(")", 1)
            if entry.isdigit() and int(rest.split()[1]) == pid:
                found.append(name)
        except OSError:
            pass
    return found


def text(home):
    p = start(home)
    p.enter(CURVE)
    found = p.enter("dam.plot(x, y)")
    contains(found, " 1 ++", "-1 ++---", " o o")
    equal(children(p.pid), [])
    leave(p)


def sixel(home):
    p = start(home, answers={ATTRIBUTES: "\x1b[?62;4;22c"})
    p.enter(CURVE)
    p.send("dam.plot(x, y)\n")
    p.expect("\n> ", 20.0)
    contains(p.raw, "\x1bP", "\x1b\\")
    equal(p.enter("1 + 1"), "2\n")
    leave(p)


def no_sixel(home):
    p = start(home, answers={ATTRIBUTES: "\x1b[?64;14;24c"})
    p.enter(CURVE)
    contains(p.enter("dam.plot(x, y)"), "-1 ++---")
    leave(p)


def kitty(home):
    p = start(home, answers={KITTY: "\x1b_Gi=31;OK\x1b\\\x1b[?62c"})
    p.enter(CURVE)
    p.send("dam.plot(x, y, { title = 'sine' })\n")
    p.expect("\n> ", 20.0)
    contains(p.raw, "\x1b_Ga=T,f=100,m=1;iVBORw0KGgo", "\x1b_Gm=0;")
    equal(p.enter("1 + 1"), "2\n")
    leave(p)


def typed_ahead(home):
    p = start(home, answers={ATTRIBUTES: "7 * 6\n\x1b[?62c"})
    p.enter(CURVE)
    p.send("dam.plot(x, y)\n")
    p.expect("\n> ", 20.0)
    p.expect("42\n> ")
    leave(p)


def files(home):
    p = start(home)
    p.enter(CURVE)
    name = os.path.join(home, "sine.png")
    equal(p.enter(f"dam.plot(x, y, {name!r})"), name + "\n")
    svg = os.path.join(home, "sine.svg")
    equal(p.enter(f"dam.plot(x, y, {{ file = {svg!r}, title = 'sine', err = x / 10 }})"),
          svg + "\n")
    with open(name, "rb") as file:
        equal(file.read(4), b"\x89PNG")
    with open(svg) as file:
        contains(file.read(), "sine")
    contains(p.enter("dam.plot(x, y, { titel = 'sine' })"), "did you mean 'title'?")
    equal(children(p.pid), [])
    leave(p)


def interrupted(home):
    p = start(home)
    p.enter("x = {} for i = 1, 300000 do x[i] = i end")
    for pause in (0.3, 0.8):
        p.send("print 'begun' dam.plot(x, x)\n")
        p.expect("\nbegun\n")
        time.sleep(pause)
        p.send("\x03")
        p.expect("\n> ", 20.0)
    time.sleep(0.5)
    equal(children(p.pid), [])
    leave(p)


if not shutil.which("gnuplot"):
    print("skipped: gnuplot is not installed")
else:
    suite.test("as text", text)
    suite.test("as text where the terminal has no pictures", no_sixel)
    suite.test("sixel", sixel)
    suite.test("kitty", kitty)
    suite.test("keys typed while the terminal is asked", typed_ahead)
    suite.test("files", files)
    suite.test("Ctrl-C leaves no gnuplot", interrupted)
    suite.finish()
