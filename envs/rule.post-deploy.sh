#!/bin/sh
# Snakemake runs this once in the environment it made from rule.yaml, from the working directory. It makes a new
# environment when this text changes, so the line below, kept by `make lock`, ties it to the lock's content.
# requirements.lock sha256: ff9b679cb68503f35d18bff89a96f9c7b5f555d665dda47bedce148de90f56c9
set -eu
python -m pip install --require-hashes -r envs/requirements.lock
python -m pip install --no-deps --no-build-isolation --editable .
