# ruff: noqa: E501  (log lines stand as applications and their libraries write them)
"""What only an application says of itself: modes 31, 33, 35 to 37 and 47 to 49."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.props import role, sa
from tests.bench.rootcause_scenarios.case import Scene, incident
from tests.bench.rootcause_scenarios.estate import DAY, counter, jump, steady
from tests.bench.rootcause_scenarios.topologies import OBSERVATORY

CRASHES = (
    ("cpp_terminate", 134, "terminate called after throwing an instance of 'std::out_of_range'\n  what():  vector::_M_range_check: __n (which is 3) >= this->size() (which is 3)\n", "terminate called after throwing an instance", "GCC libstdc++ vterminate.cc"),
    ("ruby_no_method", 1, "/app/lib/solver.rb:44:in `solve': undefined method `width' for nil:NilClass (NoMethodError)\n\tfrom /app/bin/solver:9:in `<main>'\n", "undefined method `width' for nil", "Ruby error messages"),
    ("swift_found_nil", 133, "Solver/Index.swift:31: Fatal error: Unexpectedly found nil while unwrapping an Optional value\nCurrent stack trace:\n0    Solver                             0x00000000004f2a10 main + 812\n", "Unexpectedly found nil while unwrapping", "Swift stdlib/public/core"),
    ("rust_panic", 101, "thread 'main' panicked at src/solver/index.rs:214:18:\nindex out of bounds: the len is 3 but the index is 3\nnote: run with `RUST_BACKTRACE=1` environment variable to display a backtrace\n", "index out of bounds: the len is", "Rust core/src/slice/index.rs"),
    ("dotnet_unhandled", 134, "Unhandled exception. System.InvalidOperationException: Sequence contains no elements\n   at System.Linq.ThrowHelper.ThrowNoElementsException()\n   at Port.Manifest.Planner.Next() in /src/Planner.cs:line 88\n", "Sequence contains no elements", "dotnet/runtime System.Linq"),
    ("php_uncaught", 255, "PHP Fatal error:  Uncaught TypeError: Manifest::add(): Argument #1 ($crate) must be of type Crate, null given in /app/src/Manifest.php:42\nStack trace:\n#0 /app/public/index.php(19): Manifest->add()\n#1 {main}\n  thrown in /app/src/Manifest.php on line 42\n", "PHP Fatal error:  Uncaught", "php-src Zend/zend_exceptions.c"),
    ("python_traceback", 1, "Traceback (most recent call last):\n  File \"/app/main.py\", line 77, in <module>\n    run()\n  File \"/app/solver.py\", line 31, in run\n    width = frame.shape[1]\nIndexError: tuple index out of range\n", "", "CPython traceback"),
    ("erlang_kernel_terminated", 1, "Kernel pid terminated (application_controller) (\"{application_start_failure,solver,{bad_return,{{solver_app,start,[normal,[]]},{'EXIT',{badarith,...}}}}}\")\n\nCrash dump is being written to: erl_crash.dump...done\n", "Kernel pid terminated", "erlang/otp erts/emulator"),
    ("segmentation_fault", 139, "loading index\nSegmentation fault (core dumped)\n", "", "GNU bash jobs.c"),
)  # fmt: skip


def _crash(code: int, log: str, **made: Any) -> Any:
    def build(s: Scene) -> None:
        s.victim(**made)
        s.crash(code, log, ran=0.3)

    return build


for _name, _code, _log, _words, _source in CRASHES:
    incident("app_exception", needs="logs", words=_words or (), source=_source, name=_name)(_crash(_code, _log))


# Addresses in variables


def _address(value: str, log: str, *, service: str = "", port: int = 80, space: int = 0) -> Any:
    """The victim's variable is wrong; the dependency is there and well."""

    def build(s: Scene) -> None:
        where = s.topology.casts[space]
        if service:
            dep = s.d.app(
                where.space, service, age=30 * DAY, labels=s.labels(service), c={"ports": [{"containerPort": 8080}]}
            )
            dep.log("accepting requests\n")
            s.d.service(
                where.space,
                service,
                selector=s.labels(service),
                ports=[{"name": "http", "port": port, "targetPort": 8080}],
            )
            s.d.connect(where.space, service, port)
        shown = value.format(space=s.space, far=s.topology.casts[1].space)
        s.victim(c={"env": [{"name": "WEIGHBRIDGE_URL", "value": shown}]})
        s.crash(1, log.format(space=s.space, far=s.topology.casts[1].space))

    return build


