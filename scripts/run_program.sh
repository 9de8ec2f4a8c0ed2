#!/usr/bin/env bash
# run_program.sh PROGRAM [ARGUMENT ...] - build the release and run one of its programs.
# A first argument that is an option means the program's `run`.
set -euo pipefail
program=$1
shift
for argument in "$@"; do
    [[ "$program $argument" != "ckf-bench --peers" ]] || exec scripts/bench_peers.sh "$@"
done
scripts/build.sh release
case "$program" in
    ckf-stress) path=build/release/stress/ckf-stress ;;
    ckf-bench) path=build/release/bench/ckf-bench ;;
esac
case "$program ${1:-}" in
    "ckf-stress soak") shift; exec build/release/stress/soak/ckf-stress-soak "$@" ;;
    # with the scenes of single orders
    "ckf-stress mutate") exec build/release/tests/explore_orders "$@" ;;
esac
case "${1:-}" in
    --help | -h) exec "$path" --help ;;
    "" | -*) exec "$path" run "$@" ;;
    *) exec "$path" "$@" ;;
esac
