#!/bin/sh
# Everything that needs a GPU, with the portable binary: run.sh [DAMLUA [DEVICE]]. It needs nothing
# installed but the driver; compute-sanitizer and the Python peers are used where they are, and
# skipped, saying so, elsewhere. Exit status: 0 when all passed, 77 without a usable GPU.
set -u
cd "$(dirname "$0")/../.." || exit 1
damlua=${1:-build/portable/damlua}
device=${2:-cuda:0}
passed=0
failed=0

if [ ! -x "$damlua" ]; then
  echo "skipped: $damlua is not there (cmake --preset portable && cmake --build --preset portable)"
  exit 77
fi
why=$("$damlua" --device cpu -e "for _, d in ipairs(dam.devices()) do
  if d.name == '$device' then print(d.usable and 'usable' or d.why) end end")
if [ "$why" != usable ]; then
  echo "skipped: $device is not usable here: ${why:-there is no such device}"
  exit 77
fi

# step NAME COMMAND...: runs it, shows what it says, counts it.
step() {
  name=$1
  shift
  echo "== $name"
  if "$@"; then
    passed=$((passed + 1))
  else
    failed=$((failed + 1))
    echo "FAILED: $name"
  fi
}

"$damlua" -m info
command -v nvidia-smi >/dev/null && nvidia-smi -L

step "digests against the CPU" env TEST_DEVICE="$device" "$damlua" tests/lua/test_device.lua
step "several units in flight" env TEST_DEVICE="$device" "$damlua" tests/lua/test_flight.lua
for name in digest record own_patterns sampler_errors fluctuations; do
  step "test_$name on $device" env DAMLUA_DEVICE="$device" "$damlua" "tests/lua/test_$name.lua"
done
step "memory, two contexts, many disorders" "$damlua" tests/gpu/device.lua "$device"
step "Ctrl-C" tests/gpu/interrupt.sh "$damlua" "$device"

if command -v compute-sanitizer >/dev/null; then
  for tool in memcheck racecheck initcheck; do
    step "$tool" compute-sanitizer --tool $tool --error-exitcode 9 \
      "$damlua" tests/gpu/small.lua "$device"
  done
else
  echo "== memcheck, racecheck: skipped, compute-sanitizer is not installed"
fi

step "bench/gpu" "$damlua" bench/gpu.lua "$device"
if python3 -c 'import torch; assert torch.cuda.is_available()' 2>/dev/null; then
  step "the same work in PyTorch" python3 bench/gpu_peer.py torch
elif python3 -c 'import cupy; cupy.cuda.runtime.getDeviceCount()' 2>/dev/null; then
  step "the same work in CuPy" python3 bench/gpu_peer.py cupy
else
  echo "== peers: skipped, neither PyTorch nor CuPy is installed"
fi

echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