_NEAR = ("app_exception", "dependency_unreachable", "service_missing")
incident(
    "env_var_wrong_address",
    needs="logs",
    near=_NEAR,
    name="port_that_the_service_does_not_have",
    words="ConnectTimeoutError",
    source="urllib3 connection.py",
)(
    _address(
        "http://weighbridge.{space}.svc.cluster.local:8181",
        "urllib3.exceptions.MaxRetryError: HTTPConnectionPool(host='weighbridge.{space}.svc.cluster.local', port=8181): Max retries exceeded with url: /v1/scale (Caused by ConnectTimeoutError(<urllib3.connection.HTTPConnection object at 0x7f>, 'Connection to weighbridge.{space}.svc.cluster.local timed out. (connect timeout=5)'))\n",
        service="weighbridge",
    )
)
incident(
    "env_var_wrong_address",
    needs="logs",
    near=_NEAR,
    name="namespace_where_the_service_is_not",
    words="getaddrinfo EAI_AGAIN",
    source="Node.js lib/dns.js, libuv",
)(
    _address(
        "http://weighbridge.{space}.svc.cluster.local",
        "Error: getaddrinfo EAI_AGAIN weighbridge.{space}.svc.cluster.local\n    at GetAddrInfoReqWrap.onlookup [as oncomplete] (node:dns:107:26) {{\n  errno: -3001,\n  code: 'EAI_AGAIN',\n  syscall: 'getaddrinfo',\n  hostname: 'weighbridge.{space}.svc.cluster.local'\n}}\n",
        service="weighbridge",
        space=1,
    )
)
incident(
    "env_var_wrong_address",
    needs="logs",
    near=_NEAR,
    name="localhost_where_nobody_listens",
    words="error trying to connect: tcp connect error",
    source="hyperium/hyper client/connect/http.rs",
)(
    _address(
        "http://localhost:8080",
        "Error: error sending request for url (http://localhost:8080/v1/scale)\n\nCaused by:\n    0: client error (Connect)\n    1: error trying to connect: tcp connect error: Connection refused (os error 111)\n",
        service="weighbridge",
    )
)

# Certificates

CERTIFICATES = (
    ("rustls_expired", 1, "Error: error sending request for url (https://vault.vendor.example/v1/sys)\n\nCaused by:\n    invalid peer certificate: Expired\n", "invalid peer certificate: Expired", "rustls, rustls-webpki error.rs"),
    ("dotnet_not_time_valid", 1, "System.Security.Authentication.AuthenticationException: The remote certificate is invalid because of errors in the certificate chain: NotTimeValid\n   at System.Net.Security.SslStream.SendAuthResetSignal()\n", "in the certificate chain: NotTimeValid", "dotnet X509ChainStatusFlags"),
    ("erlang_certificate_expired", 1, "** (exit) {tls_alert,{certificate_expired,\"TLS client: In state certify at ssl_handshake.erl:2111 generated CLIENT ALERT: Fatal - Certificate Expired\\n\"}}\n", "CLIENT ALERT: Fatal - Certificate Expired", "erlang/otp lib/ssl/src/ssl_alert.erl"),
    ("java_validity_check", 1, "javax.net.ssl.SSLHandshakeException: PKIX path validation failed: java.security.cert.CertPathValidatorException: validity check failed\nCaused by: java.security.cert.CertificateExpiredException: NotAfter: Tue Mar 11 23:59:59 UTC 2025\n", "CertPathValidatorException: validity check failed", "OpenJDK sun.security.provider.certpath.BasicChecker"),
    ("node_cert_has_expired", 1, "Error: certificate has expired\n    at TLSSocket.onConnectSecure (node:_tls_wrap:1659:34) {\n  code: 'CERT_HAS_EXPIRED'\n}\n", "code: 'CERT_HAS_EXPIRED'", "Node.js src/crypto/crypto_common.cc"),
    ("peer_alert_certificate_expired", 1, "2025/03/14 09:28:44 [error] 31#31: *57 SSL_do_handshake() failed (SSL: error:0A000415:SSL routines::sslv3 alert certificate expired:SSL alert number 45) while SSL handshaking to upstream\n", "sslv3 alert certificate expired", "OpenSSL crypto/err/openssl.txt"),
    ("go_x509_expired", 1, "panic: tls: failed to verify certificate: x509: certificate has expired or is not yet valid: current time 2025-03-14T09:28:44Z is after 2025-03-11T23:59:59Z\n", "", "Go crypto/x509/verify.go"),
)  # fmt: skip
for _name, _code, _log, _words, _source in CERTIFICATES:
    incident(
        "certificate_expired", needs="logs", near=("app_exception",), words=_words or (), source=_source, name=_name
    )(_crash(_code, _log))

