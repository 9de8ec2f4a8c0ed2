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
To install: meson install -C build/release --destdir DIRECTORY
TEXT
