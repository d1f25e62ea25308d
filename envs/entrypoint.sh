#!/bin/sh
# What the image runs: a program where its first argument names one (python, bash), else snakemake with all arguments.
set -eu

if ! command -v -- "${1:-}" >/dev/null; then
    # Snakemake would count the host's cores.
    [ "$*" != "--cores all" ] || set -- --cores "$(sh "$(dirname "$0")/cores.sh")"
    set -- snakemake "$@"
    # A mounted folder starts empty, and .snakemake is a link into it.
    if ! mkdir -p results/.snakemake 2>/dev/null || ! [ -w results/.snakemake ]; then
        echo "vaentk: user $(id -u):$(id -g) may not write to /vaentk/results: make the folder before mounting it, and name its owner with --user" >&2
        exit 1
    fi
fi
exec "$@"
