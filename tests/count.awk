# Reads the log of ctest -V, prints a line per test and what failed tests wrote, and at the end
# "PASSED FAILED". A test that prints "N passed, N failed" counts as that many, any other as one; a
# test that failed without saying how often counts as one failure.
/^[0-9]+: / {
  id = $1 + 0
  text = substr($0, index($0, ":") + 2)
  if (text ~ /^Test timeout computed to be/)
    output[id] = "" # what stands before is about the command, not from it
  else
    output[id] = output[id] text "\n"
  if (text ~ /^[0-9]+ passed, [0-9]+ failed$/) {
    split(text, n, " ")
    said_passed[id] = n[1]
    said_failed[id] = n[3]
    spoke[id] = 1
  }
}

/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
  match($0, /#[0-9]+/)
  id = substr($0, RSTART + 1, RLENGTH - 1) + 0
  print
  if ($0 ~ /\*\*\*Skipped/) {
    printf "%s", output[id]
  } else if ($0 ~ / Passed +[0-9.]+ sec/) {
    passed += spoke[id] ? said_passed[id] : 1
  } else {
    passed += said_passed[id]
    failed += said_failed[id] > 0 ? said_failed[id] : 1
    printf "%s", output[id]
  }
  seen = 1
}

/^No tests were found/ { print }

END {
  if (!seen)
    failed++
  print passed + 0, failed + 0
}
