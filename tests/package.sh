#!/bin/sh
# The Debian package in a clean Debian 12, as an operator meets it: lintian has nothing to say, it is
# installed, serves, is upgraded to a higher version under a listener who checks every frame, removed
# and purged, with the real maintainer scripts; where no systemd runs, and under one. Needs root;
# leaves nothing behind but build/deb.
#
# Ends with status 77 when no systemd can run here.
#
#   sh tests/package.sh
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=tests/room.sh
. "$checkout/tests/room.sh"

[ "$(id -u)" -eq 0 ] || fail "this check has to be run by root; nothing has been checked"
sh "$checkout/packaging/dependencies.sh" build tests deb deb-tests
begin_room package
packages=$checkout/build/deb

# A listener and a source that both know every frame.
if [ ! -x "$checkout/build/release/tests/support/eradio-test-listener" ]; then
  prepare_build_directory
  configure release -DERADIO_TESTS=ON || exit 1
fi
build release eradio-test-listener eradio-test-source || exit 1

# The package, and the same with a higher version.
version=$(sed -n 's/^project(eradio VERSION \([^ ]*\) .*/\1/p' "$checkout/CMakeLists.txt")
next_version=$version.1
architecture=$(dpkg --print-architecture)
rm -f "$packages"/*.deb "$packages"/*.changes "$packages"/*.buildinfo
sh "$checkout/packaging/build-deb.sh"
for made in eradio eradio-dbgsym; do
  [ -f "$packages/${made}_${version}_$architecture.deb" ] || fail "there is no package $made"
done
phase "the package is built"

lintian --profile debian --info --display-info --pedantic --fail-on error,warning --allow-root \
  "$packages/eradio_${version}_$architecture.changes" >"$work/lintian.log" 2>&1 || {
  cat "$work/lintian.log" >&2
  fail "lintian is not content with the package"
}
grep '^[IP]:' "$work/lintian.log" || true
phase "lintian finds neither errors nor warnings"

mkdir "$work/packages"
cp "$packages/eradio_${version}_$architecture.deb" "$work/packages/eradio-1.deb"
DEB_BUILD_OPTIONS=noautodbgsym sh "$checkout/packaging/build-deb.sh" --version "$next_version"
mv "$packages/eradio_${next_version}_$architecture.deb" "$work/packages/eradio-2.deb"
rm -f "$packages"/*"_${next_version}_"*
phase "the package is built as version $next_version"

# What the package depends on is in the room, and apt's lists for what is installed from a file.
make_room --include=curl,systemd \
  --include="$(dpkg-deb --field "$work/packages/eradio-1.deb" Depends |
    sed 's/ ([^)]*)//g; s/ | [^,]*//g; s/, /,/g')"
phase "the room is made"

cp "$work/packages"/*.deb "$checkout/tests/package-scenario.sh" "$root/opt/"
cp "$checkout/build/release/tests/support/eradio-test-listener" \
  "$checkout/build/release/tests/support/eradio-test-source" "$root/opt/"

# scenario INIT COMMAND…: runs it; shows what it printed when it fails.
scenario() {
  init=$1
  shift
  if "$@"; then
    phase "$init: the package was installed, upgraded, removed and purged"
  else
    fail "the package, $init"
  fi
}

(boot sh /opt/package-scenario.sh none "$version" "$next_version") &
entered=$!
scenario "without systemd" wait "$entered"
entered=

if ! can_boot_systemd; then
  not_checked "the package under systemd, since there are no control groups for it here"
fi
has_cgroup=yes
(join_cgroup && boot /lib/systemd/systemd --show-status=false) >"$work/systemd.log" 2>&1 &
entered=$!
tries=0
until in_booted systemctl is-system-running 2>/dev/null | grep -q 'running\|degraded'; do
  tries=$((tries + 1))
  if [ "$tries" -ge 300 ] || ! kill -0 "$entered" 2>/dev/null; then
    cat "$work/systemd.log" >&2
    fail "systemd did not come up in the room"
  fi
  sleep 0.2
done
phase "systemd runs"
scenario "under systemd" in_booted sh /opt/package-scenario.sh systemd "$version" "$next_version"
end_entered
