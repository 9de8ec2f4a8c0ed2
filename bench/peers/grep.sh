#!/bin/bash
# peers-grep PEER SCRIPT COPIES COPIES PARAMETER SHAPE WORK - GNU grep on the files of
# $CKF_BENCH_CORPUS, which hold as many records as there is work; prints one line of names and numbers.
set -u
export LC_ALL=C
started=$(date +%s%N)
count=$(timeout 50 grep -c -F -f "$CKF_BENCH_CORPUS/patterns" "$CKF_BENCH_CORPUS/records")
ended=$(date +%s%N)
echo "ns $((ended - started)) count $count"
