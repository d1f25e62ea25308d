#!/bin/sh
# Snakemake runs this once in the environment it made from rule.yaml, from the working directory. It makes a new
# environment when this text changes, so the line below, kept by `make lock`, ties it to the lock's content.
# requirements.lock sha256: 6f5eaadf5a9cabea206f681f95e733ca987d709e173a73efdeb9915849b00f2d
set -eu
python -m pip install --require-hashes -r envs/installer.lock
python -m pip install --no-build-isolation --require-hashes -r envs/requirements.lock
python -m pip install --no-deps --no-build-isolation --editable .
