# ruff: noqa: E501  (messages stand as kubelets, runtimes and applications write them)
"""Configuration that is absent, wrong or not permitted: modes 6 to 8, 11 to 14, 32, 34."""

from __future__ import annotations

from typing import Any

from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import at
from tests.bench.rootcause_scenarios.topologies import OBSERVATORY

# Absent objects and keys


@incident("missing_configmap", refs=("ConfigMap tide-tables",))
def environment_from_a_deleted_configmap(s: Scene) -> None:
    s.victim(c={"envFrom": [{"configMapRef": {"name": "tide-tables"}}]}).waiting(
        "CreateContainerConfigError", 'configmap "tide-tables" not found')  # fmt: skip
    s.app.event("Failed", 'Error: configmap "tide-tables" not found', count=40)


@incident("missing_configmap", refs=("ConfigMap tide-tables",))
def mounted_configmap_of_the_wrong_namespace(s: Scene) -> None:
    other = s.topology.casts[1].space
    s.d.add("ConfigMap", other, "tide-tables", {"data": {"a": "1"}})
    s.victim(spec={"volumes": [{"name": "tables", "configMap": {"name": "tide-tables"}}]}).creating()
    s.app.event(
        "FailedMount", 'MountVolume.SetUp failed for volume "tables" : configmap "tide-tables" not found', count=19
    )


@incident(
    "missing_configmap",
    words="timed out waiting for the condition",
    source="kubernetes pkg/kubelet/volumemanager",
    refs=("ConfigMap tide-tables",),
)
def volumes_time_out_and_the_configmap_is_not_there(s: Scene) -> None:
    s.victim(spec={"volumes": [{"name": "tables", "configMap": {"name": "tide-tables"}}]}).creating()
    s.app.event(
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[tables], unattached volumes=[tables kube-api-access-9x2lk]: timed out waiting for the condition",
        count=8,
    )


@incident("missing_secret", refs=("Secret pilot-token",))
def variable_of_an_absent_secret(s: Scene) -> None:
    ref = {"secretKeyRef": {"name": "pilot-token", "key": "value"}}
    s.victim(c={"env": [{"name": "PILOT_TOKEN", "valueFrom": ref}]}).waiting(
        "CreateContainerConfigError", 'secret "pilot-token" not found'
    )
    s.app.event("Failed", 'Error: secret "pilot-token" not found', count=40)


@incident(
    "missing_secret",
    topology=OBSERVATORY,
    words="list of unmounted volumes=[pilot-cert]",
    source="kubernetes 1.1x pkg/kubelet/kubelet.go",
    refs=("Secret pilot-cert",),
)
def secret_volume_never_mounts(s: Scene) -> None:
    s.victim(
        kind="StatefulSet", spec={"volumes": [{"name": "pilot-cert", "secret": {"secretName": "pilot-cert"}}]}
    ).creating()
    s.app.event(
        "FailedMount",
        "Unable to mount volumes for pod: timeout expired waiting for volumes to attach or mount for pod. list of unmounted volumes=[pilot-cert]. list of unattached volumes=[pilot-cert default-token-8bxkw]",
        count=6,
    )


@incident("missing_secret", refs=("Secret pilot-token",))
def init_container_needs_an_absent_secret(s: Scene) -> None:
    init = [
        {
            "name": "fetch",
            "image": "docker.io/library/busybox:1.36",
            "envFrom": [{"secretRef": {"name": "pilot-token"}}],
        }
    ]
    s.victim(init=init).waiting("CreateContainerConfigError", 'secret "pilot-token" not found', container="init")
    s.app.event("Failed", 'Error: secret "pilot-token" not found', count=40)


@incident("missing_key_in_configmap_or_secret", refs=("ConfigMap tide-tables",))
def key_renamed_in_configmap(s: Scene) -> None:
    s.d.add("ConfigMap", s.space, "tide-tables", {"data": {"log_level": "info"}})
    ref = {"configMapKeyRef": {"name": "tide-tables", "key": "LOG_LEVEL"}}
    text = f"couldn't find key LOG_LEVEL in ConfigMap {s.space}/tide-tables"
    s.victim(c={"env": [{"name": "LOG_LEVEL", "valueFrom": ref}]}).waiting("CreateContainerConfigError", text)
    s.app.event("Failed", f"Error: {text}", count=33)


