# For the tests of the command line. Sourced with pollux and the probe's ELF file as arguments; from then on the working directory
# is empty but for ./probe.
#
#   run ARG...              runs `pollux run ARG...`; status, ./out and ./err are what it did
#   expect STATUS           how it exited
#   expect_out TEXT         exactly what it printed
#   expect_err REGEX        a line of stderr (extended regular expression)
#   expect_complaint STATUS REGEX   it exited so, printed nothing, and said why in one line
#   finish                  ends the test
set -u

pollux="$(readlink -f "$1")"
mkdir "$TEST_TMPDIR/cli"
cp "$2" "$TEST_TMPDIR/cli/probe"
cd "$TEST_TMPDIR/cli" || exit 1
failures=0
input=/dev/null

run() { pollux run "$@"; }

pollux() {
  command="pollux $*"
  timeout --signal=KILL 60 "$pollux" "$@" <"$input" >out 2>err
  status=$?
}

fail() {
  echo "FAILED: $command"
  echo "    $1"
  echo "    status $status, stderr:"
  head -c 2000 err | sed 's/^/      /'
  failures=$((failures + 1))
}

expect() { [ "$status" -eq "$1" ] || fail "expected status $1"; }

expect_out() {
  [ "$(cat out)" = "$1" ] && return
  fail "stdout differs"
  diff -u <(echo "$1") out | head -n 40
}

expect_err() { grep -qE -- "$1" err || fail "no line of stderr is like: $1"; }

expect_complaint() {
  expect "$1"
  [ -s out ] && fail "it printed something on stdout"
  [ "$(wc -l <err)" -eq 1 ] || fail "it should say one line"
  expect_err "^pollux: .*$2"
}

finish() {
  [ "$failures" -eq 0 ] && exit 0
  echo "$failures failures"
  exit 1
}
