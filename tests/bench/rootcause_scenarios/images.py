# ruff: noqa: E501  (messages stand as registries, runtimes and kubelets write them)
"""Images that cannot be pulled, and containers that cannot start: modes 1 to 5, 9, 10, 15 to 17."""

from __future__ import annotations

from typing import Any

from tests.bench.heldout.props import pull
from tests.bench.rootcause_scenarios.case import Scene, incident

PULLS: tuple[tuple[str, str, str, str, str], ...] = (
    ("image_not_found", "acr_manifest_tagged", 'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": manifest unknown: manifest tagged by "5.2.0" is not found', 'manifest tagged by "5.2.0" is not found', "Azure Container Registry"),
    ("image_pull_auth", "acr_authentication_required", 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": unauthorized: authentication required, visit https://aka.ms/acr/authorization for more information. CorrelationId: 5b1d77aa', "visit https://aka.ms/acr/authorization for more", "Azure Container Registry"),
    ("image_pull_auth", "gitlab_access_forbidden", 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": unexpected status from HEAD request to https://{host}/v2/sky/app/manifests/5.2.0: 403 Forbidden: denied: access forbidden', "denied: access forbidden", "GitLab container registry authentication"),
    ("registry_dns_or_network", "layers_break_off", 'failed to pull and unpack image "{image}": failed to copy: httpReadSeeker: failed open: failed to do request: Get "https://{host}/v2/sky/app/blobs/sha256:9c1b": read tcp 10.42.1.11:40122->203.0.113.5:443: read: connection reset by peer', "httpReadSeeker: failed open: failed to do request", "containerd core/remotes/docker/httpreadseeker.go"),
    ("image_not_found", "tag_not_in_ecr", 'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": failed to resolve reference "{image}": {image}: not found', "", "containerd core/remotes/docker/resolver.go"),
    ("image_not_found", "repository_not_known", 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": name unknown: repository name not known to registry', "repository name not known to registry", "distribution registry/api/errcode"),
    ("image_not_found", "named_manifest_not_known", 'rpc error: code = Unknown desc = reading manifest 5.2.0 in {image}: manifest unknown: The named manifest is not known to the registry.', "The named manifest is not known to the registry", "JFrog Artifactory docker API"),
    ("image_not_found", "gcr_failed_to_fetch", 'Error response from daemon: manifest for {image} not found: manifest unknown: Failed to fetch "5.2.0" from request "/v2/sky/app/manifests/5.2.0".', 'Failed to fetch "5.2.0" from request', "Google Artifact Registry"),
    ("image_pull_auth", "ecr_token_expired", 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": unexpected status from HEAD request to https://registry/v2/: 403 Forbidden: denied: Your authorization token has expired. Reauthenticate and try again.', "Your authorization token has expired. Reauthenticate", "AWS ECR user guide, troubleshooting"),
    ("image_pull_auth", "harbor_unauthorized", 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": unauthorized: unauthorized to access repository: sky/app, action: pull: unauthorized to access repository: sky/app, action: pull', "unauthorized to access repository", "goharbor src/server/middleware/security"),
    ("image_pull_auth", "insufficient_scope", 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed', "", "containerd core/remotes/docker/authorizer.go"),
    ("image_pull_auth", "artifactregistry_permission", 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to authorize: failed to fetch oauth token: denied: Permission "artifactregistry.repositories.downloadArtifacts" denied on resource "projects/p/locations/eu/repositories/sky" (or it may not exist)', "artifactregistry.repositories.downloadArtifacts", "Google Artifact Registry"),
    ("registry_dns_or_network", "dns_server_misbehaving", 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to do request: Head "https://{host}/v2/sky/app/manifests/5.2.0": dial tcp: lookup {host} on 10.0.0.2:53: server misbehaving', "server misbehaving", "Go net/dnsclient_unix.go"),
    ("registry_dns_or_network", "tls_handshake_timeout", 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to do request: Head "https://{host}/v2/sky/app/manifests/5.2.0": net/http: TLS handshake timeout', "TLS handshake timeout", "Go net/http/transport.go"),
    ("registry_dns_or_network", "crio_no_such_host", 'initializing source docker://{image}: pinging container registry {host}: Get "https://{host}/v2/": dial tcp: lookup {host} on 169.254.20.10:53: no such host', "", "containers/image docker/docker_client.go"),
    ("registry_dns_or_network", "network_is_unreachable", 'failed to pull and unpack image "{image}": failed to resolve reference "{image}": failed to do request: Head "https://{host}/v2/sky/app/manifests/5.2.0": dial tcp [2001:db8:40::7]:443: connect: network is unreachable', "connect: network is unreachable", "Linux errno ENETUNREACH"),
    ("image_arch_mismatch", "no_match_for_platform", 'rpc error: code = NotFound desc = failed to pull and unpack image "{image}": no match for platform in manifest: not found', "", "containerd core/images/image.go"),
    ("image_arch_mismatch", "image_index_without_arm", 'rpc error: code = Unknown desc = choosing image instance: no image found in image index for architecture "arm64", variant "v8", OS "linux"', "no image found in image index for architecture", "containers/image internal/manifest/oci_index.go"),
    ("image_arch_mismatch", "manifest_list_entries", 'rpc error: code = Unknown desc = no matching manifest for linux/arm64/v8 in the manifest list entries', "in the manifest list entries", "moby distribution/pull_v2.go"),
)  # fmt: skip


def _pull(text: str, arm: bool) -> Any:
    def build(s: Scene) -> None:
        app = s.victim()
        if arm:
            for node in s.nodes:
                node["metadata"]["labels"]["kubernetes.io/arch"] = node["status"]["nodeInfo"]["architecture"] = "arm64"
        host = s.topology.registry.split("/")[0]
        pull(app, text.format(image=s.image(), host=host), "ImagePullBackOff")

    return build


for _mode, _name, _text, _words, _source in PULLS:
    incident(_mode, words=_words or (), source=_source, name=_name)(_pull(_text, _mode == "image_arch_mismatch"))


@incident(
    "image_pull_auth", source="kubernetes pkg/kubelet/kubelet.go", words="Unable to retrieve some image pull secrets"
)
def pull_secret_of_another_namespace(s: Scene) -> None:
    app = s.victim(spec={"imagePullSecrets": [{"name": "regcred-legacy"}]})
    pull(
        app,
        f'failed to resolve reference "{s.image()}": failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://auth/token: 401 Unauthorized',
        "ImagePullBackOff",
    )
    app.event(
        "FailedToRetrieveImagePullSecret",
        "Unable to retrieve some image pull secrets (regcred-legacy); attempting to pull the image may not succeed.",
        count=22,
    )


@incident(
    "image_arch_mismatch",
    needs="logs",
    near=("app_exception", "bad_command"),
    source="Linux errno ENOEXEC",
    words="cannot execute binary file",
)
def binary_of_another_machine(s: Scene) -> None:
    s.victim()
    for node in s.nodes:
        node["metadata"]["labels"]["kubernetes.io/arch"] = node["status"]["nodeInfo"]["architecture"] = "arm64"
    s.crash(126, "/opt/start.sh: line 4: /opt/bin/server: cannot execute binary file: Exec format error\n")


def _bad_name(reason: str, image: str, message: str) -> Any:
    def build(s: Scene) -> None:
        app = s.victim(
            c={"image": image, "imagePullPolicy": "Never" if reason == "ErrImageNeverPull" else "IfNotPresent"}
        )
        app.waiting(reason, message)
        word = "InspectFailed" if reason == "InvalidImageName" else reason
        app.event(word, message)
        app.event("Failed", f"Error: {reason}", count=30)

    return build


for _name, _reason, _image, _text, _words in (
    ("upper_case_in_the_name", "InvalidImageName", "ghcr.io/Acme/Solver:1", 'Failed to apply default image tag "ghcr.io/Acme/Solver:1": couldn\'t parse image name "ghcr.io/Acme/Solver:1": invalid reference format: repository name (Acme/Solver) must be lowercase', "must be lowercase"),
    ("two_tags", "InvalidImageName", "ghcr.io/acme/solver:1:latest", 'Failed to apply default image tag "ghcr.io/acme/solver:1:latest": couldn\'t parse image name "ghcr.io/acme/solver:1:latest": invalid reference format', "couldn't parse image name"),
    ("never_pull_and_not_there", "ErrImageNeverPull", "solver:dev", 'Container image "solver:dev" is not present with pull policy of Never', "is not present with pull policy of Never"),
):  # fmt: skip
    incident("invalid_image_name", words=_words, source="kubernetes pkg/kubelet/images/image_manager.go", name=_name)(
        _bad_name(_reason, _image, _text)
    )


# A command that is not there


def _start(reason: str, code: int, message: str, log: str = "") -> Any:
    def build(s: Scene) -> None:
        app = s.victim(c={"command": ["serve-api"], "args": ["--listen", f":{s.port}"]})
        if log:
            s.crash(code, log)
        else:
            app.crash(code, reason=reason, message=message)
            app.event("Failed", f"Error: {message}", count=9)

    return build


@incident("bad_command", words="container create failed: executable file", source="containers/crun src/libcrun; cri-o")
def crun_executable_not_found(s: Scene) -> None:
    text = "container create failed: executable file `serve-api` not found in $PATH: No such file or directory"
    s.victim(c={"command": ["serve-api"]}).waiting("CreateContainerError", text)
    s.app.event("Failed", f"Error: {text}", count=30)


incident("bad_command", source="opencontainers/runc libcontainer", name="runc_executable_not_found")(
    _start("StartError", 128, 'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "serve-api": executable file not found in $PATH: unknown'))  # fmt: skip
incident("bad_command", needs="logs", near=("app_exception",), words="[FATAL tini (7)]", source="krallin/tini src/tini.c", name="tini_cannot_exec")(
    _start("Error", 127, "", "[FATAL tini (7)] exec serve-api failed: No such file or directory\n"))  # fmt: skip
incident("bad_command", needs="logs", near=("app_exception",), words="[dumb-init] serve-api: No such file", source="Yelp/dumb-init dumb-init.c", name="dumb_init_cannot_exec")(
    _start("Error", 2, "", "[dumb-init] serve-api: No such file or directory\n"))  # fmt: skip

ARGUMENTS = (
    ("pflag_unknown", 1, "Error: unknown flag: --lisen\nUsage:\n  solver serve [flags]\n\nFlags:\n      --listen string   address (default \":8080\")\n", "Error: unknown flag: --lisen", "spf13/pflag flag.go"),
    ("node_bad_option", 9, "/usr/local/bin/node: bad option: --max-old-space-sizes=512\n", "node: bad option: --max-old-space-sizes", "Node.js src/node.cc"),
    ("nginx_unknown_directive", 1, '2025/03/14 09:28:44 [emerg] 1#1: unknown directive "proxy_passs" in /etc/nginx/conf.d/default.conf:12\nnginx: [emerg] unknown directive "proxy_passs" in /etc/nginx/conf.d/default.conf:12\n', 'nginx: [emerg] unknown directive', "nginx src/core/ngx_conf_file.c"),
    ("go_flag_unknown", 2, "flag provided but not defined: -listen-adress\nUsage of /app/server:\n  -listen-address string\n    \taddress to serve on (default \":8080\")\n", "flag provided but not defined", "Go flag/flag.go"),
    ("jvm_option_unknown", 1, "Unrecognized VM option 'UseConcMarkSweepGC'\nError: Could not create the Java Virtual Machine.\nError: A fatal exception has occurred. Program will exit.\n", "Could not create the Java Virtual Machine", "OpenJDK src/java.base/share/native/libjli/java.c"),
    ("clap_unexpected_argument", 2, "error: unexpected argument '--prt' found\n\n  tip: a similar argument exists: '--port'\n\nUsage: server --port <PORT>\n\nFor more information, try '--help'.\n", "a similar argument exists", "clap-rs/clap clap_builder/src/error"),
    ("argparse_unrecognized", 2, "usage: server.py [-h] [--workers WORKERS]\nserver.py: error: unrecognized arguments: --workerz 4\n", "unrecognized arguments", "CPython Lib/argparse.py"),
    ("bash_unexpected_end", 2, "/opt/entry.sh: line 31: syntax error: unexpected end of file\n", "", "GNU bash parse.y"),
)  # fmt: skip


def _crash(code: int, log: str, **made: Any) -> Any:
    def build(s: Scene) -> None:
        s.victim(**made)
        s.crash(code, log, ran=0.01)

    return build


for _name, _code, _log, _words, _source in ARGUMENTS:
    incident(
        "script_or_args_error", needs="logs", near=("app_exception",), words=_words or (), source=_source, name=_name
    )(_crash(_code, _log))


# Sandboxes and addresses

SANDBOX = 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "9c1be6b0d9f3": '
SANDBOXES = (
    ("sandbox_create_failure", "ovn_port_binding", SANDBOX + 'plugin type="ovn-k8s-cni-overlay" name="ovn-kubernetes" failed (add): CNI request failed with status 400: failed to configure pod interface: timed out waiting for OVS port binding (ovn-installed) for 0a:58:0a:80:02:1f [10.128.2.31/23]', "timed out waiting for OVS port binding", "ovn-kubernetes go-controller/pkg/cni"),
    ("pod_ip_exhaustion", "azure_no_available_addresses", SANDBOX + 'plugin type="azure-vnet" failed (add): IPAM Invoker Add failed with error: Failed to allocate pool: No available addresses', "No available addresses", "Azure/azure-container-networking ipam"),
    ("pod_ip_exhaustion", "whereabouts_range_is_full", SANDBOX + 'plugin type="multus" failed (add): error adding container to network "storage": error at storage engine: Could not allocate IP in range: ip: 10.9.0.10 / - 10.9.0.20 / range: 10.9.0.0/24', "Could not allocate IP in range", "k8snetworkplumbingwg/whereabouts pkg/allocate"),
    ("sandbox_create_failure", "cilium_agent_gone", SANDBOX + 'plugin type="cilium-cni" failed (add): unable to connect to Cilium agent: failed to create cilium agent client after 30.000000 seconds timeout: Get "http://localhost/v1/config": dial unix /var/run/cilium/cilium.sock: connect: no such file or directory', "unable to connect to Cilium agent", "cilium plugins/cilium-cni/cmd"),
    ("sandbox_create_failure", "calico_unauthorized", SANDBOX + 'plugin type="calico" failed (add): error getting ClusterInformation: connection is unauthorized: Unauthorized', "error getting ClusterInformation", "projectcalico libcalico-go"),
    ("sandbox_create_failure", "flannel_subnet_file", SANDBOX + 'plugin type="flannel" failed (add): loadFlannelSubnetEnv failed: open /run/flannel/subnet.env: no such file or directory', "loadFlannelSubnetEnv failed", "flannel-io/cni-plugin flannel.go"),
    ("sandbox_create_failure", "cni_binary_gone", SANDBOX + 'failed to find plugin "bridge" in path [/opt/cni/bin]', "in path [/opt/cni/bin]", "containernetworking/cni pkg/invoke/find.go"),
    ("pod_ip_exhaustion", "calico_no_affine_blocks", SANDBOX + 'plugin type="calico" failed (add): failed to request IPv4 addresses: Assigned 0 out of 1 requested IPv4 addresses; No more free affine blocks and strict affinity enabled', "No more free affine blocks", "projectcalico libcalico-go/lib/ipam/ipam.go"),
    ("pod_ip_exhaustion", "cilium_ranges_exhausted", SANDBOX + 'plugin type="cilium-cni" failed (add): unable to allocate IP via local cilium agent: [POST /ipam][502] postIpamFailure  "all CIDR ranges are exhausted"', "all CIDR ranges are exhausted", "cilium pkg/ipam"),
    ("pod_ip_exhaustion", "vpc_cni_without_address", SANDBOX + 'plugin type="aws-cni" name="aws-cni" failed (add): add cmd: failed to assign an IP address to container', "failed to assign an IP address to container", "aws/amazon-vpc-cni-k8s cmd/routed-eni-cni-plugin"),
    ("pod_ip_exhaustion", "host_local_range_full", SANDBOX + 'plugin type="bridge" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.1.1-10.244.1.254', "", "containernetworking/plugins plugins/ipam/host-local"),
)  # fmt: skip


def _sandbox(text: str) -> Any:
    def build(s: Scene) -> None:
        app = s.victim(age=30).creating()
        app.event("FailedCreatePodSandBox", text, count=96)

    return build


for _mode, _name, _text, _words, _source in SANDBOXES:
    incident(_mode, words=_words or (), source=_source, name=_name)(_sandbox(_text))

PORTS = (
    ("puma_bind", 1, "Puma starting in single mode...\n* Puma version: 6.4.2\nbundler: failed to load command: puma\n/usr/local/bundle/gems/puma-6.4.2/lib/puma/binder.rb:336:in `initialize': Address already in use - bind(2) for \"0.0.0.0\" port {port} (Errno::EADDRINUSE)\n", 'bind(2) for "0.0.0.0" port', "Ruby ext/socket"),
    ("kestrel_failed_to_bind", 134, "Unhandled exception. System.IO.IOException: Failed to bind to address http://0.0.0.0:{port}: address already in use.\n ---> Microsoft.AspNetCore.Connections.AddressInUseException\n", "Failed to bind to address", "ASP.NET Core Kestrel AddressBinder.cs"),
    ("spring_port_in_use", 1, "***************************\nAPPLICATION FAILED TO START\n***************************\n\nDescription:\n\nWeb server failed to start. Port {port} was already in use.\n\nAction:\n\nIdentify and stop the process that's listening on port {port} or configure this application to listen on another port.\n", "Web server failed to start. Port", "spring-boot PortInUseFailureAnalyzer.java"),
    ("gunicorn_connection_in_use", 1, "[2025-03-14 09:28:11 +0000] [1] [INFO] Starting gunicorn 22.0.0\n[2025-03-14 09:28:11 +0000] [1] [ERROR] Connection in use: ('0.0.0.0', {port})\n[2025-03-14 09:28:12 +0000] [1] [ERROR] Retrying in 1 second.\n[2025-03-14 09:28:16 +0000] [1] [ERROR] Can't connect to ('0.0.0.0', {port})\n", "[ERROR] Connection in use:", "gunicorn gunicorn/sock.py"),
    ("node_eaddrinuse", 1, "node:events:495\n      throw er; // Unhandled 'error' event\n      ^\n\nError: listen EADDRINUSE: address already in use :::{port}\n    at Server.setupListenHandle [as _listen2] (node:net:1817:16) {{\n  code: 'EADDRINUSE',\n  errno: -98,\n  syscall: 'listen',\n  port: {port}\n}}\n", "", "Node.js lib/net.js"),
)  # fmt: skip


def _port(code: int, log: str) -> Any:
    def build(s: Scene) -> None:
        side = {"name": "metrics-relay", "image": "docker.io/library/haproxy:3.0", "ports": [{"containerPort": s.port}]}
        s.victim(sidecars=[side])
        s.crash(code, log.format(port=s.port))

    return build


for _name, _code, _log, _words, _source in PORTS:
    incident(
        "sidecar_port_conflict", needs="logs", near=("app_exception",), words=_words or (), source=_source, name=_name
    )(_port(_code, _log))
