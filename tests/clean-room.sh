#!/bin/sh
# Runs the two commands of the README in a fresh minimal Debian 12 that has nothing but the checkout:
# packaging/run.sh has to serve MP3 and stop when told to, tests/run.sh has to pass. Needs root, for
# the namespaces and the mounts; leaves nothing behind.
#
#   sh tests/clean-room.sh [options for tests/run.sh]
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)

# shellcheck source=tests/room.sh
. "$checkout/tests/room.sh"

[ "$(id -u)" -eq 0 ] || fail "this check has to be run by root; nothing has been checked"
sh "$checkout/packaging/dependencies.sh" clean-room

begin_room clean-room
# A path with a space, since people have such.
inside="/srv/the checkout"

# shellcheck disable=SC2119  # no options
make_room
# Where npm finds its packages is a matter of the network, too; so is who vouches for that place.
registry=$(npm config get registry 2>/dev/null) || registry=
authorities=$(npm config get cafile 2>/dev/null) || authorities=
[ "$authorities" != null ] || authorities=
[ -z "$authorities" ] || cp -L "$authorities" "$root/etc/npm-authorities.crt"
export registry authorities
mkdir -p "$root$inside"
copy_checkout "$root$inside"
phase "the room is made"

# The command without options, as in the README; another port only where 8080 is somebody else's.
port=8080
set_port=
if curl --silent --output /dev/null "http://localhost:$port/"; [ $? -ne 7 ]; then
  port=$((20000 + $$ % 10000))
  set_port="--listen_port $port"
  say "port 8080 is in use here: taking $port"
fi

say "sh packaging/run.sh $set_port"
# The first process of the room stays, to see what the command leaves behind.
# shellcheck disable=SC2016  # the inner shell expands it
(enter '
  cd /srv
  sh "the checkout/packaging/run.sh" $1
  echo $? >/run/status
  for process in /proc/[0-9]*; do
    case $(cat "$process/stat" 2>/dev/null) in
      "1 "* | *") Z "* | "") ;;
      *) tr "\0" " " <"$process/cmdline" >>/run/left-behind ;;
    esac
  done
' run "$set_port") >"$work/run.log" 2>&1 &
entered=$!

show_run_log_and_fail() {
  tail -n 30 "$work/run.log" >&2
  fail "$*"
}

# Half an hour is for slow networks and machines.
deadline=$(($(date +%s) + 1800))
until grep -q 'ready: listen at' "$work/run.log"; do
  kill -0 "$entered" 2>/dev/null || show_run_log_and_fail "packaging/run.sh ended before it was ready"
  [ "$(date +%s)" -lt "$deadline" ] || show_run_log_and_fail "packaging/run.sh was not ready in time"
  sleep 0.2
done
phase "packaging/run.sh installed, built and serves"

# Reads a file's first frames by their headers: MPEG 1 layer III, each beginning where the one before ends.
check_mp3() {
  od -An -v -tu1 -w1 "$1" | awk '
    BEGIN { split("32 40 48 56 64 80 96 112 128 160 192 224 256 320", kbit); split("44100 48000 32000", hertz) }
    { byte[NR - 1] = $1 }
    END {
      for (at = 0; at + 4 <= NR; at += length_) {
        if (byte[at] != 255 || byte[at + 1] - byte[at + 1] % 2 != 250) exit 1
        rate = int(byte[at + 2] / 16); frequency = int(byte[at + 2] / 4) % 4
        if (rate < 1 || rate > 14 || frequency > 2) exit 1
        length_ = int(144000 * kbit[rate] / hertz[frequency + 1]) + int(byte[at + 2] / 2) % 2
        ++frames
      }
      print frames " MP3 frames"
      exit frames < 100
    }'
}

# Four seconds of the stream, by a listener outside the room; it has to be stopped, for there is no end.
curl --silent --max-time 4 --output "$work/stream.mp3" "http://localhost:$port/stream.mp3" ||
  [ $? -eq 28 ] || show_run_log_and_fail "/stream.mp3 does not come"
found=$(check_mp3 "$work/stream.mp3") || show_run_log_and_fail "/stream.mp3 is no MP3: $found"
if command -v ffprobe >/dev/null; then
  codec=$(ffprobe -v error -show_entries stream=codec_name -of csv=p=0 "$work/stream.mp3")
  [ "$codec" = mp3 ] || fail "ffprobe takes the stream for $codec"
fi
curl --silent --fail "http://localhost:$port/" | grep -qi '<html' || show_run_log_and_fail "/ is no page"
phase "/stream.mp3 gives $found, / a page"

# unshare, then the room's first process, then what the command became by exec: the server itself.
first=$(pgrep -P "$entered")
server=$(pgrep -P "$first")
[ "$(cat "/proc/$server/comm")" = eradiod ] || fail "packaging/run.sh does not become the server"
told=$(date +%s%3N)
kill -TERM "$server"
wait "$entered" || true
took=$(($(date +%s%3N) - told))
entered=
[ "$(cat "$root/run/status" 2>/dev/null)" = 0 ] ||
  show_run_log_and_fail "the server ended with status $(cat "$root/run/status" 2>/dev/null)"
[ ! -e "$root/run/left-behind" ] || fail "left behind: $(cat "$root/run/left-behind")"
[ "$took" -lt 2000 ] || fail "the server took $took ms to stop"
phase "the server stopped in $took ms, with status 0, leaving no process"

say "sh tests/run.sh $*"
(enter '
  cd /srv
  sh "the checkout/tests/run.sh" "$@"
' tests "$@") &
entered=$!
passed=yes
wait "$entered" || passed=
# For whoever reads them later.
if [ -d "$root$inside/build/test-results" ]; then
  mkdir -p "$checkout/build"
  rm -rf "$checkout/build/test-results"
  cp -r "$root$inside/build/test-results" "$checkout/build/"
fi
[ -n "$passed" ] || fail "tests/run.sh"
entered=
phase "tests/run.sh passed"
