#!/bin/sh
# From a checkout to a running server: installs what is missing, builds, and runs eradiod in the
# foreground with the demo source. Options are eradiod's own.
#
#   sh packaging/run.sh [--listen_port 8000] [--source "eradio-source-play DIR"] […]
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=packaging/steps.sh
. "$checkout/packaging/steps.sh"

sh "$checkout/packaging/dependencies.sh" build
prepare_build_directory

# Tests are left out, unless somebody who develops here has them in this build already.
tests=OFF
if grep -qsx 'ERADIO_TESTS:BOOL=ON' "$checkout/build/release/CMakeCache.txt"; then
  tests=ON
fi
say "building eradio in $checkout/build/release (the first time takes some minutes)"
configure release -DERADIO_TESTS=$tests || exit 1
build release master/all worker/all eradioctl/all sources/all || exit 1

prefix=$checkout/build/run
logged "$checkout/build/install.log" "installing into $prefix" \
  cmake --install "$checkout/build/release" --prefix "$prefix" || exit 1

say "starting $prefix/sbin/eradiod; Ctrl-C stops it"
exec "$prefix/sbin/eradiod" "$@"
