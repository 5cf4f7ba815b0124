#!/bin/bash
# docs/syscalls.md says what the rows say. Arguments: the generator, the checked-in page.
set -u
if ! diff -u "$2" <("$1"); then
  echo "docs/syscalls.md is out of date: ./bazelw run //shims:generate_docs > docs/syscalls.md" >&2
  exit 1
fi
