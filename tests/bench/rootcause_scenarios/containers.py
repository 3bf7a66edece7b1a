"""Mechanisms that break containers: images, configuration, crashes, probes.

Wordings are those of kubelet, scheduler, runtimes and applications of several years; sources stand beside them.
"""

from __future__ import annotations

from tests.bench.rootcause_scenarios.kit import Answer, deployment, http, mechanism, victim
from tests.bench.rootcause_scenarios.topologies import Estate
from tests.unit.rootcause.builders import Cluster

# Images


def _pull(c: Cluster, e: Estate, text: str) -> None:
    ill = victim(c, e, image="quay.example.org/team/app:7")
    ill.waiting("ImagePullBackOff", 'Back-off pulling image "quay.example.org/team/app:7"')
    ill.reported("Failed", f'Failed to pull image "quay.example.org/team/app:7": {text}')
    ill.reported("Failed", "Error: ErrImagePull")


@mechanism(needs="events")
def image_gone_from_quay(c: Cluster, e: Estate) -> Answer:
    # UKHomeOffice/kb8or issue 68
    _pull(
        c,
        e,
        (
            "image pull failed for quay.example.org/team/app:7, details: (Tag 7 not "
            "found in repository quay.example.org/team/app)"
        ),
    )
    return deployment(e), "image_not_found"


@mechanism(needs="events")
def image_gone_from_artifactory(c: Cluster, e: Estate) -> Answer:
    _pull(
        c,
        e,
        (
            "rpc error: code = NotFound desc = failed to pull and unpack image: failed to "
            "resolve reference: quay.example.org/team/app:7: not found"
        ),
    )
    return deployment(e), "image_not_found"


@mechanism(needs="events")
def image_login_expired(c: Cluster, e: Estate) -> Answer:
    # kubernetes issue 110675
    _pull(
        c,
        e,
        (
            "failed to resolve reference: pulling from host quay.example.org failed "
            "with status code [manifests 7]: 401 Unauthorized"
        ),
    )
    return deployment(e), "image_pull_auth"


@mechanism(needs="events")
def image_token_refused(c: Cluster, e: Estate) -> Answer:
    # kastenhq/kubestr issue 66
    _pull(
        c,
        e,
        (
            "rpc error: code = Unknown desc = error pulling image configuration: denied: "
            "unauthenticated: User cannot be authenticated with the token provided."
        ),
    )
    return deployment(e), "image_pull_auth"


@mechanism(needs="events")
def registry_proxy_down(c: Cluster, e: Estate) -> Answer:
    _pull(
        c,
        e,
        (
            'failed to do request: Head "https://quay.example.org/v2/team/app/manifests/7": '
            "proxyconnect tcp: dial tcp 10.4.4.4:3128: connect: connection refused"
        ),
    )
    return deployment(e), "registry_dns_or_network"


@mechanism(needs="events")
def registry_name_unresolved(c: Cluster, e: Estate) -> Answer:
    _pull(
        c,
        e,
        (
            "Error response from daemon: Get https://quay.example.org/v2/: dial tcp: lookup "
            "quay.example.org: Temporary failure in name resolution"
        ),
    )
    return deployment(e), "registry_dns_or_network"


# Configuration


@mechanism()
def settings_renamed(c: Cluster, e: Estate) -> Answer:
    victim(c, e, envFrom=[{"configMapRef": {"name": "runtime-settings"}}]).waiting(
        "CreateContainerConfigError", 'configmap "runtime-settings" not found'
    )
    return deployment(e), "missing_configmap"


@mechanism()
def settings_volume_absent(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e).having(volumes=[{"name": "conf", "configMap": {"name": "routes"}}]).waiting("ContainerCreating")
    ill.reported(
        "FailedMount",
        (
            "Unable to attach or mount volumes: unmounted volumes=[conf], unattached "
            "volumes=[conf kube-api-access-x]: timed out waiting for the condition"
        ),
    )
    return deployment(e), "missing_configmap"


@mechanism()
def key_file_absent(c: Cluster, e: Estate) -> Answer:
    victim(c, e).having(volumes=[{"name": "keys", "secret": {"secretName": "signing-keys"}}]).waiting(
        "ContainerCreating"
    )
    return deployment(e), "missing_secret"


@mechanism()
def password_key_renamed(c: Cluster, e: Estate) -> Answer:
    c.add("ConfigMap", e.where("db"), {"data": {"user": "a", "passwd": "b"}})
    env = [{"name": "PGPASSWORD", "valueFrom": {"configMapKeyRef": {"name": "db", "key": "password"}}}]
    victim(c, e, env=env).waiting("CreateContainerConfigError", f"couldn't find key password in ConfigMap {e.space}/db")
    return deployment(e), "missing_key_in_configmap_or_secret"


@mechanism()
def entrypoint_typo(c: Cluster, e: Estate) -> Answer:
    text = (
        "failed to create shim task: OCI runtime create failed: runc create failed: unable to start container "
        'process: error during container init: exec: "/srv/strat.sh": stat /'
        "srv/strat.sh: no such file or directory: unknown"
    )
    victim(c, e, command=["/srv/strat.sh"]).crashing(127, "StartError", message=text)
    return deployment(e), "bad_command"


# Crashes


@mechanism()
def cache_outgrows_limit(c: Cluster, e: Estate) -> Answer:
    victim(c, e, resources={"limits": {"memory": "192Mi"}}).crashing(137, "OOMKilled", log="warming cache: 81 %\n")
    return deployment(e), "oom_killed"


