#!/bin/sh
# Installs what the build and the checks need, by apt, as root or with sudo; asks apt only for what is
# missing. Elsewhere lists it. Names are Debian's and Ubuntu's.
set -eu

build="gcc libc6-dev cmake ninja-build pkg-config liblua5.4-dev libgsl-dev libsqlite3-dev
  libreadline-dev librandom123-dev gnuplot-nox"
checks="g++ lua5.4 python3 python3-numpy"
# Each of these checks is skipped with a word where its tool is missing or unknown to apt.
optional="clang libomp-dev libclang-rt-14-dev clang-format-14 lua-check cppcheck"

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "deps: no apt here; needed, by their names in Debian:" $build
  echo "deps: for the checks also:" $checks $optional
  exit 0
fi

installed() {
  [ "$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null)" = "install ok installed" ]
}

missing() {
  for package in "$@"; do
    installed "$package" || echo "$package"
  done
}

needed=$(missing $build $checks)
wanted=$(missing $optional)
if [ -z "$needed$wanted" ]; then
  echo "deps: everything is installed"
  exit 0
fi

if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
  as_root=sudo
else
  [ -z "$wanted" ] || echo "deps: not installed, their checks will be skipped:" $wanted
  [ -n "$needed" ] || exit 0
  echo "deps: needs root or sudo to run: apt-get install --no-install-recommends" $needed >&2
  exit 1
fi

export DEBIAN_FRONTEND=noninteractive
$as_root apt-get update -q
known=
for package in $wanted; do
  if apt-cache show "$package" >/dev/null 2>&1; then
    known="$known $package"
  fi
done
if [ -n "$needed$known" ]; then
  $as_root apt-get install -q -y --no-install-recommends $needed $known
fi
