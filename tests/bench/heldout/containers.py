# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Incidents that show in a container: image pulls, configuration, crashes."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault, fault
from tests.bench.heldout.dump import DAY, Dump
from tests.bench.heldout.props import pull

case = FIRST.case


# Images


@case("incident")
def ecr_tag_that_was_never_pushed(d: Dump) -> list[Fault]:
    """ECR answers not found for the tag, the old revision still serves: a wrong tag in the rollout."""
    image = "849211370042.dkr.ecr.eu-west-1.amazonaws.com/checkout/pricing:v3.18.0-rc2"
    a = d.app("checkout", "pricing", replicas=3, age=6 * DAY)
    a.new_revision({"image": image})
    pull(
        a,
        f'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found',
        "ImagePullBackOff",
    )
    return [fault("image_not_found", "Deployment checkout/pricing")]


@case("incident", "openshift", "v1.29.11+ef2a55c")
def crio_manifest_unknown(d: Dump) -> list[Fault]:
    """CRI-O words a missing tag as reading manifest ... manifest unknown."""
    image = "image-registry.openshift-image-registry.svc:5000/billing/rater:latest-prod"
    a = d.app("billing", "rater", c={"image": image})
    pull(
        a,
        "rpc error: code = Unknown desc = reading manifest latest-prod in image-registry.openshift-image-registry.svc:5000/billing/rater: manifest unknown",
    )
    return [fault("image_not_found", "Deployment billing/rater")]


@case("incident", "k3s", "v1.24.17+k3s1", 1)
def init_image_name_misspelt_in_daemonset(d: Dump) -> list[Fault]:
    """An init container of a DaemonSet names a repository that the registry does not have (quay, name unknown)."""
    a = d.app(
        "logging", "shipper", kind="DaemonSet", init=[{"name": "fix-perms", "image": "quay.io/acme/perm-fixr:1.0"}]
    )
    pull(
        a,
        'rpc error: code = NotFound desc = failed to pull and unpack image "quay.io/acme/perm-fixr:1.0": failed to resolve reference "quay.io/acme/perm-fixr:1.0": quay.io/acme/perm-fixr:1.0: not found',
        "ImagePullBackOff",
        container="init",
    )
    return [fault("image_not_found", "DaemonSet logging/shipper")]


@case("incident", "eks", "v1.30.4-eks-a737599")
def ecr_from_another_account(d: Dump) -> list[Fault]:
    """ECR of another account: 403 Forbidden when the token is exchanged; no pull secret could help but the policy can."""
    image = "310877624919.dkr.ecr.us-east-1.amazonaws.com/ml/embedder:1.4.2"
    a = d.app("ml", "embedder", c={"image": image})
    pull(
        a,
        f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": unexpected status from HEAD request to https://310877624919.dkr.ecr.us-east-1.amazonaws.com/v2/ml/embedder/manifests/1.4.2: 403 Forbidden',
    )
    return [fault("image_pull_auth", "Deployment ml/embedder")]


@case("incident", "kind", "v1.24.7")
def docker_daemon_no_basic_auth(d: Dump) -> list[Fault]:
    """The docker era wording of a private registry without credentials, in a CronJob's Job."""
    cron = d.app(
        "etl",
        "refresh",
        kind="CronJob",
        over={"spec": {"schedule": "*/30 * * * *"}, "status": {"lastScheduleTime": "2025-03-14T09:00:00Z"}},
    )
    a = d.app("etl", "refresh-29032140", kind="Job", owner=cron.obj, age=30, over={"status": {"active": 1, "startTime": "2025-03-14T09:00:00Z"}},
              c={"image": "registry.corp.example:5000/etl/refresh:88"}, spec={"restartPolicy": "Never"})  # fmt: skip
    pull(
        a,
        "rpc error: code = Unknown desc = Error response from daemon: Get https://registry.corp.example:5000/v2/etl/refresh/manifests/88: no basic auth credentials",
        "ImagePullBackOff",
    )
    return [fault("image_pull_auth", "CronJob etl/refresh", "Job etl/refresh-29032140")]


