#!/bin/sh
# lint.sh format|lua|static: one check of the sources. 77: its tool is not installed here.
set -eu
cd "$(dirname "$0")/../.."

c_files() {
  find src lua tests bench -name '*.[ch]' 2>/dev/null
}

need() {
  if ! command -v "$1" >/dev/null; then
    echo "skipped: $1 is not installed"
    exit 77
  fi
}

case $1 in
format)
  need clang-format-14
  c_files | xargs clang-format-14 --dry-run -Werror
  ;;
lua)
  need luacheck
  for folder in stdlib scripts tests bench docs/generate; do
    if [ -d $folder ]; then
      luacheck --quiet --no-color $folder
    fi
  done
  ;;
static)
  need cppcheck
  cppcheck --quiet --enable=warning,portability --error-exitcode=1 --std=c11 -Ilua \
    --suppressions-list=tests/lint/cppcheck.txt -j "$(nproc)" src lua
  ;;
esac