# Rights

FORBIDDEN = (
    ("fabric8_account_revoked", "io.fabric8.kubernetes.client.KubernetesClientException: Failure executing: GET at: https://10.96.0.1/api/v1/namespaces/{ns}/configmaps. Message: Forbidden!Configured service account doesn't have access. Service account may have been revoked. configmaps is forbidden: User \"system:serviceaccount:{ns}:berth-bot\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"{ns}\".\n", "Service account may have been revoked", "fabric8io/kubernetes-client OperationSupport.java"),
    ("leader_lock_forbidden", 'E0314 09:28:44.120 1 leaderelection.go:436] error retrieving resource lock {ns}/solver-leader: leases.coordination.k8s.io "solver-leader" is forbidden: User "system:serviceaccount:{ns}:berth-bot" cannot get resource "leases" in API group "coordination.k8s.io" in the namespace "{ns}"\n', "error retrieving resource lock", "kubernetes client-go tools/leaderelection"),
    ("reflector_cannot_list", 'W0314 09:28:44.120 1 reflector.go:561] k8s.io/client-go/informers/factory.go:160: failed to list *v1.Endpoints: endpoints is forbidden: User "system:serviceaccount:{ns}:berth-bot" cannot list resource "endpoints" in API group "" in the namespace "{ns}"\n', "", "kubernetes client-go tools/cache/reflector.go"),
)  # fmt: skip


def _forbidden(log: str) -> Any:
    def build(s: Scene) -> None:
        sa(s.d, s.space, "berth-bot")
        role(s.d, s.space, "berth-bot", "berth-bot", ["pods"], ["get", "list"])
        s.victim(spec={"serviceAccountName": "berth-bot"})
        s.crash(1, log.format(ns=s.space) * 3)

    return build


for _name, _log, _words, _source in FORBIDDEN:
    incident("rbac_forbidden", needs="logs", near=("app_exception",), words=_words or (), source=_source, name=_name,
             refs=("ServiceAccount berth-bot", "Role berth-bot", "RoleBinding berth-bot"))(_forbidden(_log))  # fmt: skip


# Flags


def _flag(env: list[dict[str, Any]], data: dict[str, str], log: str, alert: str) -> Any:
    def build(s: Scene) -> None:
        if data:
            s.d.add("ConfigMap", s.space, "solver-flags", {"data": data})
        mounted = [{"name": "flags", "configMap": {"name": "solver-flags"}}] if data else []
        mounts = [{"name": "flags", "mountPath": "/etc/flags"}] if data else []
        given = {"env": [{"name": "LOG_LEVEL", "value": "info"}], "volumeMounts": mounts}
        s.victim(replicas=3, age=9 * DAY, c=given, spec={"volumes": mounted})
        if env:
            s.app.new_revision({"env": [{"name": "LOG_LEVEL", "value": "info"}, *env]}, pods=3, age=26)
            for pod in s.app.old_pods:
                s.d.objects["Pod"].remove(pod)
            s.app.old_pods = []
        s.app.log("level=info path=/v1/plan status=200\n" * 5 + log * 6)
        s.d.metric(
            "http_requests_total",
            counter(jump(0.0, 2.2, 25)),
            namespace=s.space,
            service=s.name,
            path=alert,
            code="500",
        )
        s.d.metric(
            "http_requests_total", counter(steady(40)), namespace=s.space, service=s.name, path="/v1/plan", code="200"
        )
        s.d.alert(
            "HighErrorRateOnPath",
            f"{s.name} answers 500 on {alert} for 96% of requests.",
            namespace=s.space,
            service=s.name,
            path=alert,
        )

    return build


