#!/bin/sh
# Arrows between layers go one way: scripts -> stdlib -> lua -> src. Prints every line that breaks
# this.
set -eu
cd "$(dirname "$0")/../.."
status=0

# forbid WHAT PATTERN FILES...
forbid() {
  what=$1 pattern=$2
  shift 2
  if grep -nE "$pattern" "$@" /dev/null; then
    echo "^ $what"
    status=1
  fi
}

engine=$(find src -name '*.[ch]')
bindings=$(find lua -name '*.[ch]')
forbid "the engine knows no Lua" '#include *[<"](lua|lauxlib|lualib)[a-z]*\.h' $engine
forbid "the engine includes nothing from the layers above" \
  '#include *"[^"]*(lua|stdlib|scripts|tests|host)/' $engine
forbid "the engine never prints, exits or jumps" \
  '(^|[^a-z_])(printf|puts|putchar|perror|exit|_exit|abort|longjmp|setjmp) *\(' $engine
forbid "the engine never prints" 'f(printf|puts) *\((stdout|stderr)' $engine
forbid "the bindings include nothing from the layers above" \
  '#include *"[^"]*(stdlib|scripts|tests)/' $bindings
forbid "only the host includes the host" '#include *"[^"]*host/' \
  $(find lua -maxdepth 1 -name '*.[ch]')
if find stdlib -name '*.lua' | xargs grep -nE "(require|dofile|loadfile)[ (]*[\"'](scripts|tests)"
then
  echo "^ the standard library needs no script"
  status=1
fi
if [ $status = 0 ]; then
  echo "1 passed, 0 failed"
fi
exit $status
