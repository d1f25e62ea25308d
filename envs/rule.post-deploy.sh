#!/bin/sh
# Snakemake runs this once in the environment it made from rule.yaml, from the working directory. It makes a new
# environment when this text changes, so the line below, kept by `make lock`, ties it to the lock's content.
# requirements.lock sha256: f7be6482fd82fc3664da83ba4a03de4710936adadf9b4d16f0936cfa4d256ded
set -eu
python -m pip install --require-hashes -r envs/requirements.lock
python -m pip install --no-deps --no-build-isolation --editable .
