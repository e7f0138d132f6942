#!/bin/sh
# Builds eradio in release mode and measures one of:
#   fan-out  what a delivered frame costs, how old it is, and the memory of a listener, beside
#            Icecast, nchan and a bare send() loop, for several numbers of listeners (half an hour);
#            so without a name. Installs what is missing; writes tables and plots
#   joins    how soon newcomers hear the stream, and what thousands who come at once cost the others
#   hot-parts
#            what our own code costs where there is much of it; --against FILE compares with the
#            hot_parts.json of an earlier run, and fails when something takes a quarter longer
#   notify   how soon WebSockets know of a new track, and what telling them costs the stream
#   continuity
#            how long listeners hear nothing when workers are killed or replaced
#   lag      how far behind listeners are on bad networks, beside Icecast and the rule of the
#            server that eradio re-creates; needs root, installs what is missing, and writes tables
#            and plots
# Options go to the benchmark: sh tests/bench/run.sh fan-out --listeners 1000 --seconds 30 (--help
# says which there are); fan-out with options measures eradio and the bare loop, unless they say
# otherwise.
# ERADIO_BUILD_DIR: where to build instead of build/release.
# ERADIO_BENCH_DIR: where tables and plots go instead of the build directory's bench/, below which
# each benchmark has a directory of its own.
set -eu

benchmark=fan-out
case ${1-} in
  fan-out | joins | hot-parts | notify | continuity | lag)
    benchmark=$1
    shift
    ;;
esac

root=$(cd "$(dirname "$0")/../.." && pwd)
build=${ERADIO_BUILD_DIR:-$root/build/release}

case $benchmark in
  lag | fan-out) sh "$root/packaging/dependencies.sh" build tests bench ;;
esac

echo "building in $build"
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=RelWithDebInfo >/dev/null
cmake --build "$build"
DESTDIR='' cmake --install "$build" --prefix "$build/installed" >/dev/null

for option in "$@"; do
  [ "$option" != --help ] || exec "$build/tests/bench/eradio-bench-$benchmark" --help
done

machine() {
  echo "$(date +%F), kernel $(uname -r), $(nproc) processors, load $(cut -d' ' -f1-3 /proc/loadavg)"
  sed -n 's/^model name[^:]*: /processor: /p' /proc/cpuinfo | head -n 1
}

machine
case $benchmark in
  joins | notify | continuity) exec "$build/tests/bench/eradio-bench-$benchmark" "$@" ;;
esac

against=
if [ "$benchmark" = hot-parts ] && [ "${1-}" = --against ]; then
  against=$(realpath "${2:?--against needs a file}")
  shift 2
fi

results=${ERADIO_BENCH_DIR:-$build/bench}/$benchmark
mkdir -p "$results"
if [ "$benchmark" = hot-parts ]; then
  [ -z "$against" ] || cp "$against" "$results/before.json"
  "$build/tests/bench/eradio-bench-hot-parts" --benchmark_repetitions=5 \
    --benchmark_report_aggregates_only=false --benchmark_display_aggregates_only=true \
    --benchmark_out_format=json --benchmark_out="$results/hot_parts.json" "$@"
  echo "result: $results/hot_parts.json"
  [ -z "$against" ] || exec node "$root/tests/bench/compare.js" "$results/before.json" "$results/hot_parts.json"
  exit 0
fi
# What an earlier run has left stays until this one has come to its end.
fresh=$results.new
rm -rf "$fresh"
mkdir "$fresh"
{
  machine
  # What eradio is compared with.
  dpkg-query -W -f '${Package} ${Version}\n' icecast2 nginx-light libnginx-mod-nchan 2>/dev/null || true
} >"$fresh/machine.txt"
if [ "$benchmark" = fan-out ] && [ $# -eq 0 ]; then
  set -- --listeners 100 1000 3000 5000 \
    --servers eradio eradio-at-once eradio-one-by-one eradio-gathering bare-loop icecast icecast-tuned nchan nchan-tuned
fi
status=0
"$build/tests/bench/eradio-bench-$benchmark" --directory "$fresh" "$@" || status=$?
case $status in
  0 | 77) ;;
  *) exit "$status" ;;
esac
gnuplot -c "$root/tests/bench/$(echo "$benchmark" | tr - _).gnuplot" "$fresh"
rm -rf "$results"
mv "$fresh" "$results"
echo "tables and plots: $results"
[ "$status" -eq 0 ] || echo "NOT ALL servers could be measured: see above"
exit "$status"
