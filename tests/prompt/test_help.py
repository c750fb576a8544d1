"""help at the prompt: what it answers, and that it fits into the terminal."""

import fcntl
import struct
import termios

from terminal import Suite, Terminal, equal

suite = Suite()


def start(home, columns):
    terminal = Terminal(["--quiet"], home)
    fcntl.ioctl(terminal.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    terminal.expect("> ")
    return terminal


def leave(terminal):
    terminal.send("\x04")
    equal(terminal.wait(), 0)


def contains(text, *wanted):
    for part in wanted:
        if part not in text:
            raise AssertionError(f"no {part!r} in {text!r}")


def topics(home):
    p = start(home, 90)
    contains(p.enter("help()"), "help(dam.mh)", "A first sample")
    contains(p.enter("help(dam.mh)"), "dam.mh{ hamiltonian =", "Options", "Errors", "B(7)", "Example")
    equal(p.enter('help "mh"'), p.enter("help(dam.mh)"))
    contains(p.enter('help "temperature"'), "theory:T_c", "dam.mh")
    contains(p.enter('help "mhh"'), 'help "mh"')
    p.enter("a = dam.zeros(2)")
    contains(p.enter("help(a)"), "dam.array", "array:slice")
    leave(p)


def width(home):
    for columns in 48, 70, 200:
        p = start(home, columns)
        text = p.enter("help(dam.lsr)").split("\nExample")[0]
        widest = max(len(line) for line in text.split("\n"))
        if not min(columns, 100) * 0.8 < widest <= min(columns, 100):
            raise AssertionError(f"{widest} wide on {columns} columns: {text!r}")
        leave(p)


suite.test("what it answers", topics)
suite.test("lines are as wide as the terminal, at most 100", width)
suite.finish()
