#!/bin/bash
# Compares a checked-in page with what its tool prints: generated_doc_test.sh TOOL PAGE LABEL.
set -euo pipefail

tool=$1 page=$2 label=$3
if ! "$tool" | diff -u "$page" - >"$TEST_TMPDIR/difference"; then
  head -n 60 "$TEST_TMPDIR/difference"
  echo "$page is out of date. Run: ./bazelw run $label > $page"
  exit 1
fi
echo "$page is what $label prints"
