# The service: a slim Python, a virtual environment with the wheel, a user without rights. No torch, no compiler, no pip.
#
#   docker build -f docker/service.Dockerfile -t lookalike .
#   docker build -f docker/service.Dockerfile -t lookalike:gpu --build-arg EXTRA=gpu --build-arg PINS=gpu .

FROM python:3.11-slim-bookworm AS build
ARG EXTRA=cpu
ARG PINS=serving
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
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels . \
 && python -m venv --without-pip /opt/lookalike \
 && pip --python /opt/lookalike/bin/python install --no-cache-dir \
      --constraint "requirements/${PINS}.txt" "$(ls /wheels/*.whl)[${EXTRA}]"

FROM python:3.11-slim-bookworm
RUN groupadd --gid 10001 lookalike \
 && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin lookalike \
 && install --directory --owner=10001 --group=10001 --mode=0700 /data
COPY --from=build /opt/lookalike /opt/lookalike
ENV PATH=/opt/lookalike/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    LOOKALIKE_DATA=/data
USER 10001:10001
WORKDIR /data
VOLUME /data
EXPOSE 8000
# Loopback inside the container unless LOOKALIKE_HOST says otherwise: docker-compose.yml does.
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["python", "-c", "\
import os, urllib.request as request; \
request.urlopen(f\"http://127.0.0.1:{os.environ.get('LOOKALIKE_PORT', '8000')}/health/ready\", timeout=2)"]
ENTRYPOINT ["lookalike"]
CMD ["serve"]
