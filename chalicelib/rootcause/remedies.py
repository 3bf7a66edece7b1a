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
        "Restore the way from the nodes to {registry}: DNS of the node, egress rules, proxy, and the"
        " registry itself.",
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
        "Read the log of init container {container} and remove what makes it fail; the pod starts when"
        " it ends with 0.",
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
        "Set environment variable {variable} for " "container {container} (from " "a ConfigMap or"
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
        "Remove from the pod template what " "level {level} forbids " "({violations}), or choose"
        " another " "level for the namespace.",
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
        "kubectl{n} patch cronjob {name} -p '{{\"spec\":{{\"suspend\":false}}}}'",
    ),
    "hpa_no_metrics": (
        "{advice}",
        "kubectl{n} describe hpa {name}",
    ),
    "hpa_maxed_or_target_missing": (
        "Correct scaleTargetRef, or delete the autoscaler.", "kubectl{n} describe hpa {name}",
    ),
    "networkpolicy_blocks": (
        "Add a rule for {caller} and port {port} to the policy, if it is meant to call.",
        "kubectl{n} edit networkpolicy {name}",
    ),
    "pdb_blocks_drain": (
        "Allow one disruption (raise maxUnavailable " "or lower minAvailable), or " "run one replica"
        " more, until the drain is done.",
        "kubectl{n} edit pdb {name}",
    ),
    "finalizer_deadlock": (
        "Bring back the controller that removes " "finalizer {finalizer}; only when " "it is gone for"
        " good, remove " "the finalizer by hand.",
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
        "Set ingressClassName to a class that exists ({classes}), or install the controller that serves"
        " {class_name}.",
        "kubectl get ingressclass",
    ),
    "ingress_backend_or_tls_missing": (
        "Create {missing_kind} {missing_name} in namespace {namespace}, or correct the Ingress.",
        "kubectl{n} edit ingress {name}",
    ),
    "kubelet_down": (
        "Look at the machine: kubelet, its network and its disk; if it does not come back, drain and"
        " replace the node.",
        "kubectl describe node {name}",
    ),
    "container_runtime_down": (
        "Restart the container runtime on the node; if it does not come back, drain and replace the node.",
        "kubectl describe node {name}",
    ),
    "node_pressure_eviction": (
        "Free {pressure} on the node (images, logs, " "emptyDir data, memory hogs) or " "give it more;"
        " pods are refused or evicted there.",
        "kubectl describe node {name}",
    ),
    "rwo_multi_attach": (
        "Delete the pod that still holds the volume, or its VolumeAttachment if that node is gone.",
        "kubectl get volumeattachments",
    ),
}  # fmt: skip
