# vaentk in a container: the default configuration runs without a network.
#
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) --tag vaentk .
#   mkdir -p results data
#   docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD/results:/vaentk/results" vaentk
#   docker run --rm --gpus all --user "$(id -u):$(id -g)" --volume "$PWD/results:/vaentk/results" \
#       --volume "$PWD/data:/data" vaentk --cores all --configfile config/paper.yaml
#
# BASE may be any image with Python 3.11 to 3.13, its venv module, glibc >= 2.28, libstdc++ and certificates. The digest
# is a multi-platform index (amd64, arm64) of the tag before it; to move on: docker buildx imagetools inspect
# python:3.12-slim-bookworm
ARG BASE=python:3.12-slim-bookworm@sha256:54c85f3c47607a77f32adec749d3c81d1348bf25833671f512b26a9b6d778cb3
FROM ${BASE}

WORKDIR /vaentk
ENV VIRTUAL_ENV=/opt/venv \
    PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1

# The lock before the code: a change of code does not install torch again. One layer: what only installing, linking
# and testing need is gone before it ends. pip stays, jobs on Kubernetes and AWS Batch call it.
COPY envs/installer.lock envs/requirements.lock envs/
RUN python3 -m venv "$VIRTUAL_ENV" \
    && pip install --quiet --no-cache-dir --require-hashes -r envs/installer.lock \
    && grep -A 1 '^connection-pool==' envs/requirements.lock >/tmp/built.txt \
    && uv pip install --no-cache --no-deps --no-build-isolation --require-hashes -r /tmp/built.txt \
    && uv pip sync --no-cache --compile-bytecode --require-hashes envs/requirements.lock \
    && pip uninstall --quiet --yes uv && rm -f /tmp/built.txt /tmp/uv-* \
    && find "$VIRTUAL_ENV" -depth -type d \( -name tests -o -path '*/torch/include' \) -exec rm -r {} + \
    && find "$VIRTUAL_ENV" -path '*/cupti*' -name '*_static.a' -delete

COPY . .
RUN pip install --quiet --no-cache-dir --no-deps --no-build-isolation --editable . \
    && python -m compileall -q workflow/src

# Whichever user `docker run --user` names may write where results, downloads and caches go, so that files on a
# mounted folder belong to the person who runs it. What Snakemake knows of a run lies with its results: else a
# new container would take the results of other settings for its own.
RUN mkdir -p results/.snakemake /data /home/vaentk \
    && ln -s results/.snakemake .snakemake \
    && chmod 1777 . results results/.snakemake /data /home/vaentk
USER 1000:1000
ENV HOME=/home/vaentk \
    USER=vaentk \
    VAENTK_CACHE=/data \
    NVIDIA_VISIBLE_DEVICES=all \
    NVIDIA_DRIVER_CAPABILITIES=compute,utility
VOLUME ["/vaentk/results", "/data"]

# There is no .git here, so provenance takes the commit from this.
ARG COMMIT=unknown
ENV VAENTK_COMMIT=${COMMIT}
LABEL org.opencontainers.image.title="vaentk" \
      org.opencontainers.image.description="Over-parameterised variational autoencoders: kernels, training dynamics, measures" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.revision="${COMMIT}"

ENTRYPOINT ["sh", "/vaentk/envs/entrypoint.sh"]
CMD ["--cores", "all"]
