#!/bin/sh
# The container: packaging/docker/Dockerfile is built, on a Debian 12 that mmdebstrap makes, with the
# package that lies in build/deb; what it starts runs as the first process of namespaces of its own,
# as the image's user, serves, and stops when it is told to. No container engine is used to run it:
# that is NOT CHECKED here, and so it ends with status 77. Needs root; leaves nothing behind.
#
#   sh tests/container.sh
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=tests/room.sh
. "$checkout/tests/room.sh"

[ "$(id -u)" -eq 0 ] || fail "this check has to be run by root; nothing has been checked"
sh "$checkout/packaging/dependencies.sh" container-tests
version=$(sed -n 's/^project(eradio VERSION \([^ ]*\) .*/\1/p' "$checkout/CMakeLists.txt")
package=$checkout/build/deb/eradio_${version}_$(dpkg --print-architecture).deb
# Of the checkout as it is now.
is_current() {
  # shellcheck disable=SC2016  # the inner shell expands it
  [ -f "$package" ] &&
    [ -z "$(cd "$checkout" && checkout_files | xargs -0 sh -c 'find "$@" -newer "$0" -print -quit' "$package" 2>&1)" ]
}
is_current || sh "$checkout/packaging/build-deb.sh"
begin_room container

storage() {
  buildah --root "$work/images" --runroot "$work/run" --storage-driver vfs "$@"
}

say "making a Debian 12"
mmdebstrap --quiet --variant=minbase bookworm "$work/base.tar" >"$work/mmdebstrap.log" 2>&1 ||
  fail "mmdebstrap could not make a Debian 12: $(cat "$work/mmdebstrap.log")"
base=$(storage from scratch)
logged "$work/base.log" "making an image of it" storage add "$base" "$work/base.tar" / || exit 1
rm "$work/base.tar"
logged "$work/base.log" "making an image of it" \
  storage commit --quiet --rm "$base" docker.io/library/debian:12-slim || exit 1
phase "there is a base image"

mkdir "$work/context"
cp "$checkout/packaging/docker/Dockerfile" "$package" "$work/context/"
logged "$work/build.log" "building the image" storage bud --format docker --isolation chroot \
  --pull-never --network host --tag eradio "$work/context" || exit 1
phase "the image is built"

# inspect FIELD VALUE
inspect() {
  found=$(storage inspect --type image --format "{{.Docker.Config.$1}}" eradio)
  [ "$found" = "$2" ] || fail "the image's $1: expected $2, got $found"
}
inspect User eradio
inspect Entrypoint "[eradiod --config /etc/eradio/eradio.conf]"
inspect StopSignal SIGTERM
inspect Healthcheck.Test "[CMD eradioctl status]"

root=$(storage mount "$(storage from --pull-never eradio)")
# The image's user, without a capability, as its entry point; with an argument of our own.
as_user() {
  echo setpriv --reuid=eradio --regid=eradio --init-groups --no-new-privs --inh-caps=-all --bounding-set=-all
}
# shellcheck disable=SC2046  # words are wanted
(boot $(as_user) eradiod --config /etc/eradio/eradio.conf --stream_path /live.mp3) \
  >"$work/eradiod.log" 2>&1 &
entered=$!
show_log_and_fail() {
  cat "$work/eradiod.log" >&2
  fail "$*"
}
tries=0
# shellcheck disable=SC2046
until in_booted $(as_user) eradioctl status >"$work/status" 2>&1; do
  tries=$((tries + 1))
  [ "$tries" -lt 200 ] || show_log_and_fail "the server is not healthy: $(cat "$work/status")"
  sleep 0.1
done
server=$(pgrep -P "$entered")
case $(cat "/proc/$server/status") in
  *"NSpid:	$server	1"*) ;;
  *) fail "the server is not the first process" ;;
esac
[ "$(stat -c %U "/proc/$server")" != root ] || fail "the server runs as root"
bytes=$(nsenter --target "$server" --net curl --silent --max-time 2 http://localhost:8080/live.mp3 | wc -c)
[ "$bytes" -gt 16000 ] || show_log_and_fail "two seconds of the stream have $bytes bytes"

told=$(date +%s%3N)
kill -TERM "$server"
result=0
wait "$entered" || result=$?
took=$(($(date +%s%3N) - told))
entered=
[ "$result" -eq 0 ] || show_log_and_fail "the server ended with status $result"
[ "$took" -lt 2000 ] || show_log_and_fail "the server took $took ms to stop"
phase "the server served, healthy, as the first process, and stopped in $took ms with status 0"
not_checked "docker or podman running the image, since neither can be relied on here"
