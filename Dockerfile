# vaentk in a container: the default configuration runs without a network.
#
#   docker build --build-arg COMMIT=$(git rev-parse HEAD) --tag vaentk .
#   docker run --rm --volume "$PWD/results:/vaentk/results" --user "$(id -u):$(id -g)" vaentk
#   docker run ... vaentk --cores 8 --configfile config/paper.yaml
#
# BASE may be any image with Python >= 3.11, its venv module and glibc >= 2.28. The digest is a multi-platform
# index (amd64, arm64) of the tag before it; to move on: docker buildx imagetools inspect python:3.12-slim-bookworm
ARG BASE=python:3.12-slim-bookworm@sha256:54c85f3c47607a77f32adec749d3c81d1348bf25833671f512b26a9b6d778cb3
FROM ${BASE}

WORKDIR /vaentk
ENV VIRTUAL_ENV=/opt/venv \
    PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1

# The lock before the code: a change of code does not install torch again.
COPY envs/installer.lock envs/requirements.lock envs/
RUN python3 -m venv "$VIRTUAL_ENV" \
    && python -m pip install --quiet --no-cache-dir --require-hashes -r envs/installer.lock \
    && uv pip sync --no-cache --compile-bytecode --require-hashes envs/requirements.lock

COPY . .
RUN uv pip install --no-cache --no-deps --no-build-isolation --editable .

# Snakemake writes .snakemake and results here and caches at home. Both stay writable for whichever user
# `docker run --user` names, so that results on a mounted folder belong to the person who runs it.
RUN useradd --create-home --uid 1000 vaentk \
    && mkdir results \
    && chmod 1777 . results /home/vaentk
USER vaentk
ENV HOME=/home/vaentk \
    USER=vaentk
VOLUME /vaentk/results

# There is no .git here, so provenance takes the commit from this.
ARG COMMIT=unknown
ENV VAENTK_COMMIT=${COMMIT}

ENTRYPOINT ["snakemake"]
CMD ["--cores", "all"]
