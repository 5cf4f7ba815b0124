#!/bin/bash
# What pollux says of waits whose words are other C libraries' than glibc's, or a language runtime's.
. "$(dirname "$0")/testlib.sh"
mv probe waits

# explained DEED REASON...: its first finding has these reasons, each from its beginning, in any order;
# without the bug nothing is found.
explained() {
  local deed="$1" reason
  shift
  pollux explore --seeds=300 ./waits "$deed"
  expect 1
  [ "$(grep -c 'pollux: why: ' out)" -eq "$#" ] || fail "$deed has $# reasons: $(grep 'why: ' out)"
  for reason in "$@"; do
    grep -qE "pollux: why: $reason" out || fail "a reason is: $reason: $(grep 'why: ' out)"
  done
  pollux explore --seeds=200 --lint=all ./waits "$deed" good
  expect 0
}

word='0x[0-9a-f]+' order='Locks have to be taken in one order by all\.$'
took="took last, by step [0-9]+" since='sleeps since step [0-9]+ and waits for'
nobody="Nobody has called FUTEX_WAKE for it since: .* or has not come to it\.$"
hold='Who waits for the end of a thread must not hold what that thread needs to end\.$'
join="thread 1000 $since the end of thread 1001 \(pthread_join\)\.$"

# ---- Locks: of no owner, of an owner, of the same owner.
explained locks "a cycle: thread 1000 waits for the lock at $word, which thread 1001 $took; thread 1001 waits for the lock at $word, which thread 1000 $took\. $order"
explained owned_locks "a cycle: thread 1000 waits for the lock at $word, which thread 1001 holds; thread 1001 waits for the lock at $word, which thread 1000 holds\. $order"
explained relock "a cycle: thread 1000 waits for the lock at $word, which thread 1000 $took\. Who holds a mutex can take it again only if it is recursive \(pthread_mutex_lock\(3\)\)\.$"

# ---- The end of a thread whose structure is musl's.
explained joins 'a cycle: thread 1000 waits for the end of thread 1001; thread 1001 waits for the end of thread 1000\. None of them ends before another one\.$'
explained join_holding "a cycle: thread 1000 waits for the end of thread 1001; thread 1001 waits for the lock at $word, which thread 1000 $took\. $hold"

# ---- Who waits at a semaphore has set its word, and holds nothing.
explained semaphores "thread 1001 $since a wake-up of the futex at $word, .*$nobody" \
  "thread 1002 $since a wake-up of the futex at $word, .*$nobody" "$join"

# ---- Where a thread waits that was moved, is where it was moved to.
explained moved "a cycle: thread 1000 waits for the end of thread 1001; thread 1001 waits for the lock at $word, which thread 1000 $took\. $hold"

# ---- A wake-up that this thread had is none that it missed.
explained told_before "thread 1001 $since a wake-up of the futex at $word\. The last one ended its wait before this one: thread 1000 by futex\(\) = 1 at step [0-9]+\. Nobody has called FUTEX_WAKE since: .* or has not come to it\.$" \
  "$join"

# ---- A monitor that makes more calls than are remembered: since when, and for what, the others wait is
# known still.
run --explain --timeline=timeline.json --max_steps=20000000 ./waits beside_sysmon
expect 124
expect_err '^pollux: why: thread 1001 runs\. Its last 1000 calls were .*: it only lets time pass, and all other threads have waited since step [0-9]+\. But for it this is a deadlock '
expect_err "^pollux: why: thread 1003 $since a wake-up of the futex at $word, .*$nobody"
expect_err '^pollux: why: thread 1002 sleeps in epoll_pwait\([0-9]+\) since step [0-9]+, and nothing that it watches is ready: descriptor 3 \(pipe\) for EPOLLIN'
expect_err '^pollux: why: thread 1000 sleeps since step [0-9]+ and waits for the end of thread 1003 \(pthread_join\)\.$'
for thread in 1000 1001 1002 1003; do
  grep -q "\"thread $thread\"" timeline.json || fail "thread $thread is in the timeline"
done
pollux explore --seeds=200 ./waits beside_sysmon good
expect 0

finish
