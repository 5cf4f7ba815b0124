#!/bin/bash
# compare_table.sh EXPECTED PERCENT SLACK COMMAND <MEASURED: two tables of lines "NAME FIGURE", of which
# less is better. A figure may be off by PERCENT of what is expected, and SLACK. Prints all of them; fails
# for one that is worse, for one that is so much better that the table has to follow, and for a name that
# only one of the two has. COMMAND writes the table anew.
set -eu
awk -v percent="$2" -v slack="$3" -v command="$4" '
  /^#/ { next }
  which == "expected" { expected[$1] = $2; next }
  {
    seen[$1] = 1
    if (!($1 in expected)) {
      printf "%-24s %8s: NOT IN THE TABLE\n", $1, $2
      ++worse
      next
    }
    off = $2 - expected[$1]
    room = expected[$1] * percent / 100 + slack
    verdict = ""
    if (off > room) { verdict = ": WORSE"; ++worse }
    if (off < -room) { verdict = ": better"; ++better }
    relative = expected[$1] > 0 ? sprintf(" (%+.1f %%)", 100 * off / expected[$1]) : ""
    printf "%-24s %8s, expected %8s%s%s\n", $1, $2, expected[$1], relative, verdict
  }
  END {
    for (name in expected)
      if (!(name in seen)) { printf "%-24s is in the table only\n", name; ++gone }
    if (worse + better + gone == 0) exit 0
    if (worse == 0) print "Nothing is worse, but the table has to follow, or what was won can be lost unseen."
    printf "%d worse or new, %d better, %d gone. If that is meant, this writes the table anew:\n  %s\n", worse, better, gone, command
    exit 1
  }
' which=expected "$1" which=measured -
