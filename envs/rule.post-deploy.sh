#!/bin/sh
# Snakemake runs this once in the environment it made from rule.yaml, from the working directory. It makes a new
# environment when this text changes, so the line below, kept by `make lock`, ties it to the lock's content.
# requirements.lock sha256: f02085733dce53bc9de654d915cb2060c3b10a3f4c64458554340fe714c3c80d
set -eu
python -m pip install --require-hashes -r envs/requirements.lock
python -m pip install --no-deps --no-build-isolation --editable .
