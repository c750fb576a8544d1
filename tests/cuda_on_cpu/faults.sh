#!/bin/sh
# faults.sh PROGRAM [STEP]: the test of the kernels, which passes with none (test cuda.kernels), fails
# with each fault (each STEP-th one) that can be planted in them, and passes with intervals that leave
# more proposals in doubt than they need to.
set -u
ulimit -c 0
export OMP_NUM_THREADS=1
missed=0
planted=0
n=1
while grep -qrE "PLANTED\($n\)" "$(dirname "$0")/../../cuda/kernels"; do
  if DAMLUA_TEST_STOP=1 DAMLUA_SHIM_PLANT=$n "$1" >/dev/null 2>&1; then
    echo "fault $n is not noticed"
    missed=$((missed + 1))
  fi
  n=$((n + ${2:-1}))
  planted=$((planted + 1))
done
if ! DAMLUA_SHIM_PLANT=100 "$1"; then
  echo "the kernels fail without a fault"
  missed=$((missed + 1))
fi
echo "$planted faults planted, $missed missed"
[ "$planted" -ge 10 ] && [ "$missed" -eq 0 ]
