# ruff: noqa: E501  (messages stand as kubelet, scheduler and runtimes write them)
"""Incidents of traffic: Services and Ingresses."""

from __future__ import annotations

from tests.bench.heldout.case import FIRST, Fault, fault
from tests.bench.heldout.dump import DAY, Dump
from tests.bench.heldout.props import ingress

case = FIRST.case


@case("incident", "eks", "v1.30.8-eks-2d5f260")
def chart_upgrade_changed_the_labels(d: Dump) -> list[Fault]:
    """The Service still selects the labels of the old chart; its pods are Ready under the new."""
    d.app(
        "shop",
        "wishlist",
        age=DAY,
        labels={"app.kubernetes.io/name": "wishlist", "app.kubernetes.io/instance": "wishlist-v2"},
    )
    d.service(
        "shop", "wishlist", selector={"app.kubernetes.io/name": "wishlist", "app.kubernetes.io/instance": "wishlist"}
    )
    return [fault("service_selector_mismatch", "Service shop/wishlist")]


@case("incident", "kind", "v1.25.3", 1)
def selector_typo_and_a_failing_ingress(d: Dump) -> list[Fault]:
    """tier: backned instead of backend; the Ingress in front answers 503."""
    d.app("shop", "orders", age=3 * DAY, labels={"app": "orders", "tier": "backend"})
    d.service("shop", "orders", selector={"app": "orders", "tier": "backned"})
    d.add("IngressClass", "", "nginx", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    ingress(d, "shop", "orders", "orders.example.com", "orders", 80)
    d.app("ingress-nginx", "controller", age=9 * DAY).log(
        'W0314 09:11:02.1 7 controller.go:1214] Service "shop/orders" does not have any active Endpoint.\n'
    )
    return [fault("service_selector_mismatch", "Service shop/orders")]


@case("incident", "gke", "v1.28.14-gke.1175000")
def target_port_name_that_no_container_has(d: Dump) -> list[Fault]:
    """targetPort web; the containers call their port http."""
    d.app("blog", "pub", age=2 * DAY)
    d.service("blog", "pub", ports=[{"name": "web", "port": 80, "targetPort": "web"}])
    return [fault("target_port_mismatch", "Service blog/pub")]


@case("incident", "eks", "v1.29.3-eks-adc7111")
def target_port_number_of_the_previous_app(d: Dump) -> list[Fault]:
    """targetPort 3000; the container listens on 8080 and clients get connection refused."""
    d.app("ui", "spa", age=2 * DAY).log("nginx: listening on 0.0.0.0:8080\n")
    d.service("ui", "spa", ports=[{"name": "http", "port": 80, "targetPort": 3000}])
    d.app("ui", "bff", age=2 * DAY, c={"env": [{"name": "SPA", "value": "http://spa"}]}).log(
        "ERROR fetch http://spa/ failed: connect ECONNREFUSED 172.20.9.10:80\n" * 4
    )
    return [fault("target_port_mismatch", "Service ui/spa")]


@case("incident", "k3s", "v1.29.15+k3s1", 2)
def callers_of_a_deleted_service(d: Dump) -> list[Fault]:
    """An env variable names a Service of the same namespace that does not exist; the caller logs the lookup failure."""
    d.app("pay", "psp", age=4 * DAY)
    a = d.app(
        "pay",
        "checkout",
        age=4 * DAY,
        c={"env": [{"name": "FRAUD_ADDR", "value": "fraud-check.pay.svc.cluster.local:9090"}]},
    )
    a.crash(
        1,
        "2025/03/14 09:26:11 dial fraud-check.pay.svc.cluster.local:9090: dial tcp: lookup fraud-check.pay.svc.cluster.local on 10.43.0.10:53: no such host\n",
        ran=0.2,
    )
    return [fault("service_missing", "Service pay/fraud-check", "Deployment pay/checkout")]


@case("incident", "eks", "v1.28.9-eks-036c24b")
def backend_pods_never_become_ready(d: Dump) -> list[Fault]:
    """All pods behind the Service are unready for a dependency outside; endpoints exist, none ready."""
    probe = {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 5}
    a = d.app("geo", "tiles", age=3 * DAY, c={"readinessProbe": probe}, kind="StatefulSet")
    a.unready("Readiness probe failed: HTTP probe failed with statuscode: 503", log="WARN warming tile cache 3%\n")
    d.service("geo", "tiles", clusterIP="None")
    return [fault("endpoints_not_ready", "Service geo/tiles", "StatefulSet geo/tiles")]


@case("incident", "openshift", "v1.30.7+9a6e2d1")
def ingress_class_of_an_uninstalled_controller(d: Dump) -> list[Fault]:
    """ingressClassName traefik; only openshift-default exists."""
    d.add("IngressClass", "", "openshift-default", {"spec": {"controller": "openshift.io/ingress-to-route"}})
    d.app("web", "www", age=2 * DAY)
    d.service("web", "www")
    ingress(d, "web", "www", "www.example.org", "www", 80, cls="traefik", age=2 * DAY, address=False)
    return [fault("ingress_class_missing", "Ingress web/www")]


@case("incident", "gke", "v1.31.1-gke.2008000")
def ingress_without_class_and_no_default(d: Dump) -> list[Fault]:
    """No class named, none marked default: nobody picks the Ingress up."""
    d.add("IngressClass", "", "nginx-internal", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    d.app("web", "app", age=2 * DAY)
    d.service("web", "app")
    ingress(d, "web", "app", "app.example.org", "app", 80, cls=None, age=2 * DAY, address=False)
    return [fault("ingress_class_missing", "Ingress web/app")]


@case("incident", "eks", "v1.29.8-eks-a737599")
def ingress_to_a_renamed_service(d: Dump) -> list[Fault]:
    """One of two paths routes to a Service that was renamed."""
    d.add("IngressClass", "", "alb", {"spec": {"controller": "ingress.k8s.aws/alb"}})
    d.app("store", "catalog", age=2 * DAY)
    d.service("store", "catalog-v2", selector={"app.kubernetes.io/name": "catalog"})
    i = ingress(d, "store", "store", "store.example.com", "catalog-v2", 80, cls="alb")
    i["spec"]["rules"][0]["http"]["paths"].append(
        {"path": "/old", "pathType": "Prefix", "backend": {"service": {"name": "catalog", "port": {"number": 80}}}}
    )
    d.event(
        i,
        "FailedBuildModel",
        'Failed build model due to ingress: store/store: Service "catalog" not found',
        by="ingress",
        count=20,
    )
    return [fault("ingress_backend_or_tls_missing", "Ingress store/store", "Service store/catalog")]


@case("incident", "k3s", "v1.32.3+k3s1", 2)
def ingress_tls_secret_never_issued(d: Dump) -> list[Fault]:
    """The TLS secret does not exist (Secrets were readable)."""
    d.add(
        "IngressClass",
        "",
        "traefik",
        {
            "spec": {"controller": "traefik.io/ingress-controller"},
            "metadata": {"annotations": {"ingressclass.kubernetes.io/is-default-class": "true"}},
        },
    )
    d.app("mail", "webmail", age=2 * DAY)
    d.service("mail", "webmail")
    i = ingress(d, "mail", "webmail", "mail.example.com", "webmail", 80, cls="traefik")
    i["spec"]["tls"] = [{"hosts": ["mail.example.com"], "secretName": "mail-example-com-tls"}]
    d.app("kube-system", "traefik", age=9 * DAY).log(
        'time="2025-03-14T09:20:31Z" level=error msg="Error configuring TLS: secret mail/mail-example-com-tls does not exist" ingress=webmail namespace=mail providerName=kubernetes\n'
    )
    return [fault("ingress_backend_or_tls_missing", "Ingress mail/webmail")]


@case("incident", "eks", "v1.27.13-eks-3af4770")
def ingress_default_backend_with_a_wrong_port(d: Dump) -> list[Fault]:
    """defaultBackend names a port that the Service does not have."""
    d.add("IngressClass", "", "nginx", {"spec": {"controller": "k8s.io/ingress-nginx"}})
    d.app("landing", "page", age=2 * DAY)
    d.service("landing", "page")
    d.add(
        "Ingress",
        "landing",
        "root",
        {
            "spec": {
                "ingressClassName": "nginx",
                "defaultBackend": {"service": {"name": "page", "port": {"number": 8000}}},
            },
            "status": {"loadBalancer": {"ingress": [{"ip": "203.0.113.9"}]}},
        },
    )
    return [fault("ingress_backend_or_tls_missing", "Ingress landing/root")]