@incident(
    "missing_key_in_configmap_or_secret",
    words="references non-existent secret key",
    source="kubernetes pkg/volume/secret/secret.go",
    refs=("Secret pilot-cert",),
)
def secret_volume_names_an_absent_key(s: Scene) -> None:
    s.d.secret(s.space, "pilot-cert", ("tls.crt", "tls.key"))
    volume = {"name": "cert", "secret": {"secretName": "pilot-cert", "items": [{"key": "ca.crt", "path": "ca.crt"}]}}
    s.victim(spec={"volumes": [volume]}).creating()
    s.app.event(
        "FailedMount",
        'MountVolume.SetUp failed for volume "cert" : references non-existent secret key: ca.crt',
        count=21,
    )


@incident(
    "missing_key_in_configmap_or_secret",
    words="references non-existent config key",
    source="kubernetes pkg/volume/configmap/configmap.go",
    refs=("ConfigMap tide-tables",),
)
def configmap_volume_names_an_absent_key(s: Scene) -> None:
    s.d.add("ConfigMap", s.space, "tide-tables", {"data": {"tables.yml": "a: 1"}})
    volume = {
        "name": "tables",
        "configMap": {"name": "tide-tables", "items": [{"key": "tables.yaml", "path": "t.yaml"}]},
    }
    s.victim(spec={"volumes": [volume]}).creating()
    s.app.event(
        "FailedMount",
        'MountVolume.SetUp failed for volume "tables" : references non-existent config key: tables.yaml',
        count=21,
    )


# Init containers

INIT_CRASHES = (
    ("golang_migrate_dirty", 1, "error: Dirty database version 41. Fix and force version.\n", "Dirty database version 41. Fix and force", "golang-migrate/migrate migrate.go"),
    ("rails_concurrent_migration", 1, "rake aborted!\nActiveRecord::ConcurrentMigrationError: Cannot run migrations because another migration process is currently running.\n", "another migration process is currently running", "rails activerecord/lib/active_record/migration.rb"),
    ("flyway_validation", 1, "Flyway Community Edition 10.15.0 by Redgate\nERROR: Validate failed: Migrations have failed validation\nMigration checksum mismatch for migration version 41\n-> Applied to database : 1824711\n-> Resolved locally    : -99121\n", "Migrations have failed validation", "flyway/flyway core internal/command/DbValidate.java"),
    ("alembic_revision", 255, "INFO  [alembic.runtime.migration] Context impl PostgresqlImpl.\nERROR [alembic.util.messaging] Can't locate revision identified by '3f1a77c0'\nFAILED: Can't locate revision identified by '3f1a77c0'\n", "Can't locate revision identified by", "sqlalchemy/alembic alembic/script/revision.py"),
    ("liquibase_lock", 1, "Liquibase Version: 4.28.0\nUnexpected error running Liquibase: Could not acquire change log lock.  Currently locked by plate-7 (10.2.3.4) since 3/13/25 11:02 PM\n", "Could not acquire change log lock", "liquibase lockservice/StandardLockService.java"),
)  # fmt: skip


def _init(code: int, log: str) -> Any:
    def build(s: Scene) -> None:
        s.victim(init=[{"name": "migrate", "image": s.image("migrations")}])
        s.crash(code, log, container="init")

    return build


for _name, _code, _log, _words, _source in INIT_CRASHES:
    incident("init_container_crash", words=_words, source=_source, name=_name)(_init(_code, _log))

