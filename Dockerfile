# The image of every part of the engine: `hightide beat`, `hightide worker`, `python -m worker.migrate`.
ARG PYTHON=3.12

FROM python:${PYTHON}-slim AS wheel
WORKDIR /source
COPY requirements-build.lock ./
RUN pip install --no-cache-dir --require-hashes -r requirements-build.lock
COPY pyproject.toml README.md LICENSE ./
COPY console ./console
COPY worker ./worker
COPY config ./config
COPY triggers ./triggers
COPY actions ./actions
COPY connections ./connections
COPY sandbox ./sandbox
COPY examples ./examples
RUN pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /dist .

FROM python:${PYTHON}-slim
# The project's folder is the current one, and its names must never hide ours: `config`, `worker`.
ENV PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1 \
    HIGHTIDE_PROJECT=/project
COPY requirements.lock /tmp/
RUN pip install --no-cache-dir --require-hashes -r /tmp/requirements.lock && rm /tmp/requirements.lock
COPY --from=wheel /dist/ /tmp/dist/
RUN pip install --no-cache-dir --no-deps /tmp/dist/*.whl && rm -r /tmp/dist
RUN useradd --uid 10001 --no-create-home --shell /usr/sbin/nologin hightide \
    && install --directory --owner=hightide /project /state
USER 10001
WORKDIR /project
# The ledger has heard of a beat or worker in this container within the last half minute.
HEALTHCHECK --interval=30s --timeout=15s --start-period=60s --retries=3 CMD ["python", "-m", "worker.health"]
STOPSIGNAL SIGTERM
CMD ["hightide", "run"]
