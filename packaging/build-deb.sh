#!/bin/sh
# Makes build/deb/eradio_VERSION_ARCHITECTURE.deb, and one with what a debugger needs, eradio-dbgsym_….
# They are built in a copy of the checkout, build/deb/source, which needs no npm: htdocs/js is in git.
#
#   sh packaging/build-deb.sh [--version VERSION]
#
#   --version VERSION  as if the checkout had this version; otherwise its own
set -eu
checkout=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
# shellcheck source=packaging/steps.sh
. "$checkout/packaging/steps.sh"

version=
case ${1-} in
  '') ;;
  --version)
    version=${2:?--version VERSION}
    ;;
  *) fail "unknown option $1: expected --version VERSION" ;;
esac

sh "$checkout/packaging/dependencies.sh" build deb
prepare_build_directory
packages=$checkout/build/deb
source=$packages/source

# What CMake has made of the same sources before is kept: files keep their times.
mkdir -p "$source"
find "$source" -mindepth 1 -maxdepth 1 ! -name 'obj-*' -exec rm -rf {} +
copy_checkout "$source"
cp -R "$source/packaging/debian" "$source/debian"
cd "$source"

project_version() {
  sed -n 's/^project(eradio VERSION \([^ ]*\) .*/\1/p' CMakeLists.txt
}
changelog_version() {
  dpkg-parsechangelog --show-field Version
}
[ "$(project_version)" = "$(changelog_version)" ] ||
  fail "CMakeLists.txt has version $(project_version), packaging/debian/changelog $(changelog_version)"

if [ -n "$version" ]; then
  sed -i "s/^\(project(eradio VERSION \)[^ ]*/\1$version/" CMakeLists.txt
  distribution=$(dpkg-parsechangelog --show-field Distribution)
  maintainer=$(dpkg-parsechangelog --show-field Maintainer)
  {
    printf 'eradio (%s) %s; urgency=medium\n\n  * Built from a checkout.\n\n -- %s  %s\n\n' \
      "$version" "$distribution" "$maintainer" "$(LC_ALL=C date -R)"
    cat "$checkout/packaging/debian/changelog"
  } >debian/changelog
fi

say "building the package in $source (the first time takes some minutes)"
DEB_BUILD_OPTIONS="parallel=$(nproc) ${DEB_BUILD_OPTIONS-}" \
  logged "$packages/build.log" "building the package" \
  dpkg-buildpackage --build=binary --no-pre-clean --unsigned-source --unsigned-changes || exit 1
while read -r package _; do
  say "made $packages/$package"
done <debian/files