INIT_HANGS = (
    ("busybox_cannot_resolve", "nslookup: can't resolve 'mirror-lock.vendor.example'\nwaiting for mirror-lock\n" * 30, "nslookup: can't resolve", "busybox networking/nslookup.c"),
    ("dockerize_waits", "2025/03/14 09:28:52 Waiting for: tcp://vault.vendor.example:8200\n2025/03/14 09:28:53 Problem with dial: dial tcp 203.0.113.40:8200: i/o timeout. Sleeping 1s\n" * 20, "Problem with dial", "jwilder/dockerize main.go"),
    ("wait_for_a_marker_file", "[wait] /handover/ready not there yet, 1260 s\n[wait] /handover/ready not there yet, 1265 s\n" * 12, "not there yet", "a shell loop"),
)  # fmt: skip


def _hang(log: str) -> Any:
    def build(s: Scene) -> None:
        app = s.victim(
            init=[
                {"name": "wait-first", "image": "docker.io/library/busybox:1.36", "command": ["sh", "-c", "/wait.sh"]}
            ]
        )
        app.waiting("PodInitializing", container=0)
        for pod, status in app.statuses("init"):
            status.update(ready=False, started=True, state={"running": {"startedAt": at(44)}})
            pod["status"]["phase"] = "Pending"
            for c in pod["status"]["conditions"]:
                if c["type"] == "Initialized":
                    c.update(status="False", reason="ContainersNotInitialized")
            app.log(log, pod=pod, container="wait-first")

    return build


for _name, _log, _words, _source in INIT_HANGS:
    incident("init_container_hang", words=_words, source=_source, name=_name)(_hang(_log))

# Permissions of volumes and users

DENIED = (
    ("jenkins_wrong_volume_permissions", 1, "touch: cannot touch '/var/jenkins_home/copy_reference_file.log': Permission denied\nCan not write to /var/jenkins_home/copy_reference_file.log. Wrong volume permissions?\n", "/var/jenkins_home", "Wrong volume permissions?", "jenkinsci/docker jenkins.sh"),
    ("prometheus_query_log", 2, 'ts=2025-03-14T09:28:44.120Z caller=query_logger.go:113 level=error component=activeQueryTracker msg="Failed to create directory for logging active queries"\npanic: Unable to create mmap-ed active query log\n\ngoroutine 1 [running]:\ngithub.com/prometheus/prometheus/promql.NewActiveQueryTracker({0x7ffd, 0xb})\nopen /prometheus/queries.active: permission denied\n', "/prometheus", "Unable to create mmap-ed active query log", "prometheus promql/query_logger.go"),
    ("bitnami_mkdir", 1, "postgresql 09:28:44.01 INFO  ==> ** Starting PostgreSQL setup **\nmkdir: cannot create directory '/bitnami/postgresql/data': Permission denied\n", "/bitnami/postgresql", "mkdir: cannot create directory", "GNU coreutils mkdir.c"),
    ("postgres_chmod", 1, 'initdb: error: could not change permissions of directory "/var/lib/postgresql/data": Operation not permitted\nfixing permissions on existing directory /var/lib/postgresql/data ... \n', "/var/lib/postgresql", "could not change permissions of directory", "postgres src/bin/initdb/initdb.c"),
    ("grafana_not_writable", 1, "GF_PATHS_DATA='/var/lib/grafana' is not writable.\nYou may have issues with file permissions, more information here: http://docs.grafana.org/installation/docker/#migrate-to-v51-or-later\n", "/var/lib/grafana", "GF_PATHS_DATA='/var/lib/grafana' is not writable", "grafana packaging/docker/run.sh"),
    ("elasticsearch_node_lock", 1, 'uncaught exception in thread [main]\njava.lang.IllegalStateException: failed to obtain node locks, tried [/usr/share/elasticsearch/data]; maybe these locations are not writable or multiple nodes were started on the same data path?\nLikely root cause: java.nio.file.AccessDeniedException: /usr/share/elasticsearch/data/node.lock\n\tat java.base/sun.nio.fs.UnixException.translateToIOException(UnixException.java:90)\n', "/usr/share/elasticsearch/data", "java.nio.file.AccessDeniedException", "OpenJDK sun.nio.fs.UnixException"),
)  # fmt: skip


