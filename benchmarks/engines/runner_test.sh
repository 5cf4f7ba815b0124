#!/bin/bash
# runner_test.sh RUNNER NATIVE GUEST FLAG...: the programs agree on all engines, and the runner says
# what it should where something is wrong. NATIVE and GUEST are two programs that print different things.
set -u

runner="$1" native="$2" guest="$3" flags=("${@:4}")
out="$TEST_TMPDIR"

die() {
  echo "FAILED: $1" >&2
  cat "$out/stdout" "$out/stderr" >&2
  exit 1
}

# run STATUS FLAG...
run() {
  "$runner" --json="$out/engines.json" --svg="$out/engines.svg" --rounds=1 "${@:2}" \
    >"$out/stdout" 2>"$out/stderr"
  local status=$?
  [ "$status" -eq "$1" ] || die "exit status $status instead of $1: ${*:2}"
}

# refused STATUS PATTERN FLAG...: one line.
refused() {
  run "$1" "${@:3}"
  [ "$(wc -l <"$out/stderr")" -eq 1 ] || die "not one line: ${*:3}"
  grep -q "^engines: .*$2" "$out/stderr" || die "no $2: ${*:3}"
  [ ! -s "$out/stdout" ] || die "it printed something: ${*:3}"
}

run 0 "${flags[@]}" --scale=0.02
for name in big_numbers fib hash_map kernels matmul nbody parser records sha256 sieve text vm \
  empty hello; do
  grep -q "^$name " "$out/stdout" || die "no line of $name"
done
grep -q '^geometric mean, speed of pollux' "$out/stdout" || die "no geometric mean"
grep -q '"name": "sieve"' "$out/engines.json" || die "no sieve in the JSON"
grep -q '>sieve</text>' "$out/engines.svg" || die "no sieve in the picture"

# The same table again out of the JSON.
mv "$out/stdout" "$out/measured"
run 0 --read="$out/engines.json"
diff <(grep -v '^All that\|^The bar' "$out/measured") <(grep -v '^The bar' "$out/stdout") ||
  die "--read gives another table"

# A baseline is one more column; here it is the same pollux.
pollux="$(printf '%s\n' "${flags[@]}" | sed -n 's/^--own_pollux=//p')"
run 0 "${flags[@]}" --scale=0.02 --only='^fib$' --baseline="$pollux"
grep -q "speed of pollux, baseline's being 1" "$out/stdout" || die "no baseline"
! grep -q '^sieve ' "$out/stdout" || die "--only lets others through"

refused 1 'mixed 1: natively it exits with 0 and prints "[0-9a-f]*.n", under qemu with 0 and "' \
  --pollux="$pollux" --workload="mixed,5,$native,$guest"
refused 125 'no-such-qemu is not there' "${flags[@]}" --qemu=no-such-qemu
refused 125 'no-such-pollux" is no program' "${flags[@]}" --pollux=no-such-pollux
refused 125 'no-such-pollux" is no program' "${flags[@]}" --baseline=no-such-pollux
refused 125 'is no program' --workload="fib,1,$native,$guest"
refused 125 'no-such-program' --pollux="$pollux" --workload=gone,1,no-such-program,no-such-guest
refused 125 'no program.s name matches' "${flags[@]}" --only=nobody
refused 125 'missing )' "${flags[@]}" --only='('
refused 125 'form' --pollux="$pollux" --workload=fib,many,a,b
refused 125 'rounds' "${flags[@]}" --rounds=0
refused 125 'cannot be written' "${flags[@]}" --svg="$out/no/such/folder.svg"
refused 125 'cannot be read' --read="$out/no-such-file"
echo '{"engines": []}' >"$out/bad.json"
refused 125 'bad.json: ' --read="$out/bad.json"
refused 125 'no programs' --pollux="$pollux"
echo PASSED