@case("incident", "gke", "v1.31.2-gke.1354000")
def artifact_registry_permission(d: Dump) -> list[Fault]:
    """GKE's node service account lacks artifactregistry.repositories.downloadArtifacts."""
    image = "europe-west4-docker.pkg.dev/acme-prod/apps/portal:5f3a1c"
    a = d.app("portal", "portal-web", c={"image": image})
    pull(
        a,
        f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to authorize: failed to fetch oauth token: unexpected status from GET request to https://europe-west4-docker.pkg.dev/v2/token?scope=repository%3Aacme-prod%2Fapps%2Fportal%3Apull&service=europe-west4-docker.pkg.dev: 403 Forbidden',
        "ImagePullBackOff",
    )
    return [fault("image_pull_auth", "Deployment portal/portal-web")]


@case("incident", "k3s", "v1.32.3+k3s1")
def registry_name_does_not_resolve(d: Dump) -> list[Fault]:
    """The mirror's name is unknown to the node's resolver."""
    image = "harbor.lan.example/library/postgres:16.2"
    a = d.app("data", "pg", kind="StatefulSet", replicas=1, c={"image": image})
    pull(
        a,
        f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to do request: Head "https://harbor.lan.example/v2/library/postgres/manifests/16.2": dial tcp: lookup harbor.lan.example on 127.0.0.53:53: no such host',
    )
    return [fault("registry_dns_or_network", "StatefulSet data/pg")]


@case("incident", "openshift", "v1.28.9+8ca3b3f")
def registry_behind_a_closed_firewall(d: Dump) -> list[Fault]:
    """CRI-O pinging the registry runs into a time-out: egress is blocked, not the image wrong."""
    a = d.app("intake", "parser", c={"image": "docker.io/acme/parser:2.2"})
    pull(
        a,
        'rpc error: code = Unknown desc = pinging container registry registry-1.docker.io: Get "https://registry-1.docker.io/v2/": dial tcp 54.236.113.205:443: i/o timeout',
        "ImagePullBackOff",
    )
    return [fault("registry_dns_or_network", "Deployment intake/parser")]


@case("incident")
def registry_port_is_closed(d: Dump) -> list[Fault]:
    """The registry's host refuses the connection: it is unreachable for the runtime, not an authorization problem."""
    image = "nexus.internal.example:8443/team/api:9"
    a = d.app("team", "api", c={"image": image})
    pull(
        a,
        f'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to do request: Head "https://nexus.internal.example:8443/v2/team/api/manifests/9": dial tcp 10.9.4.20:8443: connect: connection refused',
    )
    return [fault("registry_dns_or_network", "Deployment team/api")]


# Configuration


@case("incident", "gke", "v1.27.8-gke.1067004")
def env_from_configmap_that_is_gone(d: Dump) -> list[Fault]:
    """envFrom names a ConfigMap that the namespace does not have."""
    a = d.app("search", "indexer", c={"envFrom": [{"configMapRef": {"name": "indexer-env-v7"}}]})
    a.waiting("CreateContainerConfigError", 'configmap "indexer-env-v7" not found').event(
        "Failed", 'Error: configmap "indexer-env-v7" not found', count=90
    )
    return [fault("missing_configmap", "Deployment search/indexer")]


@case("incident", "k3s", "v1.33.1+k3s1", 2)
def projected_volume_needs_an_absent_configmap(d: Dump) -> list[Fault]:
    """A StatefulSet mounts a ConfigMap through a projected volume; it hangs in ContainerCreating with FailedMount."""
    vol = {"name": "conf", "projected": {"sources": [{"configMap": {"name": "kafka-broker-conf"}}]}}
    a = d.app(
        "stream",
        "broker",
        kind="StatefulSet",
        replicas=1,
        spec={"volumes": [vol]},
        c={"volumeMounts": [{"name": "conf", "mountPath": "/etc/kafka"}]},
    )
    a.creating().event(
        "FailedMount", 'MountVolume.SetUp failed for volume "conf" : configmap "kafka-broker-conf" not found', count=24
    )
    return [fault("missing_configmap", "StatefulSet stream/broker")]


