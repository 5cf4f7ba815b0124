#!/bin/bash
# docs/instructions.md says what the rows say. Arguments: the generator, the checked-in page.
set -u
if ! diff -u "$2" <("$1"); then
  echo "docs/instructions.md is out of date: ./bazelw run //interp/isa:generate_docs > docs/instructions.md" >&2
  exit 1
fi
