"""A damlua on a pseudo-terminal: send keys, expect text, measure how long it took."""

import os
import pty
import re
import select
import shutil
import signal
import sys
import tempfile
import time

ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b_G[^\x1b]*\x1b\\")

TIME = re.compile(r"\n\([0-9.]+ s\)$")


class Terminal:
    """One process. `home` is where its history is kept; `answers` from a terminal's question to what
    it answers; `inputrc` the text of the user's own."""

    def __init__(self, arguments, home, answers=None, inputrc=None):
        self.text = self.raw = ""
        self.answers = answers or {}
        rc = "/dev/null"
        if inputrc is not None:
            rc = os.path.join(home, "inputrc")
            with open(rc, "w") as file:
                file.write(inputrc)
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            environment = {k: v for k, v in os.environ.items() if not k.startswith("DAMLUA_")}
            environment.update(HOME=home, TERM="xterm", INPUTRC=rc)
            environment.pop("XDG_STATE_HOME", None)
            os.execve(sys.argv[1], [sys.argv[1]] + arguments, environment)

    def send(self, text):
        os.write(self.fd, text.encode())

    def read(self, seconds):
        ready, _, _ = select.select([self.fd], [], [], max(0.0, seconds))
        if not ready:
            return False
        try:
            data = os.read(self.fd, 65536)
        except OSError:
            return False
        more = data.decode(errors="replace")
        self.raw += more
        for question, answer in self.answers.items():
            if question in more:
                self.send(answer)
        self.text = ESCAPES.sub("", self.text + more).replace("\r", "")
        return bool(data)

    def expect(self, wanted, seconds=10.0):
        """Text up to and with `wanted`, which is consumed; fails after `seconds`."""
        start = time.monotonic()
        while wanted not in self.text:
            left = start + seconds - time.monotonic()
            if left <= 0 or not self.read(left) and time.monotonic() < start + seconds:
                if wanted not in self.text:
                    raise AssertionError(f"no {wanted!r} within {seconds} s in {self.text!r}")
        found, self.text = self.text.split(wanted, 1)
        self.seconds = time.monotonic() - start
        return found

    def enter(self, line):
        """Types a line and returns what is printed before the next prompt, but for the time it took."""
        self.send(line + "\n")
        self.expect("\n")
        self.text = "\n" + self.text
        printed = TIME.sub("", self.expect("\n> "))
        return printed[1:] + "\n" if printed else ""

    def until_quiet(self, seconds=0.3):
        """All that comes until nothing more does for some time."""
        while self.read(seconds):
            pass
        found, self.text = self.text, ""
        return found

    def signal(self, number=signal.SIGINT):
        os.kill(self.pid, number)

    def wait(self, seconds=10.0):
        """The exit status, once the process has ended."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.read(0.02)
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                os.close(self.fd)
                return os.waitstatus_to_exitcode(status)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        raise AssertionError(f"still running after {seconds} s: {self.text!r}")


def start(home, arguments=("--quiet",), **more):
    """A damlua at its prompt."""
    terminal = Terminal(list(arguments), home, **more)
    terminal.expect("> ")
    return terminal


def leave(terminal):
    """Ctrl-D asks nothing."""
    terminal.send("\x04")
    equal(terminal.wait(), 0)


class Suite:
    """Named tests, each with a fresh home."""

    def __init__(self):
        self.passed = self.failed = 0

    def test(self, name, body):
        home = tempfile.mkdtemp()
        try:
            body(home)
            self.passed += 1
        except Exception as error:  # a test must not end the others
            self.failed += 1
            print(f"FAILED: {name}: {type(error).__name__}: {error}")
        finally:
            shutil.rmtree(home)

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed")
        sys.exit(0 if self.passed and not self.failed else 1)


def equal(found, wanted):
    if found != wanted:
        raise AssertionError(f"found {found!r}, wanted {wanted!r}")


def contains(found, *wanted):
    for text in wanted:
        if text not in found:
            raise AssertionError(f"no {text!r} in {found!r}")