@case("incident", "openshift", "v1.27.16+03a907c")
def secret_volume_absent_in_daemonset(d: Dump) -> list[Fault]:
    """Every pod of a DaemonSet waits for a Secret volume: kubelet's FailedMount and the older 'Unable to attach' text."""
    vol = {"name": "token", "secret": {"secretName": "agent-ingest-token"}}
    a = d.app(
        "apm",
        "agent",
        kind="DaemonSet",
        spec={"volumes": [vol]},
        c={"volumeMounts": [{"name": "token", "mountPath": "/token"}]},
    )
    a.creating().event(
        "FailedMount", 'MountVolume.SetUp failed for volume "token" : secret "agent-ingest-token" not found', count=19
    )
    a.event(
        "FailedMount",
        "Unable to attach or mount volumes: unmounted volumes=[token], unattached volumes=[token kube-api-access-8fzqd]: timed out waiting for the condition",
        count=8,
    )
    return [fault("missing_secret", "DaemonSet apm/agent")]


@case("incident", "eks", "v1.25.16-eks-2d5f260")
def sidecar_env_secret_absent(d: Dump) -> list[Fault]:
    """Only the sidecar's secretKeyRef names an absent Secret; the main container runs."""
    side = {
        "name": "cloud-sql-proxy",
        "env": [{"name": "CREDS", "valueFrom": {"secretKeyRef": {"name": "sql-proxy-sa", "key": "key.json"}}}],
    }
    a = d.app("orders", "writer", sidecars=[side])
    a.waiting("CreateContainerConfigError", 'secret "sql-proxy-sa" not found', container=1).event(
        "Failed", 'Error: secret "sql-proxy-sa" not found', count=61
    )
    return [fault("missing_secret", "Deployment orders/writer")]


