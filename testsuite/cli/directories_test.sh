#!/bin/bash
# --dir: what is mounted can be used, what is not cannot be seen: not by .., not by links of any kind.
. "$(dirname "$0")/testlib.sh"

fresh() {
  chmod -R u+w shown 2>/dev/null
  rm -rf shown
  mkdir -p shown/below
  echo 'contents' >shown/file
  echo 'deep' >shown/below/file
}
fresh
echo 'SECRET' >secret

run --dir=/data=shown ./probe list /data
expect 0
expect_out '.
..
below
file'
run --dir=/data=shown ./probe cat /data/below/file
expect_out 'deep'
run --dir=/a/long/way/down=shown ./probe cat /a/long/way/down/file
expect_out 'contents'
run --dir=/data=shown --cwd=/data/below ./probe cat ../file
expect_out 'contents'
run --dir=/data=shown --dir=/data/below/other=shown/below ./probe cat /data/below/other/file
expect_out 'deep'
run --dir=/one=shown --dir=/two=shown/below ./probe cat /two/file
expect_out 'deep'
run ./probe cat /data/file
expect_out '/data/file: ENOENT'

# Written through to the host.
run --dir=/data=shown ./probe change /data
expect_out 'read: ok
write: ok
truncate: ok
create: ok
chmod: ok
rename: ok
rename back: ok
link: ok
symlink: ok
mkdir: ok
rmdir: ok
unlink: ok'
[ -e shown/fresh ] && [ ! -e shown/file ] && [ "$(cat shown/linked)" = 'Won' ] || fail 'the host sees the changes'
[ "$(readlink shown/soft)" = 'file' ] || fail 'the link is a link on the host'

# Read-only.
fresh
run --dir=/data=shown:ro ./probe change /data
expect_out 'read: ok
write: EROFS
truncate: EROFS
create: EROFS
chmod: EROFS
rename: EROFS
rename back: EROFS
link: EROFS
symlink: EROFS
mkdir: EROFS
rmdir: EROFS
unlink: EROFS'
[ "$(find shown | sort | tr '\n' ' ')" = 'shown shown/below shown/below/file shown/file ' ] || fail 'nothing has changed'
[ "$(cat shown/file)" = 'contents' ] || fail 'the file has not changed'

# Nothing else is seen.
hidden() {
  run "${@:1:$#-1}" ./probe cat "${!#}"
  grep -q SECRET out && fail 'the guest sees what is outside'
  cmp -s out /etc/passwd && fail "the guest sees the host's /etc/passwd"
  cmp -s out /etc/hostname && fail "the guest sees the host's /etc/hostname"
}
absolute="$(readlink -f secret)"
hidden "$absolute"
hidden --dir=/data=shown /data/../secret
hidden --dir=/data=shown /data/../../../../../../etc/passwd
hidden --dir=/data=shown --cwd=/data ../secret
hidden --dir=/data=shown /data/below/../../../etc/passwd
hidden --dir=/data=shown "$absolute"

ln -s "$absolute" shown/absolute_file
ln -s ../secret shown/relative_file
ln -s "$(dirname "$absolute")" shown/absolute_directory
ln -s .. shown/parent
ln -s / shown/root
ln -s /etc/hostname shown/hostname
ln -s /etc/passwd shown/passwd
ln -s below/../../secret shown/crooked
ln -s shown/../../secret shown/below/crooked
ln -s /proc/self/root/etc/passwd shown/proc_root
ln -s /proc/self/cwd/secret shown/proc_cwd
ln -s self shown/self
for path in absolute_file relative_file absolute_directory/secret parent/secret root/etc/hostname "root$absolute" hostname \
  passwd crooked below/crooked proc_root proc_cwd self; do
  hidden --dir=/data=shown "/data/$path"
  hidden --dir=/data=shown:ro "/data/$path"
  hidden --dir=/=shown "/$path"
  hidden --dir=/data=shown --cwd=/data "$path"
done
run --dir=/data=shown ./probe cat /data/hostname
cp out by_link
run --dir=/data=shown ./probe cat /etc/hostname
cmp out by_link || fail "a link to /etc/hostname leads to the guest's"
run --dir=/data=shown ./probe list /data/root
grep -qx data out || fail "a link to / leads to the guest's root"
run --dir=/data=shown ./probe list /data/parent
grep -qx data out || fail ".. of a mount's root is where it is mounted"
run --dir=/=shown ./probe cat /file
expect_out 'contents'

# A directory that becomes a link while it is mounted by name is not followed out either: made before the run, as a mounted directory.
ln -s "$(dirname "$absolute")/shown" link_to_shown
run --dir=/data=link_to_shown ./probe cat /data/file
expect_out 'contents'

# Files of other kinds neither block nor are opened for what they are.
mkfifo shown/fifo
start=$SECONDS
run --dir=/data=shown ./probe cat /data/fifo
[ "$status" -ne 137 ] || fail 'a FIFO of the host blocks'
[ $((SECONDS - start)) -lt 20 ] || fail 'a FIFO of the host takes its time'
run --dir=/data=/dev:ro ./probe cat /data/zero
[ "$status" -eq 1 ] || fail 'a device of the host is not the guest'"'"'s'
if [ "$(id -u)" -ne 0 ]; then
  chmod 000 shown/file
  run --dir=/data=shown ./probe cat /data/file
  expect_out '/data/file: EACCES'
fi
finish
