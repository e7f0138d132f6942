#!/bin/sh
# Builds eradio in release mode and measures one of:
#   fan-out  its fan-out against a bare send() loop; so without a name
#   notify   how soon WebSockets know of a new track, and what telling them costs the stream
#   continuity
#            how long listeners hear nothing when workers are killed or replaced
#   lag      how far behind listeners are on bad networks, beside Icecast and the rule of the
#            server that eradio re-creates; needs root, installs what is missing, and writes tables
#            and plots
# Options go to the benchmark: sh tests/bench/run.sh fan-out --listeners 1000 --seconds 30 (--help
# says which there are).
# ERADIO_BUILD_DIR: where to build instead of build/release.
# ERADIO_BENCH_DIR: where tables and plots go instead of the build directory's bench/.
set -eu

benchmark=fan-out
case ${1-} in
  fan-out | notify | continuity | lag)
    benchmark=$1
    shift
    ;;
esac

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${ERADIO_BUILD_DIR:-$root/build/release}

[ "$benchmark" != lag ] || sh "$root/packaging/dependencies.sh" build tests bench

echo "building in $build"
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build "$build"
DESTDIR='' cmake --install "$build" --prefix "$build/installed" >/dev/null

machine() {
  echo "$(date +%F), kernel $(uname -r), $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg)"
  sed -n 's/^model name[^:]*: /processor: /p' /proc/cpuinfo | head -n 1
}

machine
[ "$benchmark" = lag ] || exec "$build/tests/bench/eradio-bench-$benchmark" "$@"

results=${ERADIO_BENCH_DIR:-$build/bench}
mkdir -p "$results"
# What an earlier run has left would be drawn as if it were this one's.
rm -f "$results"/*.csv "$results"/*.txt "$results"/*.svg
machine >"$results/machine.txt"
"$build/tests/bench/eradio-bench-lag" --directory "$results" "$@"
gnuplot -c "$root/tests/bench/lag.gnuplot" "$results"
echo "tables and plots: $results"