_FLAGS = ("rollout_stuck", "app_exception", "config_drift_after_deploy")
incident(
    "app_feature_flag_or_bug",
    needs="logs",
    near=_FLAGS,
    name="flag_turned_on_by_a_rollout",
    words="feature express_lane is ON",
    source="an application's own log",
    refs=("ConfigMap solver-flags",),
)(
    _flag(
        [{"name": "FEATURE_EXPRESS_LANE", "value": "true"}],
        {},
        'level=error path=/v1/express status=500 msg="feature express_lane is ON" err="nil lane table"\n',
        "/v1/express",
    )
)
incident(
    "app_feature_flag_or_bug",
    needs="logs",
    near=_FLAGS,
    name="flag_turned_on_in_a_configmap",
    words="FlagNewPricing",
    source="an application's own log",
    refs=("ConfigMap solver-flags",),
)(
    _flag(
        [],
        {"FLAG_NEW_PRICING": "on", "REGION": "eu"},
        'ERROR c.p.PriceController - POST /v1/quote/instant failed, FlagNewPricing=on\njava.lang.NullPointerException: Cannot invoke "Rate.value()" because "rate" is null\n\tat c.p.NewPricing.quote(NewPricing.java:61)\n',
        "/v1/quote/instant",
    )
)
incident(
    "app_feature_flag_or_bug",
    needs="logs",
    near=_FLAGS,
    name="flagd_default_variant_on",
    words='"defaultVariant":"on"',
    source="open-feature/flagd flag definitions",
    refs=("ConfigMap solver-flags",),
)(
    _flag(
        [],
        {
            "flags.json": '{"flags":{"stackFrames":{"state":"ENABLED","variants":{"on":true,"off":false},"defaultVariant":"on"}}}'
        },
        'ERROR POST /v1/stack failed: ZeroDivisionError: division by zero flag=stackFrames {"defaultVariant":"on"}\n',
        "/v1/stack",
    )
)


# Secrets that were rotated, settings that were changed


def _rotated(log: str, key: str) -> Any:
    def build(s: Scene) -> None:
        s.d.secret(s.space, "orbit-credentials", (key,), age=38)
        ref = {"secretKeyRef": {"name": "orbit-credentials", "key": key}}
        s.victim(age=12 * DAY, c={"env": [{"name": "DB_PASSWORD", "valueFrom": ref}]})
        s.app.log("INFO pool ready\n" * 3 + log * 8)
        s.app.unready("Readiness probe failed: HTTP probe failed with statuscode: 503", log="", count=90)
        fresh = s.d.app(
            s.space,
            "orbit-reader",
            age=20,
            labels=s.labels("orbit-reader"),
            c={"env": [{"name": "DB_PASSWORD", "valueFrom": ref}]},
        )
        fresh.log("INFO pool ready\nINFO 200 /v1/orbits\n")

    return build


ROTATED = (
    ("oracle_logon_denied", "ORA-01017: invalid username/password; logon denied\n", "ORA-01017", "Oracle Database error messages"),
    ("sqlserver_login_failed", "mssql: login error: Login failed for user 'orbit'. Reason: Password did not match that for the login provided.\n", "Password did not match that for the login provided", "Microsoft SQL Server error 18456"),
    ("postgres_password_failed", 'FATAL:  password authentication failed for user "orbit"\n', "", "postgres src/backend/libpq/auth.c"),
)  # fmt: skip
for _name, _log, _words, _source in ROTATED:
    incident("secret_rotated_but_env_stale", needs="logs", near=("rollout_stuck", "endpoints_not_ready", "db_bad_credentials"), topology=OBSERVATORY,
             words=_words or (), source=_source, name=_name, refs=("Secret orbit-credentials",))(_rotated(_log, "password"))  # fmt: skip


def _drift(before: str, after: str, log: str, crash: bool) -> Any:
    def build(s: Scene) -> None:
        s.victim(replicas=3, age=20 * DAY, c={"env": [{"name": "UPSTREAM_TIMEOUT_MS", "value": before}]})
        s.app.log("INFO served 200\n" * 4)
        pods = s.app.new_revision(
            {"env": [{"name": "UPSTREAM_TIMEOUT_MS", "value": after}]}, pods=1 if crash else 3, age=24
        )
        if crash:
            s.crash(1, log, pods=pods)
            return
        for pod in s.app.old_pods:
            s.d.objects["Pod"].remove(pod)
        s.app.old_pods = []
        s.app.log(log * 8)
        s.d.metric("http_requests_total", counter(jump(0.1, 21, 23)), namespace=s.space, service=s.name, code="504")
        s.d.metric("http_requests_total", counter(jump(40, 20, 23)), namespace=s.space, service=s.name, code="200")
        s.d.alert(
            "HighErrorRate", f"{s.name} answers 5xx for 51% of requests.", namespace=s.space, service=s.name, ago=20
        )

    return build


