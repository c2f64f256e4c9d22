# Training on an NVIDIA GPU. The base image holds only what the driver needs: torch's own wheels bring CUDA's libraries.
#
#   docker compose run --rm training lookalike train --help

FROM nvidia/cuda:13.0.1-base-ubuntu24.04
# hadolint ignore=DL3008  # Ubuntu keeps only the newest security release of a package, so a pin would break the build
RUN apt-get update \
 && apt-get install --yes --no-install-recommends python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /src
COPY requirements requirements
COPY pyproject.toml README.md LICENSE ./
COPY faces faces
COPY index index
COPY training training
COPY service service
COPY cli cli
COPY client client
COPY studies studies
COPY samples samples
COPY encoders encoders
RUN python3 -m venv /opt/lookalike \
 && /opt/lookalike/bin/pip install --no-cache-dir --constraint requirements/dev.txt '.[cpu,train]' \
 && groupadd --gid 10001 lookalike \
 && useradd --uid 10001 --gid 10001 --create-home lookalike \
 && install --directory --owner=10001 --group=10001 /photos /runs
ENV PATH=/opt/lookalike/bin:$PATH \
    PYTHONUNBUFFERED=1
USER 10001:10001
WORKDIR /runs
CMD ["lookalike", "train", "--help"]
