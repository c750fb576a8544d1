#!/bin/sh
# nvcc.sh LOG COMMAND...: runs the compiler and keeps what it says in LOG, for tests to read; shows
# it when the compiler fails or warns.
log=$1
shift
if ! "$@" >"$log" 2>&1; then
  cat "$log" >&2
  rm -f "$log"
  exit 1
fi
