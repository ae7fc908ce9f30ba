# Two stages: what builds does not ship, and what ships runs as nobody in particular.
FROM python:3.12-slim AS build
RUN python -m venv /opt/hallpass
ENV PATH=/opt/hallpass/bin:$PATH
WORKDIR /build
COPY requirements.txt .
RUN pip install --no-cache-dir --no-deps --require-hashes -r requirements.txt
COPY pyproject.toml README.md ./
COPY app app
COPY migrations migrations
COPY schema schema
RUN pip install --no-cache-dir --no-deps --no-build-isolation . && pip uninstall --yes setuptools pip

FROM python:3.12-slim
RUN apt-get update && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 \
    fonts-dejavu-core && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/hallpass hallpass
COPY --from=build /opt/hallpass /opt/hallpass
ENV PATH=/opt/hallpass/bin:$PATH HALLPASS_HOST=0.0.0.0 HALLPASS_DATA_DIR=/var/lib/hallpass
USER hallpass
WORKDIR /var/lib/hallpass
VOLUME /var/lib/hallpass
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=60s --retries=3 CMD ["python", "-c", \
    "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('HALLPASS_PORT', '8000') + '/health', timeout=4)"]
ENTRYPOINT ["hallpass"]
CMD ["serve"]