@case("incident")
def secret_lacks_the_key(d: Dump) -> list[Fault]:
    """The Secret exists; the key that the env variable asks for does not."""
    d.add("Secret", "mail", "smtp", {"type": "Opaque", "data": {"username": "", "pass": ""}})
    a = d.app(
        "mail",
        "sender",
        c={"env": [{"name": "SMTP_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "smtp", "key": "password"}}}]},
    )
    a.waiting("CreateContainerConfigError", "couldn't find key password in Secret mail/smtp").event(
        "Failed", "Error: couldn't find key password in Secret mail/smtp", count=44
    )
    return [fault("missing_key_in_configmap_or_secret", "Deployment mail/sender")]


@case("incident", "kind", "v1.34.0", 1)
def mounted_item_names_no_key(d: Dump) -> list[Fault]:
    """A volume item asks a ConfigMap for a key it does not hold: FailedMount 'references non-existent config key'."""
    d.add("ConfigMap", "edge", "envoy-bootstrap", {"data": {"envoy.yml": "x"}})
    vol = {
        "name": "boot",
        "configMap": {"name": "envoy-bootstrap", "items": [{"key": "envoy.yaml", "path": "envoy.yaml"}]},
    }
    a = d.app(
        "edge", "envoy", spec={"volumes": [vol]}, c={"volumeMounts": [{"name": "boot", "mountPath": "/etc/envoy"}]}
    )
    a.creating().event(
        "FailedMount",
        'MountVolume.SetUp failed for volume "boot" : configmap references non-existent config key: envoy.yaml',
        count=23,
    )
    return [fault("missing_key_in_configmap_or_secret", "Deployment edge/envoy")]


@case("incident", "openshift", "v1.30.7+9a6e2d1")
def crio_entrypoint_absent(d: Dump) -> list[Fault]:
    """CRI-O with crun: the command is not in the image."""
    a = d.app("docs", "render", c={"command": ["/usr/local/bin/render-server"]})
    text = (
        "container create failed: executable file `/usr/local/bin/render-server` not found: No such file or directory"
    )
    a.waiting("CreateContainerError", text, phase="Pending").event("Failed", f"Error: {text}", count=38)
    return [fault("bad_command", "Deployment docs/render")]


@case("incident", "eks", "v1.31.4-eks-2d5f260")
def containerd_exec_not_in_path(d: Dump) -> list[Fault]:
    """runc cannot find the executable: StartError, exit 128, RunContainerError turning to CrashLoopBackOff."""
    text = 'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "gunicorn": executable file not found in $PATH: unknown'
    a = d.app("web", "site", c={"args": ["gunicorn", "site.wsgi"]})
    a.crash(128, reason="StartError", message=text, ran=0).event("Failed", f"Error: {text}", count=9)
    return [fault("bad_command", "Deployment web/site")]


@case("incident", "gke", "v1.28.3-gke.1203001")
def shell_says_command_not_found(d: Dump) -> list[Fault]:
    """The shell wrapper runs; the program it starts does not exist: exit 127."""
    a = d.app("reports", "pdf", c={"command": ["/bin/sh", "-c"], "args": ["wkhtmltopdf-server --port 8080"]})
    a.crash(127, "/bin/sh: 1: wkhtmltopdf-server: not found\n")
    return [fault("bad_command", "Deployment reports/pdf")]


# Crashes


@case("incident", "eks", "v1.28.15-eks-7f9249a")
def migration_in_init_container_fails(d: Dump) -> list[Fault]:
    """The init container that migrates the schema exits 1 with its own error; the app never starts."""
    a = d.app("crm", "backend", init=[{"name": "migrate"}])
    a.crash(
        1,
        "Running migrations...\ndjango.db.migrations.exceptions.NodeNotFoundError: Migration crm.0043 dependencies reference nonexistent parent node ('crm', '0042')\n",
        container="init",
    )
    return [fault("init_container_crash", "Deployment crm/backend")]


@case("incident", "k3s", "v1.30.8+k3s1", 1)
def init_container_error_in_statefulset(d: Dump) -> list[Fault]:
    """chown in an init container is not permitted; Init:Error between restarts."""
    a = d.app(
        "vault",
        "store",
        kind="StatefulSet",
        replicas=1,
        init=[{"name": "chown-data", "command": ["chown", "-R", "100:1000", "/data"]}],
    )
    a.crash(1, "chown: /data/raft: Operation not permitted\n", container="init", back_off=False)
    return [fault("init_container_crash", "StatefulSet vault/store")]


@case("incident", "gke", "v1.29.4-gke.1043002")
def java_heap_above_the_limit(d: Dump) -> list[Fault]:
    """OOMKilled with exit 137 again and again under a 512Mi limit."""
    a = d.app("risk", "scorer", c={"env": [{"name": "JAVA_TOOL_OPTIONS", "value": "-Xmx900m"}]}, age=3 * DAY)
    a.crash(
        137,
        "INFO o.s.b.w.e.tomcat.TomcatWebServer : Tomcat started on port 8080\n",
        reason="OOMKilled",
        restarts=23,
        ran=4,
    )
    return [fault("oom_killed", "Deployment risk/scorer")]


@case("incident", "openshift", "v1.28.13+2ca1a23")
def sidecar_is_oom_killed(d: Dump) -> list[Fault]:
    """Only the exporter sidecar dies of memory; the pod is 1/2 ready."""
    side = {"name": "exporter", "resources": {"limits": {"memory": "32Mi"}, "requests": {"memory": "32Mi"}}}
    a = d.app("cache", "redis", kind="StatefulSet", replicas=1, sidecars=[side], age=2 * DAY)
    a.crash(137, reason="OOMKilled", restarts=41, ran=6, container=1)
    return [fault("oom_killed", "StatefulSet cache/redis")]


@case("incident", "eks", "v1.32.1-eks-5d632ec")
def native_sidecar_out_of_memory(d: Dump) -> list[Fault]:
    """A restartable init container (native sidecar) is OOMKilled in a loop; the app behind it waits."""
    a = d.app(
        "pay",
        "authz",
        init=[{"name": "token-agent", "restartPolicy": "Always", "resources": {"limits": {"memory": "16Mi"}}}],
    )
    a.crash(137, reason="OOMKilled", restarts=12, ran=0.2, container="init")
    return [fault("oom_killed", "Deployment pay/authz")]


@case("incident", "eks", "v1.27.13-eks-3af4770")
def slow_leak_restarts_every_quarter_hour(d: Dump) -> list[Fault]:
    """Ready now, but OOMKilled six times in the last two hours, last 11 minutes ago."""
    a = d.app("notify", "push", replicas=1, age=5 * DAY)
    for pod, status in a.statuses(0):
        end = {
            "exitCode": 137,
            "reason": "OOMKilled",
            "startedAt": "2025-03-14T08:58:00Z",
            "finishedAt": "2025-03-14T09:19:00Z",
        }
        status.update(
            restartCount=96, state={"running": {"startedAt": "2025-03-14T09:19:02Z"}}, lastState={"terminated": end}
        )
        d.event(
            pod,
            "BackOff",
            f"Back-off restarting failed container push in pod {pod['metadata']['name']}_notify",
            ago=11,
            count=3,
            first=55,
        )
    return [
        fault("oom_killed", "Deployment notify/push"),
    ]


@case("incident", "eks", "v1.29.8-eks-a737599")
def node_null_dereference(d: Dump) -> list[Fault]:
    """Node.js TypeError at start: the program's own bug."""
    a = d.app("feed", "ranker")
    a.crash(
        1,
        "/app/dist/server.js:88\n    const q = cfg.queues.primary.url;\n                         ^\n\nTypeError: Cannot read properties of undefined (reading 'primary')\n    at Object.<anonymous> (/app/dist/server.js:88:26)\n    at Module._compile (node:internal/modules/cjs/loader:1364:14)\n\nNode.js v20.11.1\n",
    )
    return [fault("app_exception", "Deployment feed/ranker")]


@case("incident", "gke", "v1.30.5-gke.1014001")
def go_panic_in_one_container_of_three(d: Dump) -> list[Fault]:
    """A Go panic in the second container; exit 2 with a goroutine dump."""
    a = d.app("ads", "bidder", sidecars=[{"name": "matcher"}, {"name": "statsd"}])
    a.crash(
        2,
        "panic: runtime error: index out of range [3] with length 3\n\ngoroutine 1 [running]:\nmain.(*Matcher).Load(0xc0000b6000)\n\t/src/matcher.go:112 +0x1d4\nmain.main()\n\t/src/main.go:41 +0x2a\n",
        container=1,
    )
    return [fault("app_exception", "Deployment ads/bidder")]


@case("incident", "k3s", "v1.26.15+k3s1")
def spring_bean_fails(d: Dump) -> list[Fault]:
    """Spring context fails on a bean of the program itself: long stack trace, no cluster cause."""
    a = d.app("loyalty", "points")
    a.crash(
        1,
        "2025-03-14 09:27:11.201 ERROR 1 --- [main] o.s.boot.SpringApplication : Application run failed\n\norg.springframework.beans.factory.BeanCreationException: Error creating bean with name 'pointsRouter' defined in class path resource [com/acme/Routes.class]: Invocation of init method failed; nested exception is java.lang.IllegalStateException: Duplicate key EARN\n\tat org.springframework.beans.factory.support.AbstractAutowireCapableBeanFactory.initializeBean(AbstractAutowireCapableBeanFactory.java:1786)\nCaused by: java.lang.IllegalStateException: Duplicate key EARN (attempted merging values A and B)\n\tat java.base/java.util.stream.Collectors.duplicateKeyException(Collectors.java:135)\n",
        ran=0.4,
    )
    return [fault("app_exception", "Deployment loyalty/points")]


@case("incident")
def python_key_error_from_environ(d: Dump) -> list[Fault]:
    """os.environ KeyError; the variable is nowhere in the pod's spec."""
    a = d.app("geo", "coder", c={"env": [{"name": "LOG_LEVEL", "value": "info"}]})
    a.crash(
        1,
        'Traceback (most recent call last):\n  File "/app/main.py", line 9, in <module>\n    TOKEN = os.environ["GEO_PROVIDER_TOKEN"]\n  File "<frozen os>", line 679, in __getitem__\nKeyError: \'GEO_PROVIDER_TOKEN\'\n',
    )
    return [fault("missing_env_var", "Deployment geo/coder")]


@case("incident", "gke", "v1.31.1-gke.2008000")
def envconfig_required_key(d: Dump) -> list[Fault]:
    """Go's envconfig: required key missing value; the spec does not set it."""
    a = d.app("iot", "ingestor", kind="StatefulSet")
    a.crash(
        1, '{"level":"fatal","ts":1741944420.1,"msg":"config","error":"required key MQTT_BROKER_URL missing value"}\n'
    )
    return [fault("missing_env_var", "StatefulSet iot/ingestor")]


@case("incident", "kind", "v1.29.2", 1)
def postgres_without_superuser_password(d: Dump) -> list[Fault]:
    """The official postgres image refuses to initialise without POSTGRES_PASSWORD."""
    a = d.app("app", "db", kind="StatefulSet", replicas=1, c={"image": "postgres:16"})
    a.crash(
        1,
        'Error: Database is uninitialized and superuser password is not specified.\n       You must specify POSTGRES_PASSWORD to a non-empty value for the\n       superuser. For example, "-e POSTGRES_PASSWORD=password" on "docker run".\n',
    )
    return [fault("missing_env_var", "StatefulSet app/db")]
