#!/bin/sh
# Makes .venv hold exactly what checks.lock names, and vaentk itself (editable). The Makefile calls it
# from the repository root, with PYTHON naming the interpreter to build on (empty: look for one).
#
# .venv/installed is written last. A .venv without it was never finished, and one that was moved with its clone
# has scripts that point to the old place: both are made anew, from packages that are mostly in uv's cache by then.
set -eu

lock=envs/checks.lock
here=$(pwd -P)
started=$(date +%s)

say() { printf 'vaentk: %s\n' "$*"; }
fail() {
    printf '%s\n' "$*" >&2
    exit 1
}

# "3.11.2", or nothing where the program is missing or is no Python.
version_of() { "$1" -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])' 2>/dev/null || true; }

# minor_of 3.11.2 = 11; 0 for Python 2, and for nothing.
minor_of() {
    case $1 in
        3.*) rest=${1#3.} && echo "${rest%%.*}" ;;
        *) echo 0 ;;
    esac
}

# Of the Pythons on PATH, one that every locked package has a built wheel for (3.11 to 3.13) goes before a newer one.
choose_python() {
    for newest in 13 999; do
        for candidate in python3 python3.13 python3.12 python3.11 python3.14; do
            minor=$(minor_of "$(version_of "$candidate")")
            if [ "$minor" -ge 11 ] && [ "$minor" -le "$newest" ]; then
                echo "$candidate"
                return
            fi
        done
    done
    echo python3
}

base_python() {
    python=${PYTHON:-$(choose_python)}
    found=$(version_of "$python")
    if [ "$(minor_of "$found")" -lt 11 ]; then
        fail "vaentk needs Python 3.11 or newer, found ${found:-no Python} ($python): install it or run make PYTHON=/path/to/python report"
    fi
    "$python" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "vaentk needs the venv module, which Python $found ($python) lacks: install it (Debian, Ubuntu: apt install python3-venv) or run make PYTHON=/path/to/python report"
    if [ "$(minor_of "$found")" -gt 13 ]; then
        say "Python $found is newer than some locked packages know: building those takes a C compiler (Python 3.11 to 3.13 needs none)"
    fi
}

usable() {
    [ -e .venv/installed ] && .venv/bin/python -c 'import pip' 2>/dev/null && grep -qF " $here/.venv" .venv/pyvenv.cfg
}

if usable; then
    say "the lock or pyproject.toml changed: updating .venv"
    rm .venv/installed
else
    base_python
    say "installing into .venv with Python $found (about 3 GB to download, 6 GB of disk: a minute on a fast line)"
    "$python" -m venv --clear .venv
fi

.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r envs/installer.lock
# The one package without a wheel is built with the setuptools that installer.lock has just brought.
grep -A 1 '^connection-pool==' "$lock" >.venv/built.txt
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --require-hashes -r .venv/built.txt
.venv/bin/uv pip sync --python .venv/bin/python --require-hashes "$lock"
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation --editable .
: >.venv/installed
say "installed in $(($(date +%s) - started)) s"