def _denied(code: int, log: str, path: str) -> Any:
    def build(s: Scene) -> None:
        s.d.bound_claim(s.space, "vault-disk")
        s.victim(kind="StatefulSet", replicas=1, c={"volumeMounts": [{"name": "disk", "mountPath": path}]},
                 spec={"volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": "vault-disk"}}],
                       "securityContext": {"runAsUser": 1001}})  # fmt: skip
        s.crash(code, log)

    return build


for _name, _code, _log, _path, _words, _source in DENIED:
    incident(
        "volume_permission_denied", needs="logs", near=("app_exception",), words=_words, source=_source, name=_name
    )(_denied(_code, _log, _path))

USERS = (
    ("root_image_and_non_root_policy", {"runAsNonRoot": True}, "CreateContainerConfigError", "container has runAsNonRoot and image will run as root (pod: \"{pod}_{ns}(5b1d)\", container: {app})", ""),
    ("user_name_cannot_be_verified", {"runAsNonRoot": True}, "CreateContainerConfigError", "container has runAsNonRoot and image has non-numeric user (solver), cannot verify user is non-root (pod: \"{pod}_{ns}(5b1d)\", container: {app})", ""),
    ("run_as_user_zero_breaks_policy", {"runAsNonRoot": True, "runAsUser": 0}, "CreateContainerConfigError", "container's runAsUser breaks non-root policy (pod: \"{pod}_{ns}(5b1d)\", container: {app})", "runAsUser breaks non-root policy"),
    ("group_without_a_user", {"runAsGroup": 4242}, "CreateContainerError", 'failed to create containerd container: failed to generate user string: user group "4242" is specified without user', "is specified without user"),
    ("seccomp_profile_absent", {"seccompProfile": {"type": "Localhost", "localhostProfile": "solver.json"}}, "CreateContainerError", 'failed to create containerd container: cannot load seccomp profile "/var/lib/kubelet/seccomp/solver.json": open /var/lib/kubelet/seccomp/solver.json: no such file or directory', "cannot load seccomp profile"),
)  # fmt: skip


def _user(context: dict[str, Any], reason: str, text: str) -> Any:
    def build(s: Scene) -> None:
        app = s.victim(c={"securityContext": context})
        for pod in app.pods:
            told = text.format(pod=pod["metadata"]["name"], ns=s.space, app=s.name)
            app.waiting(reason, told, pods=[pod])
            s.d.event(pod, "Failed", f"Error: {told}", count=28, first=app.age)

    return build


for _name, _context, _reason, _text, _words in USERS:
    incident(
        "security_context_invalid",
        words=_words or (),
        source="kubernetes pkg/kubelet/kuberuntime/security_context.go; containerd internal/cri/server",
        name=_name,
    )(_user(_context, _reason, _text))

# Variables

VARIABLES = (
    ("pydantic_field_required", "CARGO_KEY", 1, "pydantic_core._pydantic_core.ValidationError: 1 validation error for Settings\ncargo_key\n  Field required [type=missing, input_value={}, input_type=dict]\n    For further information visit https://errors.pydantic.dev/2.7/v/missing\n", "Field required [type=missing"),
    ("django_environ_set_the", "CARGO_KEY", 1, "django.core.exceptions.ImproperlyConfigured: Set the CARGO_KEY environment variable\n", "ImproperlyConfigured: Set the CARGO_KEY"),
    ("spring_placeholder", "CARGO_KEY", 1, "org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'cargo'\nCaused by: java.lang.IllegalArgumentException: Could not resolve placeholder 'CARGO_KEY' in value \"${CARGO_KEY}\"\n\tat org.springframework.util.PropertyPlaceholderHelper.parseStringValue(PropertyPlaceholderHelper.java:180)\n", ""),
    ("phoenix_secret_key", "SECRET_KEY_BASE", 1, "ERROR! Config provider Config.Reader failed with:\n** (RuntimeError) environment variable SECRET_KEY_BASE is missing.\nYou can generate one by calling: mix phx.gen.secret\n    /app/releases/0.1.0/runtime.exs:31: (file)\n", "You can generate one by calling"),
    ("caarlos0_required", "CARGO_KEY", 1, 'panic: env: required environment variable "CARGO_KEY" is not set\n\ngoroutine 1 [running]:\nmain.main()\n\t/src/main.go:21 +0x1c5\n', "env: required environment variable"),
    ("ruby_fetch", "CARGO_KEY", 1, "/app/config/boot.rb:9:in `fetch': key not found: \"CARGO_KEY\" (KeyError)\n\tfrom /app/config/boot.rb:9:in `<top (required)>'\n", "key not found: \"CARGO_KEY\""),
    ("mysql_root_password", "MYSQL_ROOT_PASSWORD", 1, "2025-03-14 09:27:58+00:00 [ERROR] [Entrypoint]: Database is uninitialized and password option is not specified\n    You need to specify one of the following as an environment variable:\n    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n    - MYSQL_RANDOM_ROOT_PASSWORD\n", "password option is not specified"),
)  # fmt: skip


