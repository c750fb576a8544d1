#!/bin/sh
# spills.sh FOLDER: what ptxas said of each kernel when it was built (FOLDER/NAME.o.log): none keeps
# registers in memory, for any architecture. 77: nothing was built by nvcc.
set -eu
if ! ls "$1"/*.o.log >/dev/null 2>&1; then
  echo "skipped: no CUDA toolkit, so no kernel was built"
  exit 77
fi
awk '
  /Compiling entry function/ { split($0, part, "\x27"); kernel = part[2] " for " part[4] }
  /bytes spill stores/ {
    kernels++
    if ($0 !~ /0 bytes spill stores, 0 bytes spill loads/) {
      print "spills: " kernel ": " $0
      spilled++
    }
  }
  /warning/ { print FILENAME ": " $0; spilled++ }
  END {
    print kernels " kernels, " spilled + 0 " that spill or warn"
    exit kernels == 0 || spilled > 0
  }
' "$1"/*.o.log
