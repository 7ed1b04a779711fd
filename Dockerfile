# Airflow with identity-ops and without torch: api-server, scheduler, DAG processor, triggerer and
# the default worker. training/Dockerfile is the GPU worker.
FROM python:3.11-slim-bookworm

RUN apt-get update \
    && apt-get install --yes --no-install-recommends curl dumb-init \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 50000 airflow \
    && install --directory --owner airflow /opt/airflow /opt/airflow/logs /var/lib/identity-ops

WORKDIR /opt/identity-ops
COPY requirements requirements
# airflow,kubernetes,s3 for the KubernetesExecutor.
ARG EXTRAS=airflow,celery,s3
COPY pyproject.toml README.md LICENSE ./
COPY identity_ops identity_ops
COPY training training
COPY knowledge knowledge
COPY dags dags
COPY plugins plugins
COPY deploy/kubernetes deploy/kubernetes
RUN pip install --no-cache-dir --constraint requirements/lock.txt --editable ".[${EXTRAS}]"

ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/identity-ops/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/identity-ops/plugins \
    PYTHONUNBUFFERED=1
USER airflow
WORKDIR /opt/airflow
ENTRYPOINT ["dumb-init", "--"]
