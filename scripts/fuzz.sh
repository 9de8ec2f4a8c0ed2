#!/usr/bin/env bash
# fuzz.sh TARGET [SECONDS] [LIBFUZZER OPTION ...] - fuzzes matcher or rules with clang's libFuzzer, under
# AddressSanitizer and UBSan. The corpus grows in build/fuzz/TARGET; a finding is left there too.
set -euo pipefail
target=${1:?usage: fuzz.sh matcher|rules [SECONDS]}
seconds=${2:-60}
shift $(($# < 2 ? $# : 2))
if ! command -v clang >/dev/null; then
    echo "fuzz: needs clang with libFuzzer; on Debian: apt-get install clang" >&2
    exit 2
fi
mapfile -t sources < <(printf '%s\n' ck_filter/*/*.c | grep -v '/hyperscan.c$')
hyperscan=() # a back end that inputs may choose, where it is installed
if pkg-config --exists libhs; then
    sources+=(ck_filter/filter/hyperscan.c)
    read -ra hyperscan < <(pkg-config --cflags --libs libhs)
    hyperscan+=(-DCKF_HYPERSCAN)
fi
folder=build/fuzz
mkdir -p "$folder/$target"
clang -std=c11 -D_GNU_SOURCE -mcx16 -O1 -g -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all \
    -Iinclude -Ick_filter tests/fuzz/naive.c "tests/fuzz/fuzz_$target.c" \
    "${sources[@]}" "${hyperscan[@]}" -lurcu-bp -lurcu-cds -pthread -o "$folder/fuzz_$target"
exec "$folder/fuzz_$target" -max_total_time="$seconds" -max_len=4096 -timeout=20 \
    -artifact_prefix="$folder/" -print_final_stats=1 "$@" "$folder/$target"
