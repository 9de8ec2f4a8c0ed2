#!/usr/bin/env bash
# build_peers.sh - build build/peers: ckf-bench-peers with the peers whose libraries are there, and the
# programs of peers in other languages in build/peers/programs. What is missing is said and left out.
set -euo pipefail

folder=build/peers
programs=$folder/programs
mkdir -p "$programs"
programs=$(readlink -f "$programs")
log=build/peers.log
: >"$log"

options=(--buildtype=release -Dbench=enabled -Dpeers=true -Dtests=false -Dstress=false -Dexamples=false
    -Dhyperscan=auto)
# Packages that came since it was configured are found by configuring again.
installed=$(dpkg-query -W -f '${Package} ${Version}\n' 2>/dev/null | grep -E \
    '^(libdpdk-dev|libconcurrentqueue-dev|libtbb-dev|libboost-dev|libabsl-dev|libcuckoo-dev|libck-dev|libhyperscan-dev) ' || true)
configured="${options[*]}"$'\n'"$installed"
if ! {
    if [[ ! -f "$folder/build.ninja" ]]; then
        meson setup "$folder" "${options[@]}"
    elif [[ "$configured" != "$(cat "$folder/configured" 2>/dev/null)" ]]; then
        meson setup --reconfigure "$folder" "${options[@]}"
    fi
    printf '%s' "$configured" >"$folder/configured"
    ninja -C "$folder" bench/targets/ckf-bench-peers
} >>"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "build_peers: $folder failed; the whole log is $log" >&2
    exit 2
fi

# build_program NAME COMMAND PACKAGES SOURCES BUILDER: only when a source is newer.
build_program() {
    local name=$1 command=$2 packages=$3 sources=$4 builder=$5
    local program=$programs/peers-$name
    if ! command -v "$command" >/dev/null; then
        echo "peers: no $command, so nothing in $name; on Debian: apt-get install $packages" >&2
        rm -f "$program"
    elif [[ ! -e "$program" || -n "$(find "$sources" -newer "$program")" ]]; then
        if ! "$builder" "$sources" "$program" >>"$log" 2>&1; then
            echo "peers: what is in $name did not build, so it is left out; see $log" \
                "(on Debian: apt-get install $packages)" >&2
            rm -f "$program"
        fi
    fi
}

# Offline, against the crates that Debian packages.
build_rust() {
    local home=$folder/rust
    rm -rf "$home/crate" && mkdir -p "$home/crate/.cargo"
    cp -r "$1"/. "$home/crate/"
    cat >"$home/crate/.cargo/config.toml" <<'TEXT'
[source.crates-io]
replace-with = "debian"
[source.debian]
directory = "/usr/share/cargo/registry"
TEXT
    (cd "$home/crate" && CARGO_HOME=../cargo CARGO_TARGET_DIR=../target \
        cargo build --release --offline) && cp "$home/target/release/peers-rust" "$2"
}

build_go() {
    local source
    source=$(readlink -f "$1")
    (cd "$source" && GO111MODULE=off GOFLAGS=-mod= GOCACHE="$programs/../go-cache" \
        go build -o "$2" ./*.go)
}

build_java() {
    local classes=$programs/java-classes
    rm -rf "$classes" && javac -d "$classes" "$1"/*.java || return 1
    printf '#!/bin/sh\nexec java -XX:+UseParallelGC -Xshare:auto -cp "%s" Peers "$@"\n' "$classes" >"$2"
    chmod +x "$2"
}

build_grep() {
    cp "$1" "$2"
}

build_program grep grep grep bench/peers/grep.sh build_grep
build_program rust cargo \
    "cargo librust-crossbeam-channel-dev librust-aho-corasick-dev" bench/peers/rust build_rust
build_program go go golang-go bench/peers/go build_go
build_program java javac default-jdk-headless bench/peers/java build_java
