#!/bin/sh
# Snakemake runs this once in the environment it made from rule.yaml, from the working directory. It makes a new
# environment when this text changes, so the line below, kept by `make lock`, ties it to the lock's content.
# requirements.lock sha256: 274f38a17a1612660ec733a171af8b58d9835fb9213857df92806e49f9673a0f
set -eu
python -m pip install --require-hashes -r envs/requirements.lock
python -m pip install --no-deps --no-build-isolation --editable .
