#!/bin/bash
# --publish: clients of the host's loopback talk to an HTTP server in the guest (examples/http_server.cc).
. "$(dirname "$0")/testlib.sh"
client="$(readlink -f "$OLDPWD/$3")"

# ---- Wrong usage: one line, and 125.
run --publish=8080:80 ./probe
expect_complaint 125 '--publish needs --clock=host'
for words in '8080' 'x:80' '8080:x' '-1:80' '65536:80' '8080:0' '8080:65536' '0.0.0.0:8080:80' '192.0.2.1:8080:80' \
  'localhost:8080:80' '::1:8080:80' '127.0.0.1:8080:80:1' '1.2'; do
  run --clock=host "--publish=$words" ./probe
  expect_complaint 125 'publish='
done
run --clock=nonsense ./probe
expect_complaint 125 'clock'

# ---- A server.
# serve FLAG...: starts it; $port is the host's.
serve() {
  rm -f out err
  command="pollux run --clock=host --publish=0:8080 $*"
  "$pollux" run --clock=host --publish=0:8080 "$@" ./probe 8080 </dev/null >out 2>err &
  server=$!
  trap 'kill -KILL $server 2>/dev/null' EXIT
  for _ in $(seq 600); do
    grep -qs listening out && break
    sleep 0.1
  done
  port="$(sed -n "s/^pollux: 127.0.0.1:\([0-9]*\) is the guest's port 8080$/\1/p" err)"
  [ -n "$port" ] || fail 'it does not say which port it chose'
  url="http://127.0.0.1:$port"
}
# stop SIGNAL: the server ends by itself.
stop() {
  kill "-$1" "$server"
  wait "$server"
  status=$?
  trap - EXIT
}
get() { curl --silent --show-error --max-time 60 "$@"; }

serve
[ "$(get "$url/")" = 'hello from the guest' ] || fail 'GET /'
[ "$(get -o /dev/null -w '%{http_code}' "$url/missing")" = 404 ] || fail 'GET /missing'
# A port that is in use.
taken="$port"
"$pollux" run --clock=host "--publish=$taken:80" ./probe </dev/null >out2 2>err2
status=$?
[ "$status" -eq 125 ] && [ "$(wc -l <err2)" -eq 1 ] && grep -q "127.0.0.1:$taken: Address already in use" err2 ||
  fail "a port in use: status $status, $(cat err2)"
# Only loopback is listened on.
addresses="$(awk -v port="$(printf '%04X' "$taken")" '$4 == "0A" && $2 ~ ":" port "$" { print $2 }' /proc/net/tcp /proc/net/tcp6)"
[ "$addresses" = "$(printf '0100007F:%04X' "$taken")" ] || fail "it listens on $addresses"

# One connection for three requests.
connects="$(get -w '%{num_connects} ' -o one "$url/" -o two "$url/bytes/1000" -o three "$url/bytes/26")"
[ "$connects" = '1 0 0 ' ] || fail "connections made: $connects"
[ "$(cat three)" = abcdefghijklmnopqrstuvwxyz ] || fail 'GET /bytes/26'
# Large bodies, both ways.
head -c 1048576 /dev/urandom >body
get -H 'Expect:' --data-binary @body -o echoed "$url/echo"
cmp -s body echoed || fail '1 MiB up and down is not the same'
[ "$(get "$url/bytes/4000000" | wc -c)" -eq 4000000 ] || fail 'GET /bytes/4000000'
# At once.
for i in $(seq 8); do
  { get -H 'Expect:' --data-binary @body "$url/echo" | cmp -s body - && echo "$i" >"same$i"; } &
  waits[i]=$!
done
wait "${waits[@]}"
[ "$(ls same* | wc -l)" -eq 8 ] || fail 'eight clients at once'
# A slow reader.
[ "$(get --limit-rate 500K "$url/bytes/1000000" | wc -c)" -eq 1000000 ] || fail 'a slow reader'

for what in half_close pipeline disappear garbage many; do
  timeout 120 "$client" "$port" "$what" || fail "$what"
done
before="$(awk '/VmRSS/ { print $2 }' "/proc/$server/status")"
timeout 300 "$client" "$port" flood || fail flood
after="$(awk '/VmHWM/ { print $2 }' "/proc/$server/status")"
[ $((after - before)) -lt 65536 ] || fail "a flood made pollux grow from $before to $after KiB"
[ "$(get "$url/")" = 'hello from the guest' ] || fail 'GET / after all that'

# Idle, with a client that says nothing: no processor time.
exec 3<>"/dev/tcp/127.0.0.1/$port"
sleep 0.5
begin="$(awk '{ print $14 + $15 }' "/proc/$server/stat")"
sleep 2
ticks=$(($(awk '{ print $14 + $15 }' "/proc/$server/stat") - begin))
[ "$ticks" -le 5 ] || fail "2 idle seconds took $ticks ticks"
exec 3>&-

stop TERM
expect 0
grep -qE '^[0-9]+ requests on [0-9]+ connections$' out || fail 'the guest says goodbye'
get "$url/" >/dev/null 2>&1 && fail 'nobody listens any more'

# ---- A server with little memory goes on.
serve --max_memory=24M
timeout 120 "$client" "$port" many || fail 'many, with little memory'
timeout 300 "$client" "$port" flood || fail 'flood, with little memory'
[ "$(get "$url/")" = 'hello from the guest' ] || fail 'GET / after a flood, with little memory'
stop INT
expect 0

# ---- Nobody listens on the guest's port.
serve --publish=0:9
other="$(sed -n "s/^pollux: 127.0.0.1:\([0-9]*\) is the guest's port 9$/\1/p" err)"
timeout 60 "$client" "$other" refused || fail refused
[ "$(get "$url/")" = 'hello from the guest' ] || fail 'GET / of the other port'
stop TERM
expect 0
finish
