#!/bin/bash
# Wrong command lines: status 125 and one line that names what is wrong. And the help.
. "$(dirname "$0")/testlib.sh"

pollux
expect_complaint 125 'subcommand'
pollux nonsense
expect_complaint 125 ''
pollux --nonsense
expect_complaint 125 ''
pollux run
expect_complaint 125 'GUEST'
run --nonsense ./probe
expect_complaint 125 '--nonsense'
run --seed=1 --nonsense=5 ./probe
expect_complaint 125 '--nonsense'
run -x ./probe
expect_complaint 125 '-x'

for seed in x -1 1.5 '' 0x10 99999999999999999999999; do
  run "--seed=$seed" ./probe
  expect_complaint 125 'seed'
done
for uid in x -1 4294967295 99999999999; do
  run "--uid=$uid" ./probe
  expect_complaint 125 'uid'
done
for memory in 0 x 1x -1 99999999999999999999G 18446744073709551615G; do
  run "--max_memory=$memory" ./probe
  expect_complaint 125 'max_memory'
done
for steps in x -1; do
  run "--max_steps=$steps" ./probe
  expect_complaint 125 'max_steps'
done
for variable in A =b; do
  run "--env=$variable" ./probe
  expect_complaint 125 'env'
done
for flag in env dir max_memory max_steps seed uid cwd trace_file engine clock publish schedule_seed stdio strategy depth length; do
  run "--$flag=" ./probe
  expect_complaint 125 "$flag=: the value is missing"
done
for pattern in '(' '[a' '*' 'a{2,1}' '(?P<' '\8'; do
  run "--trace=$pattern" ./probe
  expect_complaint 125 'trace'
done
run --trace_file=missing/trace ./probe
expect_complaint 125 'missing/trace.*No such file'
run --engine=turbo ./probe
expect_complaint 125 'engine'
run --cwd=/missing ./probe
expect_complaint 125 '/missing.*No such file'
run --cwd=/dev/null ./probe
expect_complaint 125 '/dev/null.*Not a directory'

echo text >file
for directory in '' x /a /a= =file a=. /missing=missing /file=file /a=:ro /a=.:rw; do
  run "--dir=$directory" ./probe
  expect_complaint 125 ''
done

pollux --help
expect 0
for subcommand in run explore replay shrink disasm; do
  pollux --help
  grep -q "^  $subcommand " out || fail "the help names $subcommand"
  pollux "$subcommand" --help
  expect 0
  [ -s err ] && fail 'help goes to stdout'
done
pollux run --help
for flag in --seed --trace --trace_file --env --dir --cwd --uid --max_memory --max_steps --json --clock --publish --schedule_seed --stdio --strategy; do
  grep -q -- "$flag" out || fail "the help names $flag"
done

# Words after GUEST belong to the guest, whatever they look like.
run ./probe arguments --seed=x --help -- '' 'two words' --nonsense
expect 0
expect_out '[./probe]
[arguments]
[--seed=x]
[--help]
[--]
[]
[two words]
[--nonsense]'
run --seed=3 -- ./probe exit 3
expect 3
finish
