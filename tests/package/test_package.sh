#!/bin/bash
# test_package.sh BUILD: what `cmake --install` and `cpack -G DEB` make of a build works where it is
# put: the program, the module in a stock lua5.4, headers and library in a C program, the man page and
# the completion.
set -uo pipefail
build=$(cd "$1" && pwd)
sources=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
unset LUA_PATH LUA_CPATH LUA_INIT
cd "$sources" || exit 1

# check NAME COMMAND...: the command must succeed.
check() {
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
    cat "$work/log"
  fi
}

has() {
  command -v "$1" >/dev/null
}

# ---- cmake --install ----

check "cmake --install" env DESTDIR="$work/root" cmake --install "$build" --prefix /opt/damlua
top=$work/root/opt/damlua
for file in bin/damlua lib/lua/5.4/dam.so share/man/man1/damlua.1 \
  share/bash-completion/completions/damlua include/damlua/sampler.h \
  include/damlua/theory/theory.h lib/libdamengine.a lib/pkgconfig/damlua.pc \
  share/doc/damlua/copyright share/doc/damlua/sandbox.md share/doc/damlua/scripts/quickstart.lua; do
  check "$file is installed" test -s "$top/$file"
done

cat >"$work/digest.lua" <<'LUA'
local dam = require "dam"
local sweep = require "dam.sweep"
local r = sweep.run { name = "p", file = arg[1] .. ".sqlite", hamiltonian = dam.lse(), quiet = true,
  alpha = { 0.1, 0.2 }, T = { 0.2, 0.7 }, plan = sweep.fixed { N = 20, disorder = 2 },
  equilibrate = 20, sample = 20 }
r:export(arg[1] .. ".csv")
local p = dam.patterns { N = 20, M = 30, disorder = 2 }
print(dam.mh { hamiltonian = dam.lse(), patterns = p, T = { 0.2, 0.7 } }:sample(100).digest)
LUA

# computes_as_built WHO COMMAND...: the command runs the script as the build's own program does.
computes_as_built() {
  local who=$1
  shift
  "$build/damlua" "$work/digest.lua" "$work/built" >"$work/built.txt" &&
    "$@" "$work/digest.lua" "$work/$who" >"$work/$who.txt" &&
    cmp "$work/built.txt" "$work/$who.txt" && cmp "$work/built.csv" "$work/$who.csv"
}
check "the installed program computes" computes_as_built installed "$top/bin/damlua"
cp "$top/bin/damlua" "$work/moved"
check "the program needs nothing beside itself" computes_as_built moved "$work/moved"
check "it sandboxes" "$top/bin/damlua" --sandbox -e 'assert(not pcall(os.execute))'
if has lua5.4; then
  check "the module computes the same in a stock lua5.4" computes_as_built stock \
    env LUA_CPATH="$top/lib/lua/5.4/?.so" lua5.4
  for script in boltzmann free_energy phase_diagram_theory; do
    mkdir -p "$work/$script"
    check "scripts/$script.lua runs in a stock lua5.4" bash -c 'cd "$1" && LUA_CPATH="$2" lua5.4 "$3"' \
      - "$work/$script" "$top/lib/lua/5.4/?.so" "$sources/scripts/$script.lua"
  done
fi

# ---- the engine in C ----

cat >"$work/user.c" <<'C'
#include <stdio.h>

#include <damlua/hash.h>
#include <damlua/sampler.h>
#include <damlua/theory/theory.h>

int main(void)
{
    char hex[DAM_SHA256_HEX];

    dam_sha256("abc", 3, hex);
    return hex[0] != 'b';
}
C
compile() {
  local flags
  flags=$(PKG_CONFIG_PATH=$top/lib/pkgconfig pkg-config --cflags --libs --static damlua) || return
  ${CC:-cc} -o "$work/user" "$work/user.c" $flags && "$work/user"
}
if has pkg-config; then
  check "a C program finds headers and library by pkg-config" compile
fi

# ---- man page and completion ----

"$build/damlua" --help >"$work/help"
options=$(grep -oE '^  -[-a-z]*' "$work/help" | tr -d ' ' | grep -vE '^-+$')
verbs=$("$build/damlua" -m none 2>&1 | sed -n 's/.*(verbs: \(.*\)).*/\1/p' | tr -d ,)
sed 's/\\-/-/g' "$top/share/man/man1/damlua.1" >"$work/man"
check "there are options and verbs to look for" test -n "$options" -a -n "$verbs"
for word in $options; do
  check "the man page has $word" grep -qE "^\.B[IR]? .*$word\b" "$work/man"
done
for verb in $verbs; do
  check "the man page has the verb $verb" grep -qE "^\.BI? $verb\b" "$work/man"
done
if has man; then
  check "the man page is well-formed" bash -c 'test -z "$(man --warnings -l "$1" 2>&1 >/dev/null)"' \
    - "$top/share/man/man1/damlua.1"
fi

# completes LINE WORD: WORD is offered at the end of the LINE.
completes() {
  bash -c 'source "$1"; read -ra COMP_WORDS <<<"$2"; [[ $2 == *" " ]] && COMP_WORDS+=("")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=(); _damlua
    printf "%s\n" "${COMPREPLY[@]}" | grep -qxe "$3"' - \
    "$top/share/bash-completion/completions/damlua" "$1" "$2"
}
for word in $options; do
  check "completion offers $word" completes "damlua -" "$word"
done
for verb in $verbs; do
  check "completion offers the verb $verb" completes "damlua -m " "$verb"
done
check "completion of a verb's options" completes "damlua -m verify x --u" --units
check "completion of devices" completes "damlua --device c" cuda-on-cpu

# ---- the Debian package ----

if has cpack && has dpkg-deb && has dpkg-shlibdeps; then
  check "cpack -G DEB" cpack -G DEB --config "$build/CPackConfig.cmake" -B "$work/deb"
  deb=$(ls "$work"/deb/*.deb)
  check "the package can be unpacked" dpkg-deb -x "$deb" "$work/unpacked"
  check "its program computes" computes_as_built unpacked "$work/unpacked/usr/bin/damlua"
  check "its control file names what is needed" bash -c \
    'd=$(dpkg-deb -f "$1" Depends) && for p in libgsl liblua5.4 libreadline libsqlite3; do
       grep -q "$p" <<<"$d" || { echo "$p is not in $d"; exit 1; }; done' - "$deb"
fi

# ---- LuaRocks ----

if has lua5.4; then
  check "the rockspec is of this version" env VERSION="$("$build/damlua" -e 'print(dam.version)')" \
    lua5.4 -e 'local e, v = {}, os.getenv "VERSION"
    assert(loadfile("packaging/damlua-" .. v .. "-1.rockspec", "t", e))()
    assert(e.package == "damlua" and e.version == v .. "-1" and e.build.type == "cmake")'
fi
if [ "${2:-}" = rocks ] && has luarocks; then
  cp -r "$sources" "$work/rock"
  rm -rf "$work/rock/build"
  check "luarocks make" bash -c 'cd "$1/rock" && luarocks --lua-version 5.4 make --tree "$1/tree" \
    packaging/*.rockspec' - "$work"
  check "the rock computes" computes_as_built rock env \
    LUA_CPATH="$work/tree/lib/lua/5.4/?.so" lua5.4
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ] && [ $passed -gt 0 ]
