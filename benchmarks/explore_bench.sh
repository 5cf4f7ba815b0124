#!/bin/bash
# explore_bench.sh BENCHMARK GUEST NATIVE [FLAG...]: the benchmark knows its programs by variables.
GUEST="$2" NATIVE="$3" exec "$1" "${@:4}"
