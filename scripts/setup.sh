#!/usr/bin/env bash
# setup.sh - install what building, testing and measuring need. Does nothing where all is there.
set -euo pipefail

peers=no
if [[ "${1:-}" == "-h" || "${1:-}" == "--help" ]]; then
    echo "usage: ./dev setup [--peers]"
    echo "Installs the Debian packages that the other commands need (as root or through sudo)."
    echo "--peers: also those of the libraries and languages that ./dev bench --peers compares with;"
    echo "what cannot be installed of these is named and left out."
    exit 0
elif [[ $# == 1 && "$1" == "--peers" ]]; then
    peers=yes
elif (($# > 0)); then
    echo "setup: unknown argument '$1'; it takes --peers or none" >&2
    exit 2
fi

# What must be there, and the Debian package that brings it.
needed_commands=(
    gcc:gcc g++:g++ meson:meson ninja:ninja-build pkg-config:pkg-config python3:python3
    clang-format:clang-format awk:mawk grep:grep
)
needed_modules=(
    liburcu-bp:liburcu-dev liburcu-cds:liburcu-dev ck:libck-dev benchmark:libbenchmark-dev
    cmocka:libcmocka-dev
)
needed_files=(/usr/share/dict/words:wamerican /usr/include/stdio.h:libc6-dev)

# What the comparison with peers takes along where it is there.
peer_commands=(cargo:cargo go:golang-go javac:default-jdk-headless)
peer_modules=(libdpdk:libdpdk-dev tbb:libtbb-dev libhs:libhyperscan-dev absl_flat_hash_map:libabsl-dev)
peer_files=(
    /usr/include/concurrentqueue/concurrentqueue.h:libconcurrentqueue-dev
    /usr/include/boost/lockfree/queue.hpp:libboost-dev
    /usr/include/libcuckoo/cuckoohash_map.hh:libcuckoo-dev
    /usr/share/doc/librust-crossbeam-channel-dev:librust-crossbeam-channel-dev
    /usr/share/doc/librust-aho-corasick-dev:librust-aho-corasick-dev
)
if [[ "$peers" == yes ]]; then
    needed_commands=("${peer_commands[@]}")
    needed_modules=("${peer_modules[@]}")
    needed_files=("${peer_files[@]}")
fi

missing=()
for pair in "${needed_commands[@]}"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair##*:}")
done
for pair in "${needed_modules[@]}"; do
    pkg-config --exists "${pair%%:*}" 2>/dev/null || missing+=("${pair##*:}")
done
for pair in "${needed_files[@]}"; do
    [[ -e "${pair%%:*}" ]] || missing+=("${pair##*:}")
done
((${#missing[@]} > 0)) || exit 0
mapfile -t missing < <(printf '%s\n' "${missing[@]}" | sort -u)

give_up() {
    if [[ "$peers" == yes ]]; then
        echo "peers: $1, so these are left out: ${missing[*]}" >&2
        exit 0
    fi
    {
        echo "setup: $1"
        echo "setup: please install these packages (Debian's names), then try again:"
        echo "    ${missing[*]}"
    } >&2
    exit 2
}

command -v apt-get >/dev/null || give_up "this system has no apt-get"
as_root=()
if ((EUID != 0)); then
    command -v sudo >/dev/null || give_up "not root, and there is no sudo"
    sudo -n true 2>/dev/null || give_up "not root, and sudo asks for a password"
    as_root=(sudo -n)
fi

# One peer that cannot be had does not keep the others away.
one_by_one() {
    local package refused=()
    for package in "${missing[@]}"; do
        "${apt[@]}" install -y --no-install-recommends "$package" </dev/null >>"$log" 2>&1 ||
            refused+=("$package")
    done
    missing=("${refused[@]}")
    ((${#missing[@]} == 0)) || give_up "apt-get could not install them"
    exit 0
}

echo "setup: installing ${missing[*]}" >&2
export DEBIAN_FRONTEND=noninteractive
apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -qq)
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } \
    </dev/null >"$log" 2>&1; then
    [[ "$peers" == no ]] || one_by_one
    tail -n 20 "$log" >&2
    give_up "apt-get failed (its last lines are above)"
fi
