"""Remedies as data: mode -> (what to do, a kubectl command to look or to do it). Commands are shown, never run."""

from __future__ import annotations

REMEDIES: dict[str, tuple[str, str]] = {
    "image_not_found": (
        "Push {image} to the registry, or set a tag that exists; the last working image is {previous_image}.",
        "kubectl{n} set image {lower}/{name} {container}={previous_image}",
    ),
    "image_pull_auth": (
        "Give the pod valid credentials for {registry}: create the pull secret and name it in imagePullSecrets of the"
        " workload or its ServiceAccount.",
        "kubectl{n} create secret docker-registry registry-credentials --docker-server={registry}"
        " --docker-username=USER --docker-password=PASSWORD",
    ),
    "registry_dns_or_network": (
        "Restore the way from the nodes to {registry}: DNS of the node, egress rules, proxy, and the registry itself.",
        "kubectl get nodes -o wide",
    ),
    "image_arch_mismatch": (
        "Build {image} for the architecture of the node (multi-arch manifest), or select nodes of its architecture.",
        "kubectl get nodes -L kubernetes.io/arch",
    ),
    "invalid_image_name": ("Correct the image reference {image}.", "kubectl{n} edit {lower}/{name}"),
    "missing_configmap": (
        "Create ConfigMap {missing_name} in namespace {namespace}, or correct the name in the pod template.",
        "kubectl{n} create configmap {missing_name} --from-file=PATH",
    ),
    "missing_secret": (
        "Create Secret {missing_name} in namespace {namespace}, or correct the name in the pod template.",
        "kubectl{n} create secret generic {missing_name} --from-file=PATH",
    ),
    "missing_key_in_configmap_or_secret": (
        "Add key {key} to {source_kind} {source_name}, or correct the key in the pod template.",
        "kubectl{n} edit {source_lower} {source_name}",
    ),
    "bad_command": (
        "Correct command or args of container {container}, or use an image that holds the program.",
        "kubectl{n} get {lower}/{name} -o yaml",
    ),
    "script_or_args_error": (
        "Correct the script or the arguments of container {container}.",
        "kubectl{n} logs {lower}/{name} -c {container} --previous",
    ),
    "init_container_crash": (
        "Read the log of init container {container} and remove what makes it fail; the pod starts when it ends with 0.",
        "kubectl{n} logs {lower}/{name} -c {container} --previous",
    ),
    "volume_permission_denied": (
        "Let the container's user own the path: set fsGroup or runAsUser, or mount an emptyDir there.",
        "kubectl{n} get {lower}/{name} -o yaml",
    ),
    "security_context_invalid": (
        "Set runAsUser to a non-root id, or build the image with a numeric USER.",
        "kubectl{n} edit {lower}/{name}",
    ),
    "sandbox_create_failure": (
        "Look at the network plugin and the container runtime of the node; they could not make the pod's sandbox.",
        "kubectl{n} describe pod {pod}",
    ),
    "init_container_hang": (
        "Bring up what init container {container} waits for, or correct the address it asks.",
        "kubectl{n} logs {lower}/{name} -c {container}",
    ),
    "too_many_pods_on_node": ("Add a node, or raise the nodes' pod limit.", "kubectl get nodes"),
    "hostport_conflict": ("Use a Service instead of a host port, or free the port.", "kubectl{n} edit {lower}/{name}"),
    "topology_spread": (
        "Add nodes to the scarce domain, or let the constraint be ScheduleAnyway.",
        "kubectl{n} edit {lower}/{name}",
    ),
    "pv_node_affinity_conflict": (
        "Run the pod in the zone of its volume, or make the volume anew where it may run.",
        "kubectl get pv -o wide",
    ),
    "scheduler_down": (
        "Look at the scheduler that the pod names; it does not work.",
        "kubectl -n kube-system get pods",
    ),
    "cni_route_broken": (
        "Look at the pods of the network plugin on the node.",
        "kubectl -n kube-system get pods -o wide --field-selector spec.nodeName={name}",
    ),
    "oom_killed": (
        "Raise the memory limit of container {container} above its real need (it is {limit}), or make it use less.",
        "kubectl{n} set resources {lower}/{name} -c {container} --limits=memory={suggested_limit}",
    ),
    "liveness_wrong_port": (
        "Point the liveness probe of container {container} at the port the application listens on ({right_port}).",
        "kubectl{n} edit {lower}/{name}",
    ),
    "liveness_wrong_protocol": (
        "Make the liveness probe of container {container} speak the application's protocol.",
        "kubectl{n} edit {lower}/{name}",
    ),
    "liveness_too_aggressive": (
        "Give container {container} time to start: add a startupProbe, or raise initialDelaySeconds, timeoutSeconds or"
        " failureThreshold of the liveness probe.",
        "kubectl{n} edit {lower}/{name}",
    ),
    "readiness_wrong_port": (
        "Point the readiness probe of container {container} at the port the application listens on ({right_port}).",
        "kubectl{n} edit {lower}/{name}",
    ),
    "readiness_wrong_protocol": (
        "Make the readiness probe of container {container} speak the application's protocol.",
        "kubectl{n} edit {lower}/{name}",
    ),
    "app_exception": (
        "Read the error and correct the application or its configuration; if it began with a rollout, roll back.",
        "kubectl{n} rollout undo {lower}/{name}",
    ),
    "missing_env_var": (
        "Set environment variable {variable} for "
        "container {container} (from "
        "a ConfigMap or"
        " Secret), or make it optional.",
        "kubectl{n} set env {lower}/{name} -c {container} {variable}=VALUE",
    ),
    "certificate_expired": ("Renew the certificate and restart what holds it.", ""),
    "rbac_forbidden": (
        "Bind a role that allows it to ServiceAccount {account}: {verb} {what}.",
        "kubectl{account_n} create role {account_name}-{verb} --verb={verb} --resource={what}",
    ),
    "dependency_unreachable": (
        "Bring {host} back, or correct the address that the application uses.",
        "kubectl{n} logs {lower}/{name} --previous",
    ),
    "insufficient_cpu": (
        "Add a node with room, lower the CPU request ({request}), or free CPU on the nodes that fit.",
        "kubectl{n} set resources {lower}/{name} --requests=cpu=LESS",
    ),
    "insufficient_memory": (
        "Add a node with room, lower the memory request ({request}), or free memory on the nodes that fit.",
        "kubectl{n} set resources {lower}/{name} --requests=memory=LESS",
    ),
    "insufficient_gpu_or_extended": (
        "Add a node that offers {resource_name}, install its device plugin, or lower the request.",
        "kubectl get nodes -o custom-columns=NAME:.metadata.name,ALLOCATABLE:.status.allocatable",
    ),
    "node_selector_mismatch": (
        "Label a node with {selector}, or correct the nodeSelector of the pod template.",
        "kubectl get nodes --show-labels",
    ),
    "node_affinity_mismatch": (
        "Label a node so that the required node affinity holds, or relax the affinity.",
        "kubectl get nodes --show-labels",
    ),
    "pod_anti_affinity": (
        "Add nodes (or zones), lower the replicas, or make the anti-affinity preferred instead of required.",
        "kubectl{n} get {lower}/{name} -o yaml",
    ),
    "taint_not_tolerated": (
        "Add a toleration for {taint} to the pod template, or remove the taint if it is not meant.",
        "kubectl get nodes -o custom-columns=NAME:.metadata.name,TAINTS:.spec.taints",
    ),
    "nodes_cordoned": ("Uncordon a node that fits, or add one.", "kubectl uncordon {node}"),
    "node_name_absent": (
        "Remove spec.nodeName (or the hostname selector) from the pod template: node {node} does not exist.",
        "kubectl get nodes",
    ),
    "pvc_storageclass_missing": (
        "Create StorageClass {class_name}, or make the claim anew with a class that exists ({classes}).",
        "kubectl get storageclass",
    ),
    "pvc_absent": (
        "Create volume claim {claim} in namespace {namespace}, or correct claimName in the pod template.",
        "kubectl{n} get pvc",
    ),
    "quota_cpu": ("Raise quota {quota}, lower CPU requests, or remove pods.", "kubectl{n} describe quota {quota}"),
    "quota_memory": (
        "Raise quota {quota}, lower memory requests, or remove pods.",
        "kubectl{n} describe quota {quota}",
    ),
    "quota_pods": ("Raise quota {quota}, or run fewer pods.", "kubectl{n} describe quota {quota}"),
    "quota_services": ("Raise quota {quota}, or remove Services.", "kubectl{n} describe quota {quota}"),
    "quota_storage": ("Raise quota {quota}, or remove volume claims.", "kubectl{n} describe quota {quota}"),
    "limitrange_violation": (
        "Bring the container's resources within LimitRange {limit_range}, or change the LimitRange.",
        "kubectl{n} describe limitrange",
    ),
    "service_account_missing": (
        "Create ServiceAccount {account} in namespace {namespace}, or correct serviceAccountName.",
        "kubectl{n} create serviceaccount {account}",
    ),
    "psa_rejects_recreate": (
        "Remove from the pod template what "
        "level {level} forbids "
        "({violations}), or choose"
        " another "
        "level for the namespace.",
        "kubectl get namespace {namespace} --show-labels",
    ),
    "webhook_unavailable_or_slow": (
        "Bring the webhook's backend {backend} back; until then, set failurePolicy Ignore or narrow its selector.",
        "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
    ),
    "webhook_tls_mismatch": (
        "Renew the webhook's certificate, or write the CA that signed it into caBundle.",
        "kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations",
    ),
    "zero_replicas": (
        "Scale {kind} {name} up again; something still depends on it.",
        "kubectl{n} scale {lower}/{name} --replicas={replicas}",
    ),
    "rollout_stuck": (
        "Find out why the new pods do not become ready; if nothing helps quickly, roll back.",
        "kubectl{n} rollout undo {lower}/{name}",
    ),
    "job_backoff_limit": (
        "Correct what makes the job's pods fail, delete the Job and run it again.",
        "kubectl{n} logs job/{name}",
    ),
    "cronjob_suspended_or_bad_schedule": (
        "Resume the CronJob, or correct its schedule; delete it if it is not wanted.",
        'kubectl{n} patch cronjob {name} -p \'{{"spec":{{"suspend":false}}}}\'',
    ),
    "hpa_no_metrics": (
        "{advice}",
        "kubectl{n} describe hpa {name}",
    ),
    "hpa_maxed_or_target_missing": (
        "Correct scaleTargetRef, or delete the autoscaler.",
        "kubectl{n} describe hpa {name}",
    ),
    "networkpolicy_blocks": (
        "Add a rule for {caller} and port {port} to the policy, if it is meant to call.",
        "kubectl{n} edit networkpolicy {name}",
    ),
    "pdb_blocks_drain": (
        "Allow one disruption (raise maxUnavailable "
        "or lower minAvailable), or "
        "run one replica"
        " more, until the drain is done.",
        "kubectl{n} edit pdb {name}",
    ),
    "finalizer_deadlock": (
        "Bring back the controller that removes "
        "finalizer {finalizer}; only when "
        "it is gone for"
        " good, remove "
        "the finalizer by hand.",
        "kubectl get {lower} {name} -o yaml",
    ),
    "service_selector_mismatch": (
        "Make the Service's selector match the pods' labels ({suggested_selector}).",
        "kubectl{n} edit service {name}",
    ),
    "target_port_mismatch": (
        "Set targetPort to a port the pods listen on ({right_port}).",
        "kubectl{n} edit service {name}",
    ),
    "service_missing": (
        "Create Service {service} again, or correct the name its callers use.",
        "kubectl{service_n} expose deployment {service} --port=PORT",
    ),
    "endpoints_not_ready": (
        "Find out why the readiness probe fails; until then the Service sends no traffic to these pods.",
        "kubectl{n} describe pods",
    ),
    "ingress_class_missing": (
        "Set ingressClassName to a class that exists ({classes}), or install the controller that serves {class_name}.",
        "kubectl get ingressclass",
    ),
    "ingress_backend_or_tls_missing": (
        "Create {missing_kind} {missing_name} in namespace {namespace}, or correct the Ingress.",
        "kubectl{n} edit ingress {name}",
    ),
    "kubelet_down": (
        "Look at the machine: kubelet, its network and its disk; if it does not come back, drain and replace the node.",
        "kubectl describe node {name}",
    ),
    "container_runtime_down": (
        "Restart the container runtime on the node; if it does not come back, drain and replace the node.",
        "kubectl describe node {name}",
    ),
    "node_pressure_eviction": (
        "Free {pressure} on the node (images, logs, "
        "emptyDir data, memory hogs) or "
        "give it more;"
        " pods are refused or evicted there.",
        "kubectl describe node {name}",
    ),
    "rwo_multi_attach": (
        "Delete the pod that still holds the volume, or its VolumeAttachment if that node is gone.",
        "kubectl get volumeattachments",
    ),
    "pod_ip_exhaustion": (
        "Free pod addresses on node {node}, give the network plugin a larger range, or move pods to other nodes.",
        "kubectl get pods -A -o wide --field-selector spec.nodeName={node}",
    ),
    "memory_leak": (
        "Restart it to win time, then find what holds the memory; if it began with a rollout, roll back.",
        "kubectl{n} rollout restart {lower}/{name}",
    ),
    "limits_rewritten_by_webhook": (
        "Correct what webhook {webhook} sets for container {container}, then make the pods anew.",
        "kubectl get mutatingwebhookconfigurations",
    ),
    "cpu_throttling": (
        "Raise the CPU limit of container {container} (it is {limit}), or remove it and keep the request.",
        "kubectl{n} set resources {lower}/{name} -c {container} --limits=cpu=MORE",
    ),
    "cpu_overload": (
        "Add replicas or CPU, and find what makes it work so much.",
        "kubectl{n} scale {lower}/{name} --replicas=MORE",
    ),
    "env_var_wrong_address": (
        "Set variable {variable} of container {container} to the right address ({right}).",
        "kubectl{n} edit {lower}/{name}",
    ),
    "hostname_typo": ("Correct the host name; {right} was probably meant.", "kubectl{n} edit {lower}/{name}"),
    "env_shadowed": (
        "Set variable {variable} of container {container} once, to the value that is meant.",
        "kubectl{n} edit {lower}/{name}",
    ),
    "app_feature_flag_or_bug": (
        "Read the error; switch off the flag or the release that brought it.",
        "kubectl{n} logs {lower}/{name}",
    ),
    "db_bad_credentials": (
        "Give container {container} credentials that the server accepts, and restart it.",
        "kubectl{n} rollout restart {lower}/{name}",
    ),
    "db_wrong_port": (
        "Let container {container} call the port that the database serves ({right}).",
        "kubectl{n} edit {lower}/{name}",
    ),
    "db_connections_exhausted": (
        "Find who holds the connections; lower the clients' pool sizes or raise the server's limit.",
        "kubectl{n} logs {lower}/{name}",
    ),
    "db_read_only": (
        "Send writes to the primary, or find out why the server is read-only (disk full, failover, a replica).",
        "kubectl{n} logs {lower}/{name}",
    ),
    "db_slow_query_or_missing_index": (
        "Look at the slow queries and lock waits of the database.",
        "kubectl{n} logs {lower}/{name}",
    ),
    "cache_auth_or_memory": (
        "Give the cache's clients its password, or the cache more memory or an eviction policy.",
        "kubectl{n} logs {lower}/{name}",
    ),
    "queue_lag_or_poison_message": (
        "Set aside the message that cannot be processed, or add consumers.",
        "kubectl{n} logs {lower}/{name}",
    ),
    "broker_partition": (
        "Restore the network between the members of the broker's cluster, then heal the partition by its own tools.",
        "kubectl{n} get pods -o wide",
    ),
    "secret_rotated_but_env_stale": (
        "Restart the workload so that it reads the new Secret.",
        "kubectl{n} rollout restart {lower}/{name}",
    ),
    "config_drift_after_deploy": (
        "Roll back to revision {revision}, then correct the change.",
        "kubectl{n} rollout undo {lower}/{name}",
    ),
    "retry_storm": (
        "Shed load: limit or switch off retries at the callers, scale out, then let traffic back step by step.",
        "kubectl{n} logs {lower}/{name}",
    ),
    "preempted_by_priority": (
        "Add room for both, or give this workload a priority that fits its importance.",
        "kubectl get priorityclasses",
    ),
    "pvc_capacity": ("Offer a volume that is large enough, or claim less.", "kubectl get pv"),
    "pvc_access_mode": (
        "Claim an access mode that {volume} offers, or use a class that offers this one.",
        "kubectl get pv,storageclass",
    ),
    "pvc_selector": (
        "Label a volume so that the claim selects it, or correct the selector.",
        "kubectl get pv --show-labels",
    ),
    "pv_already_bound": (
        "Claim another volume, or free {volume} from the claim that holds it.",
        "kubectl get pv {volume}",
    ),
    "pv_released_failed": (
        "Save the data of {volume}, then remove its claimRef so that it can be claimed, or restore it from a backup.",
        "kubectl get pv {volume} -o yaml",
    ),
    "mesh_mtls_or_authz_denies": (
        "Compare the mesh's authorisation and TLS policies with the caller's identity.",
        "kubectl{n} get authorizationpolicies,peerauthentications",
    ),
    "keda_absent": (
        "Install or start the KEDA operator.",
        "kubectl get pods -A -l app.kubernetes.io/part-of=keda-operator",
    ),
    "statefulset_update_strategy_wrong": (
        "Set updateStrategy RollingUpdate without a partition, or delete the old pods one by one ({strategy}).",
        "kubectl{n} edit statefulset {name}",
    ),
    "cronjob_never_completes": (
        "End container {container} when the work is done, or make it a sidecar (restartable init container).",
        "kubectl{n} get jobs",
    ),
    "replicas_mismatch": ("Look at the controller manager; it does not act.", "kubectl{n} describe {lower}/{name}"),
    "selector_too_broad": (
        "Make the Service's selector fit its own pods only; it also selects {foreign}.",
        "kubectl{n} edit service {name}",
    ),
    "service_protocol_mismatch": (
        "Set the port's protocol to {right_protocol}.",
        "kubectl{n} edit service {name}",
    ),
    "internal_traffic_policy_local": (
        "Set internalTrafficPolicy Cluster, or run an endpoint on each node that calls.",
        "kubectl{n} edit service {name}",
    ),
    "ingress_or_gateway_misroute": ("Let the path lead to Service {right}.", "kubectl{n} edit ingress {name}"),
    "gateway_api_condition_false": (
        "Correct what the condition names ({reason}).",
        "kubectl{n} describe {lower} {name}",
    ),
    "pod_dns_policy_wrong": (
        "Set dnsPolicy ClusterFirst (ClusterFirstWithHostNet on the host network).",
        "kubectl{n} edit {lower}/{name}",
    ),
    "coredns_misconfigured_or_stale": (
        "Correct the Corefile and restart the DNS pods.",
        "kubectl{n} rollout restart {lower}/{name}",
    ),
    "pod_network_delay": ("Measure round trips to its pods, and trace a slow request.", "kubectl{n} get pods -o wide"),
    "node_network_delay": (
        "Measure round trips to node {name}; move pods away if they are slow.",
        "kubectl describe node {name}",
    ),
    "packet_loss_or_corruption": (
        "Look at the interfaces and the path (MTU, drops, retransmissions).",
        "kubectl{n} describe {lower} {name}",
    ),
    "kube_proxy_down": ("Restart kube-proxy on node {name}.", "kubectl -n kube-system get pods -o wide"),
    "clock_drift": ("Repair time synchronisation (chrony, ntpd) on the nodes concerned.", "kubectl get nodes"),
    "apiserver_request_surge": ("Find the client by the audit log and slow it down.", "kubectl get flowschemas"),
    "storage_io_errors": (
        "Look at the disk and the kernel log; move the data away.",
        "kubectl{n} describe {lower} {name}",
    ),
    "ephemeral_storage_or_disk_full": ("Free space, or give the volume more.", "kubectl{n} describe {lower}/{name}"),
    "fd_conntrack_ephemeral_port_exhaustion": (
        "Raise the limit of files, connections or threads, and find what leaks them.",
        "kubectl{n} logs {lower}/{name}",
    ),
    "sidecar_port_conflict": ("Give each container of the pod a port of its own.", "kubectl{n} edit {lower}/{name}"),
    "startup_probe_too_short": (
        "Raise failureThreshold or periodSeconds of the startup probe.",
        "kubectl{n} edit {lower}/{name}",
    ),
}
