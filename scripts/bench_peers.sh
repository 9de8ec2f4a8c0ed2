#!/usr/bin/env bash
# bench_peers.sh [COLLECTION] --peers [OPTION ...] - ours beside what users would pick instead, and the
# table of targets. COLLECTION is channel, counter-map or filter; without one: all three.
set -euo pipefail

collections=()
options=()
filtered=no
json=
while (($# > 0)); do
    case "$1" in
        --peers) ;;
        channel | counter-map | filter) collections+=("$1") ;;
        -c | --filter) filtered=yes && options+=("$1" "$2") && shift ;;
        --json) json=$2 && shift ;;
        --help | -h)
            cat <<'TEXT'
usage: ./dev bench [channel|counter-map|filter] --peers [OPTION ...]

Runs the collection beside what users would pick instead, all in turns within each round, checks that
nothing is lost, and prints for each workload everybody's figures, then the table of targets. Installs
the peers' packages where it can; what is missing is said and left out.

  -c, --filter GLOB   only workloads whose id matches, as in 'channel-1p1c-*'
  --repetitions N     rounds of each workload (5)
  --budget TIME       for each collection (4m)
  --json FILE         the results; without -c otherwise build/peers/COLLECTION.json, which
                      ./dev report shows
TEXT
            exit 0
            ;;
        *) options+=("$1") ;;
    esac
    shift
done
((${#collections[@]} > 0)) || collections=(channel counter-map filter)

scripts/setup.sh --peers
scripts/build_peers.sh
status=0
for collection in "${collections[@]}"; do
    # A part of a table does not take the place of the whole.
    if [[ "$filtered" == yes ]]; then
        select=(${json:+--json "$json"})
    else
        select=(-c "$collection-*" --json "${json:-build/peers/$collection.json}")
    fi
    build/peers/bench/targets/ckf-bench-peers run "${select[@]}" "${options[@]}" \
        --programs build/peers/programs || status=$?
    [[ "$filtered" == no ]] || break
done
exit "$status"
