#!/bin/bash
# A differential test that cannot fail is worth nothing: with one bit of an engine's answers changed it must, and must
# name the case. Argument: the differential test.
set -u
output=$("$1" --corrupt --cases=20 --gtest_filter='Differential.*Engine*' 2>&1)
status=$?
if [[ $status == 0 ]] || ! grep -q '1 words differ' <<<"$output" || ! grep -q 'expected 0x' <<<"$output"; then
  echo "$output"
  echo "one wrong bit was not noticed (status $status)" >&2
  exit 1
fi