@mechanism(needs="logs")
def unhandled_rejection(c: Cluster, e: Estate) -> Answer:
    log = (
        "server starting\n/srv/node_modules/pg/lib/client.js:55\n            throw err\n            ^\n\n"
        "TypeError: this.pool.query is not a function\n    at Store.load (/srv/"
        "store.js:40:22)\n    at async main (/srv/index.js:9:3)\n\nNode.js v20.11.1"
    )
    victim(c, e).crashing(1, log=log)
    return deployment(e), "app_exception"


@mechanism(needs="logs")
def dotnet_exception(c: Cluster, e: Estate) -> Answer:
    log = (
        "Unhandled exception. System.FormatException: The input string 'twelve' was not in a correct "
        "format.\n   at System.Number.ThrowFormatException[TChar]()\n   at "
        "Triage.Program.Main(String[] args) in /src/Program.cs:line 14"
    )
    victim(c, e).crashing(134, log=log)
    return deployment(e), "app_exception"


@mechanism(needs="logs")
def kotlin_exception(c: Cluster, e: Estate) -> Answer:
    log = (
        "2026-03-04 11:58:01.512 ERROR 1 --- [main] o.s.boot.SpringApplication : Application run failed\n"
        "org.springframework.beans.factory.BeanCreationException: Error creating bean with name 'routes'\n"
        "Caused by: java.lang.IllegalStateException: duplicate route /a\n\tat app.RoutesKt.main(Routes.kt:12)"
    )
    victim(c, e).crashing(1, log=log)
    return deployment(e), "app_exception"


@mechanism(needs="logs")
def variable_lost_laravel(c: Cluster, e: Estate) -> Answer:
    victim(c, e, env=[{"name": "APP_ENV", "value": "prod"}]).crashing(
        1, log="In Config.php line 12:\n  Required environment variable BILLING_ENDPOINT is missing\n"
    )
    return deployment(e), "missing_env_var"


@mechanism(needs="logs")
def variable_lost_go(c: Cluster, e: Estate) -> Answer:
    victim(c, e).crashing(2, log='{"level":"fatal","ts":1.7e9,"msg":"config: BILLING_ENDPOINT must be provided"}')
    return deployment(e), "missing_env_var"


@mechanism(needs="logs")
def variable_lost_mysql_image(c: Cluster, e: Estate) -> Answer:
    log = (
        "[Note] [Entrypoint]: Entrypoint script for MySQL Server started.\n[ERROR] [Entrypoint]: Database is "
        "uninitialized and password option is not specified\n    You need to specify one of the following as "
        "an environment variable:\n    - MYSQL_ROOT_PASSWORD\n    - MYSQL_ALLOW_EMPTY_PASSWORD\n"
    )
    victim(c, e).crashing(1, log=log)
    return deployment(e), "missing_env_var"


@mechanism()
def migration_fails(c: Cluster, e: Estate) -> Answer:
    victim(c, e).crashing(3, init="schema", log='applying 0007_rooms\nERROR: column "bed" already exists\n')
    return deployment(e), "init_container_crash"


# Probes


@mechanism()
def liveness_on_metrics_port(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, livenessProbe=http(9999), readinessProbe=http(e.port)).crashing(
        143, log=f"listening on 0.0.0.0:{e.port}\ngot SIGTERM, bye\n"
    )
    # wording of kubelets before 1.19
    ill.reported(
        "Unhealthy",
        "Liveness probe failed: Get http://10.1.0.3:9999/live: dial tcp 10.1.0.3:9999: getsockopt: connection refused",
    )
    return deployment(e), "liveness_wrong_port"


@mechanism()
def liveness_port_name_gone(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, livenessProbe=http("http-wh-metrics")).crashing(137)
    # mconfalonieri/external-dns-hetzner-webhook issue 33
    ill.reported("Unhealthy", 'Liveness probe errored: strconv.Atoi: parsing "http-wh-metrics": invalid syntax')
    return deployment(e), "liveness_wrong_port"


@mechanism()
def readiness_on_old_port(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, readinessProbe={"tcpSocket": {"port": 8443}}).not_ready()
    ill.reported("Unhealthy", "Readiness probe failed: dial tcp 10.1.0.3:8443: connect: connection refused")
    return deployment(e), "readiness_wrong_port"


@mechanism(needs="events")
def liveness_speaks_tls(c: Cluster, e: Estate) -> Answer:
    probe = {"httpGet": {"path": "/live", "port": e.port, "scheme": "HTTPS"}}
    ill = victim(c, e, livenessProbe=probe).crashing(137)
    ill.reported(
        "Unhealthy",
        f'Liveness probe failed: Get "https://10.1.0.3:{e.port}/live": http: server gave HTTP response to HTTPS client',
    )
    return deployment(e), "liveness_wrong_protocol"


@mechanism(needs="events")
def readiness_speaks_http_to_grpc(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, readinessProbe=http(e.port)).not_ready()
    ill.reported(
        "Unhealthy",
        (
            f'Readiness probe failed: Get "http://10.1.0.3:{e.port}/live": net/http: HTTP/1.x transport connection '
            'broken: malformed HTTP response "\\x00\\x00\\x06\\x04"'
        ),
    )
    return deployment(e), "readiness_wrong_protocol"


@mechanism(needs="events")
def slow_start_is_killed(c: Cluster, e: Estate) -> Answer:
    ill = victim(c, e, livenessProbe=http(e.port, initialDelaySeconds=3, periodSeconds=3, failureThreshold=2)).crashing(
        143, log="compiling templates (31/240)\n"
    )
    ill.reported(
        "Unhealthy",
        (
            f'Liveness probe failed: Get "http://10.1.0.3:{e.port}/live": dial tcp '
            f"10.1.0.3:{e.port}: connect: connection refused"
        ),
    )
    ill.reported("Killing", f"Container {e.victim} failed liveness probe, will be restarted", type_="Normal")
    return deployment(e), "liveness_too_aggressive"
