#!/bin/sh
# Builds eradio in release mode and measures one of:
#   fan-out  its fan-out against a bare send() loop; so without a name
#   notify   how soon WebSockets know of a new track, and what telling them costs the stream
# Options go to the benchmark: sh tests/bench/run.sh fan-out --listeners 1000 --seconds 30 (--help
# says which there are).
# ERADIO_BUILD_DIR: where to build instead of build/release.
set -eu

benchmark=fan-out
case ${1-} in
  fan-out | notify)
    benchmark=$1
    shift
    ;;
esac

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${ERADIO_BUILD_DIR:-$root/build/release}

echo "building in $build"
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build "$build"
DESTDIR='' cmake --install "$build" --prefix "$build/installed" >/dev/null

echo "kernel $(uname -r), $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg)"
sed -n 's/^model name[^:]*: /processor: /p' /proc/cpuinfo | head -n 1
exec "$build/tests/bench/eradio-bench-$benchmark" "$@"
