# One image for every part: `serve` by default, `nurture worker` beside it where there is more to send.
FROM python:3.12-slim AS wheel
WORKDIR /src
COPY pyproject.toml README.md ./
COPY nurture nurture
COPY api api
COPY templates templates
COPY sequences sequences
COPY trades trades
RUN pip wheel --no-cache-dir --no-deps --wheel-dir /wheels .

FROM python:3.12-slim
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 NURTURE_DATA_DIR=/data
RUN useradd --system --uid 10001 --home-dir /data --create-home nurture
COPY constraints.txt /tmp/constraints.txt
RUN --mount=type=bind,from=wheel,source=/wheels,target=/wheels \
    pip install --no-cache-dir --constraint /tmp/constraints.txt "$(echo /wheels/nurture-*.whl)[postgres]"
USER nurture
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health/ready', timeout=2)"]
CMD ["nurture", "serve", "--host", "0.0.0.0"]
