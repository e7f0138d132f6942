#!/bin/sh
# Installs the Debian packages that are missing, and nothing when none is. The one place that lists
# them, by what they are needed for:
#
#   sh packaging/dependencies.sh build [tests] [bench] [checks] [clean-room] [deb] [deb-tests]
#                                    [container-tests]
set -eu

build="g++ cmake ninja-build pkg-config
  libboost-dev libboost-program-options-dev libcpp-httplib-dev nlohmann-json3-dev libspdlog-dev libfmt-dev
  libabsl-dev libssl-dev libwslay-dev libseccomp-dev liburing-dev
  libavformat-dev libavcodec-dev libswresample-dev libavutil-dev"
# prometheus, with promtool: what checks the metrics, and collects them.
tests="libgtest-dev libbenchmark-dev ffmpeg curl nodejs chromium prometheus slowhttptest"
# Debian has npm in a package of its own, which other packages of nodejs bring with them.
command -v npm >/dev/null || tests="$tests npm"
# What the benchmarks compare with, and what draws their plots.
bench="icecast2 nginx-light libnginx-mod-nchan gnuplot-nox"
checks="git clang-format clang-tidy shellcheck doxygen"
clean_room="mmdebstrap curl procps"
deb="build-essential debhelper dpkg-dev"
deb_tests="lintian man-db mmdebstrap iproute2 procps"
container_tests="buildah mmdebstrap iproute2 procps curl"

fail() {
  printf 'dependencies.sh: %s\n' "$*" >&2
  exit 1
}

wanted=
for group in "$@"; do
  case $group in
    build) wanted="$wanted $build" ;;
    tests) wanted="$wanted $tests" ;;
    bench) wanted="$wanted $bench" ;;
    checks) wanted="$wanted $checks" ;;
    clean-room) wanted="$wanted $clean_room" ;;
    deb) wanted="$wanted $deb" ;;
    deb-tests) wanted="$wanted $deb_tests" ;;
    container-tests) wanted="$wanted $container_tests" ;;
    *) fail "unknown group $group: expected build, tests, bench, checks, clean-room, deb, deb-tests or container-tests" ;;
  esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  # shellcheck disable=SC2086  # words are wanted
  fail "this is no Debian (there is no apt-get); eradio needs the likes of:" $wanted
fi

missing=
for package in $wanted; do
  dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
    missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null ||
    fail "you are not root and there is no sudo; let root run: apt-get install$missing"
  as_root=sudo
fi

# Waits for another apt that is at work; shows no question that nobody would answer.
apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 "$@"
}

install() {
  # shellcheck disable=SC2086  # words are wanted
  apt install --no-install-recommends $missing </dev/null
}

# What tests need may bring a service, which nobody has asked for: it is not started now.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap '$as_root rm -f "$policy"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
  printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
  $as_root chmod 755 "$policy"
fi

printf '== installing%s\n' "$missing"
log=$(mktemp "${TMPDIR:-/tmp}/eradio-apt.XXXXXX")
# The package lists may be missing or out of date: only then are new ones needed.
if install >"$log" 2>&1 || { apt update && install; } >"$log" 2>&1; then
  rm -f "$log"
else
  tail -n 15 "$log" >&2
  fail "apt-get could not install$missing (is the network up? is this Debian 12?); its output is in $log"
fi
