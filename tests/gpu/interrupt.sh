#!/bin/sh
# interrupt.sh DAMLUA DEVICE: Ctrl-C ends a long run on the device within a second, exit status 130.
set -u
"$1" --device "$2" -e '
  local s = dam.mh { hamiltonian = dam.lse(), T = dam.range(0.1, 1, 0.1), replicas = 2,
    patterns = dam.patterns { N = 50, M = 20000, disorder = 8 } }
  s:run(1)
  s:run(1 << 40)' &
pid=$!
sleep 5
kill -INT $pid
before=$(date +%s%N)
wait $pid
status=$?
took=$((($(date +%s%N) - before) / 1000000))
echo "status $status, $took ms after the signal"
[ $status -eq 130 ] && [ $took -lt 1000 ]
