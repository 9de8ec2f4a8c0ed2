#!/usr/bin/env bash
# build.sh BUILD [TARGET ...] - configure and build build/BUILD: release, tsan or asan.
# Quiet unless something fails; then the compiler's words come out.
# Where Hyperscan is installed, the sanitizer builds have it as a back end, and the release does not: so
# both ways are tested.
set -euo pipefail

case "${1:-}" in
    release) options=(--buildtype=release -Dbench=enabled) ;;
    tsan) options=(--buildtype=debugoptimized -Db_sanitize=thread -Db_lundef=false -Dhyperscan=auto) ;;
    asan) options=(--buildtype=debugoptimized -Db_sanitize=address,undefined -Db_lundef=false
        -Dhyperscan=auto) ;;
    *)
        echo "build: which build? release, tsan or asan" >&2
        exit 2
        ;;
esac
folder=build/$1
shift
[[ -z "${CI:-}" ]] || options+=(-Dwerror=true)

mkdir -p build
log=$folder.log
if ! {
    if [[ ! -f "$folder/build.ninja" ]]; then
        rm -rf "$folder"
        meson setup "$folder" "${options[@]}"
    elif [[ "${options[*]}" != "$(cat "$folder/configured" 2>/dev/null)" ]]; then
        meson setup --reconfigure "$folder" "${options[@]}"
    fi
    printf '%s' "${options[*]}" >"$folder/configured"
    ninja -C "$folder" "$@"
} >"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "build: $folder failed; the whole log is $log" >&2
    exit 2
fi