VARIABLE_SOURCES = {
    "spring_placeholder": "spring-framework PropertyPlaceholderHelper.java",
    "phoenix_secret_key": "phoenix config/runtime.exs of its installer",
    "caarlos0_required": "caarlos0/env error.go",
    "ruby_fetch": "Ruby env.c, KeyError",
    "mysql_root_password": "docker-library/mysql docker-entrypoint.sh",
    "pydantic_field_required": "pydantic errors, missing",
    "django_environ_set_the": "joke2k/django-environ environ.py",
}


def _variable(code: int, log: str) -> Any:
    def build(s: Scene) -> None:
        s.victim(c={"env": [{"name": "LOG_LEVEL", "value": "info"}]})
        s.crash(code, log)

    return build


for _name, _variable_name, _code, _log, _words in VARIABLES:
    incident(
        "missing_env_var",
        needs="logs",
        near=("app_exception",),
        words=_words or (),
        source=VARIABLE_SOURCES[_name],
        name=_name,
    )(_variable(_code, _log))


# Shadowed variables


def _shadow(env: list[dict[str, Any]], env_from: list[dict[str, Any]], log: str, *, kind: str = "Deployment") -> Any:
    def build(s: Scene) -> None:
        s.d.add(
            "ConfigMap",
            s.space,
            "common-env",
            {"data": {"QUEUE_URL": "amqp://quay-main.vendor.example:5672", "MODE": "live"}},
        )
        s.victim(kind=kind, c={"env": env, "envFrom": env_from})
        s.crash(1, log)

    return build


_QUEUE = 'level=error msg="cannot start" err="dial tcp 127.0.0.1:5672: connect: connection refused" queue=amqp://127.0.0.1:5672\n'
incident("env_shadowed", needs="logs", near=("app_exception", "dependency_unreachable", "env_var_wrong_address"), name="same_variable_twice_the_later_wins",
         words='msg="cannot start"', source="Go net dial error in a logfmt line")(
    _shadow([{"name": "QUEUE_URL", "value": "amqp://quay-main.vendor.example:5672"}, {"name": "QUEUE_URL", "value": "amqp://127.0.0.1:5672"}], [], _QUEUE))  # fmt: skip
incident(
    "env_shadowed",
    needs="logs",
    near=("app_exception", "dependency_unreachable", "env_var_wrong_address"),
    name="variable_hides_the_one_of_its_configmap",
)(
    _shadow(
        [{"name": "QUEUE_URL", "value": "amqp://127.0.0.1:5672"}], [{"configMapRef": {"name": "common-env"}}], _QUEUE
    )
)
incident(
    "env_shadowed",
    needs="logs",
    near=("app_exception",),
    name="mode_set_twice",
    words="refusing to run with MODE=",
    source="an application's own check",
)(
    _shadow(
        [{"name": "MODE", "value": "live"}, {"name": "MODE", "value": "dry-run"}],
        [],
        "fatal: refusing to run with MODE=dry-run while a live store is mounted\n",
        kind="StatefulSet",
    )
)
