# docker build -t pgtf .                                       for processors
# docker build -t pgtf:gpu --build-arg EXTRAS='[gpu]' .        for NVIDIA GPUs; run with --gpus=all
# docker run --rm -v "$PWD:/work" pgtf demo
FROM python:3.12-slim
ARG EXTRAS=
COPY . /pgtf
RUN pip install --no-cache-dir -c /pgtf/constraints-current.txt "/pgtf${EXTRAS}"
WORKDIR /work
ENTRYPOINT ["pgtf"]
