#!/usr/bin/env bash
# build_release.sh [TARGET ...] - what `./dev build` does: the release build, and where its parts are.
set -euo pipefail

case "${1:-}" in
    -h | --help)
        echo "usage: ./dev build [TARGET ...]"
        echo "Builds the release, or the given ninja targets of it, in build/release, and prints"
        echo "where its parts are."
        exit 0
        ;;
esac
scripts/build.sh release "$@"
cat <<'TEXT'
build/release/
  ck_filter/libck_filter.so, .a   the library; its headers are in include/
  stress/ckf-stress               the stress suite (./dev stress)
  bench/ckf-bench                 the comparison (./dev bench)
  examples/                       a program for each concept, and log_filter
  tests/                          the unit tests
To install into /usr/local, as root: meson install -C build/release && ldconfig
Elsewhere: meson configure build/release --prefix DIRECTORY first, and then tell programs where:
  export PKG_CONFIG_PATH=DIRECTORY/lib/x86_64-linux-gnu/pkgconfig (what meson install printed)
  export LD_LIBRARY_PATH=DIRECTORY/lib/x86_64-linux-gnu
TEXT
