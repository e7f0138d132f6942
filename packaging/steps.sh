# Sourced by the scripts that build and test: the steps from a checkout to a build, quiet when they
# succeed, and clear when they fail.
# shellcheck shell=sh

: "${checkout:?is for the script that sources this one to set}"

say() {
  printf '== %s\n' "$*"
}

fail() {
  printf '%s: %s\n' "$0" "$*" >&2
  exit 1
}

# logged FILE WHAT COMMAND…: runs the command with its output in the file; returns 1 when it failed,
# after showing how the output ends.
logged() {
  log=$1
  what=$2
  shift 2
  if "$@" >"$log" 2>&1; then
    return 0
  fi
  tail -n 30 "$log" >&2
  printf '%s: %s failed; the whole output is in %s\n' "$0" "$what" "$log" >&2
  return 1
}

# Makes $checkout/build, where everything goes that is made here.
prepare_build_directory() {
  if ! mkdir -p "$checkout/build" 2>/dev/null || ! [ -w "$checkout/build" ]; then
    fail "cannot write to $checkout/build, where eradio is built: copy the checkout to a place of your own"
  fi
}

# configure PRESET [cmake options]
configure() {
  preset=$1
  shift
  cache=$checkout/build/$preset/CMakeCache.txt
  # A checkout that was moved or copied brings a cache that CMake refuses.
  if [ -f "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$checkout" "$cache"; then
    set -- --fresh "$@"
  fi
  logged "$checkout/build/$preset.configure.log" "configuring $preset" \
    cmake -S "$checkout" --preset "$preset" "$@"
}

# build PRESET [targets]: all targets when none is named.
build() {
  preset=$1
  shift
  logged "$checkout/build/$preset.build.log" "building $preset" \
    cmake --build "$checkout/build/$preset" ${1:+--target "$@"}
}

# Names the files that git tracks, as they are in the work tree; all but the build where there is no
# git. Each ends with a zero byte.
checkout_files() (
  cd "$checkout" || exit 1
  if ! git -c safe.directory="$checkout" ls-files -z 2>/dev/null; then
    find . -path ./build -prune -o -type f -print0
  fi
)

# copy_checkout DIRECTORY: these files, with their times, into a directory that is there.
copy_checkout() {
  checkout_files |
    (cd "$checkout" && tar --create --null --ignore-failed-read --files-from=- 2>/dev/null) |
    tar --extract --no-same-owner --directory="$1"
  [ -f "$1/packaging/steps.sh" ] || fail "the checkout could not be copied to $1"
}
