#!/bin/sh
# Snakemake runs this once in the environment it made from rule.yaml, from the working directory. It makes a new
# environment when this text changes, so the line below, kept by `make lock`, ties it to the lock's content.
# requirements.lock sha256: f04011a60cfdbfc5463de2f7d1d2bb7a18b6e20e950d8289360dda5c29803f77
set -eu
python -m pip install --require-hashes -r envs/installer.lock
python -m pip install --no-build-isolation --require-hashes -r envs/requirements.lock
python -m pip install --no-deps --no-build-isolation --editable .
