#!/bin/sh
# Installs what is missing, builds and runs every test: as released, under AddressSanitizer and
# UndefinedBehaviorSanitizer, and those with threads under ThreadSanitizer.
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=packaging/steps.sh
. "$checkout/packaging/steps.sh"

usage() {
  cat <<END
sh tests/run.sh [--quick] [--long] [--without=LABELS]

  --quick           only the release build, without the sanitizers
  --long            the long runs too (ERADIO_TEST_LONG=1)
  --without=LABELS  not those with these labels, a regular expression such as web|bench
END
}

presets="release asan tsan"
without=
for option in "$@"; do
  case $option in
    --quick) presets=release ;;
    --long) export ERADIO_TEST_LONG=1 ;;
    --without=*) without=${option#*=} ;;
    --help)
      usage
      exit 0
      ;;
    *)
      usage >&2
      fail "unknown option $option"
      ;;
  esac
done

# GCC 12's sanitizers do not know the address layouts of kernels that randomise more bits than
# Debian 12's; without randomisation they run everywhere.
if [ -z "${ERADIO_TEST_FIXED_ADDRESSES-}" ] && setarch -R true 2>/dev/null; then
  ERADIO_TEST_FIXED_ADDRESSES=1 exec setarch -R sh "$0" "$@"
fi

sh "$checkout/packaging/dependencies.sh" build tests
prepare_build_directory

# Results of each preset, for whoever reads them later.
results=$checkout/build/test-results
mkdir -p "$results"
rm -f "$results"/*

# run_preset PRESET: fails when the build fails, a test fails, or there is none.
run_preset() {
  say "building $1 in $checkout/build/$1"
  # Building all that ThreadSanitizer has no business with would take as long again.
  target=
  [ "$1" != tsan ] || target=threads_tests
  { configure "$1" -DERADIO_TESTS=ON && build "$1" $target; } || return 1
  say "testing $1"
  # A pipe's status is that of its end, so that ctest passed is told through a file.
  {
    if (cd "$checkout" && ctest --preset "$1" -j2 --no-tests=error \
      ${without:+--label-exclude "$without"} \
      --output-junit "$results/$1.xml") 2>&1; then
      : >"$results/$1.passed"
    fi
  } | tee "$results/$1.log" | grep --line-buffered -v '^ *Start '
  [ -f "$results/$1.passed" ]
}

failed=
for preset in $presets; do
  run_preset "$preset" || failed="$failed $preset"
done

# Last, so that it is what one sees: how ctest ended in each preset.
for preset in $presets; do
  say "$preset: results in $results/$preset.xml"
  grep -s 'tests passed\|tests failed\|No tests' "$results/$preset.log" || echo "no test ran"
done
[ -z "$failed" ] || fail "failed:$failed"