_DRIFT = ("rollout_stuck", "app_exception", "script_or_args_error")
incident(
    "config_drift_after_deploy",
    needs="extras",
    near=_DRIFT,
    name="timeout_in_another_unit",
    words="upstream timed out after 30 ms",
    source="an application's own log",
)(_drift("30000", "30", "WARN upstream timed out after 30 ms\n", False))
incident(
    "config_drift_after_deploy",
    needs="logs",
    near=_DRIFT,
    name="new_value_is_no_number",
    words="invalid value for UPSTREAM_TIMEOUT_MS",
    source="an application's own check",
)(_drift("30000", "30s", 'fatal: invalid value for UPSTREAM_TIMEOUT_MS: "30s" is not an integer\n', True))
incident(
    "config_drift_after_deploy",
    needs="extras",
    near=_DRIFT,
    name="timeout_of_zero",
    words="deadline of 0s is in the past",
    source="grpc-go",
)(_drift("2500", "0", "ERROR rpc failed: code = DeadlineExceeded desc = deadline of 0s is in the past\n", False))


# Storms


def _storm(log: str, retries: str) -> Any:
    def build(s: Scene) -> Any:
        s.victim(replicas=3, age=20 * DAY)
        s.app.log("WARN 503 overloaded, queue length 1024\n" * 6)
        s.caller(log * 10)
        s.d.metric(retries, counter(jump(0.1, 410, 22)), namespace=s.space, service=s.cast.caller, destination=s.name)
        s.d.metric(
            "http_requests_total",
            counter(lambda m: 60 if m > 30 else 620 if m > 22 else 440),
            namespace=s.space,
            service=s.name,
            code="503",
        )
        s.d.metric("http_requests_total", counter(jump(60, 2, 24)), namespace=s.space, service=s.name, code="200")
        s.d.metric("users_active", lambda m: 900 if 22 < m < 30 else 90, namespace=s.space, service=s.cast.caller)
        s.d.alert(
            "HighErrorRate", f"{s.name} answers 5xx for 98% of requests.", namespace=s.space, service=s.name, ago=21
        )
        near = ("dependency_unreachable", "cpu_overload")
        return s.fault(
            "retry_storm", f"Deployment {s.name}", f"Service {s.name}", f"Deployment {s.cast.caller}", near=near
        )

    return build


STORMS = (
    ("polly_circuit_open", "WARN Polly.CircuitBreaker.BrokenCircuitException: The circuit is now open and is not allowing calls.\nWARN retry 5 of 5 without delay\n", "polly_retry_attempts_total", "The circuit is now open and is not allowing", "App-vNext/Polly BrokenCircuitException.cs"),
    ("resilience4j_open", "io.github.resilience4j.circuitbreaker.CallNotPermittedException: CircuitBreaker 'solver' is OPEN and does not permit further calls\nWARN attempt 3/3 failed, retrying at once\n", "resilience4j_retry_calls_total", "does not permit further calls", "resilience4j CallNotPermittedException.java"),
    ("envoy_retry_overflow", '[2025-03-14T09:28:44.120Z] "POST /v1/plan HTTP/1.1" 503 URX,UO upstream_reset_before_response_started{overflow} - "-" 12 81 3 - retries=3\n', "envoy_cluster_upstream_rq_retry", "URX,UO", "envoyproxy/envoy access log response flags"),
    ("grpc_resource_exhausted", "ERROR rpc error: code = ResourceExhausted desc = retry budget spent, 3 of 3 attempts; retrying\n", "grpc_client_retries_total", "retry budget spent", "an application's own log"),
)  # fmt: skip
for _name, _log, _metric, _words, _source in STORMS:
    incident("retry_storm", needs="extras", words=_words, source=_source, name=_name)(_storm(_log, _metric))
