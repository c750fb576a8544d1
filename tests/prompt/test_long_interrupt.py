"""The campaign: every kind of loop, ten times each."""

from loops import LOOPS_AT_PROMPT, interrupted
from terminal import Suite

suite = Suite()
for name, code in LOOPS_AT_PROMPT.items():
    suite.test(f"ten times: {name}", interrupted(code, 10))
suite.finish()
