"""Documents as clusters produce them, with planted credentials of many kinds, or with none. Nothing here is real."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from dataclasses import dataclass, field

LETTERS = string.ascii_letters + string.digits
HEX = "0123456789abcdef"
URLSAFE = LETTERS + "-_"
Make = Callable[[random.Random], str]


def _of(alphabet: str, length: int) -> Make:
    return lambda r: "".join(r.choice(alphabet) for _ in range(length))


def _with(prefix: str, alphabet: str, length: int) -> Make:
    body = _of(alphabet, length)
    return lambda r: prefix + body(r)


def _password(r: random.Random) -> str:
    """Words and digits, as people choose them: no entropy filter would find it."""
    words = ("summer", "Winter", "dragon", "Tr0ub4dor", "correct", "horse", "letmein", "Kubernetes", "shop", "Zürich")
    return r.choice(words) + r.choice(("", "-", "_", ".", "!")) + r.choice(words) + str(r.randrange(1000, 99999))


def _jwt(r: random.Random) -> str:
    head = base64.urlsafe_b64encode(json.dumps({"alg": "RS256", "kid": _of(LETTERS, 10)(r)}).encode()).decode()
    body = base64.urlsafe_b64encode(json.dumps({"iss": "kubernetes/serviceaccount"}).encode()).decode()
    return f"{head.rstrip('=')}.{body.rstrip('=')}.{_of(URLSAFE, 60)(r)}"


def _pem(r: random.Random) -> str:
    kind = r.choice(
        ("RSA PRIVATE KEY", "EC PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
    )
    body = "\n".join(_of(LETTERS + "+/", 64)(r) for _ in range(3))
    return f"-----BEGIN {kind}-----\n{body}\n-----END {kind}-----"


WHOLE: dict[str, Make] = {
    "pem": _pem,
    "pem_base64": lambda r: base64.b64encode(_pem(r).encode()).decode(),
    "jwt": _jwt,
    "aws_key_id": _with("AKIA", string.ascii_uppercase + string.digits, 16),
    "aws_session_key_id": _with("ASIA", string.ascii_uppercase + string.digits, 16),
    "github": _with("ghp_", LETTERS, 36),
    "github_fine": lambda r: f"github_pat_{_of(LETTERS, 22)(r)}_{_of(LETTERS, 59)(r)}",
    "gitlab": _with("glpat-", URLSAFE, 20),
    "slack_bot": lambda r: f"xoxb-{r.randrange(10**11, 10**12)}-{r.randrange(10**11, 10**12)}-{_of(LETTERS, 24)(r)}",
    "slack_app": lambda r: f"xapp-1-A{_of(LETTERS, 10)(r)}-{r.randrange(10**12)}-{_of(HEX, 64)(r)}",
    "slack_hook": lambda r: (
        f"https://hooks.slack.com/services/T{_of(LETTERS, 8)(r)}/B{_of(LETTERS, 8)(r)}/{_of(LETTERS, 24)(r)}"
    ),
    "openai": _with("sk-proj-", URLSAFE, 48),
    "anthropic": _with("sk-ant-api03-", URLSAFE, 80),
    "stripe": _with("sk_live_", LETTERS, 24),
    "google_key": _with("AIza", URLSAFE, 35),
    "google_oauth": _with("ya29.", URLSAFE, 60),
    "npm": _with("npm_", LETTERS, 36),
    "pypi": _with("pypi-AgEIcHlwaS5vcmc", URLSAFE, 60),
    "digitalocean": _with("dop_v1_", HEX, 64),
    "eks": _with("k8s-aws-v1.", URLSAFE, 80),
    "sendgrid": lambda r: f"SG.{_of(URLSAFE, 22)(r)}.{_of(URLSAFE, 43)(r)}",
    "twilio": _with("SK", HEX, 32),
    "telegram": lambda r: f"{r.randrange(10**8, 10**9)}:AA{_of(URLSAFE, 33)(r)}",
    "vault": _with("hvs.", URLSAFE, 40),
    "docker": _with("dckr_pat_", URLSAFE, 27),
    "hugging_face": _with("hf_", LETTERS, 34),
    "databricks": _with("dapi", HEX, 32),
    "grafana": lambda r: f"glsa_{_of(LETTERS, 32)(r)}_{_of(HEX, 8)(r)}",
    "bcrypt": _with("$2b$12$", "./" + LETTERS, 53),
}
"""Credentials that are known by their form, wherever they stand."""

NAMED_VALUES: dict[str, Make] = {
    "password": _password,
    "hex_key": _of(HEX, 32),
    "aws_secret": _of(LETTERS + "/+", 40),
    "opaque": _of(LETTERS, 24),
}
NAMES = (
    "DB_PASSWORD", "db_password", "spring.datasource.password", "dbPassword", "PGPASSWORD", "MYSQL_ROOT_PASSWORD",
    "REDIS_PASS", "AWS_SECRET_ACCESS_KEY", "aws.secretKey", "clientSecret", "CLIENT_SECRET", "API_KEY", "apiKey",
    "stripe-api-key", "DD_API_KEY", "encryption_key", "SIGNING_KEY", "JWT_SECRET", "session_secret", "SECRET_KEY_BASE",
    "auth_token", "ACCESS_TOKEN", "refreshToken", "GITHUB_TOKEN", "VAULT_TOKEN", "slack_bot_token", "AccountKey",
    "SharedAccessKey", "connectionString", "keystore.passphrase", "private_key", "HMAC_KEY", "smtp_passwd", "ldap-pwd",
)  # fmt: skip

Place = Callable[[random.Random, str, str], str]
PLACES: dict[str, Place] = {
    "env": lambda r, n, v: f"{n}={v}",
    "export": lambda r, n, v: f"export {n}='{v}'",
    "properties": lambda r, n, v: f"{n} = {v}",
    "yaml": lambda r, n, v: f"    {n}: {v}",
    "yaml_quoted": lambda r, n, v: f'    {n}: "{v}"',
    "json": lambda r, n, v: json.dumps({"level": "debug", n: v, "n": 3}),
    "json_text": lambda r, n, v: json.dumps({"msg": json.dumps({n: v, "host": "db"})}),
    "container_env": lambda r, n, v: f"        - name: {n}\n          value: {v}",
    "container_env_json": lambda r, n, v: json.dumps({"env": [{"name": n, "value": v}]}),
    "flag": lambda r, n, v: f"args: --{n.lower().replace('_', '-')}={v} --port 80",
    "flag_apart": lambda r, n, v: f"exec app --{n.lower().replace('_', '-')} {v} --verbose",
    "flag_list": lambda r, n, v: json.dumps(["app", f"--{n.lower()}", v, "--verbose"]),
    "ruby": lambda r, n, v: f'config: {{:{n} => "{v}", :pool => 5}}',
    "xml": lambda r, n, v: f"<property><{n}>{v}</{n}></property>",
    "query": lambda r, n, v: f"GET /login?user=ana&{n}={v}&page=2 401",
    "log": lambda r, n, v: f"2026-03-04T12:00:00Z DEBUG loaded {n}={v}, retries=3",
}


def _basic_url(r: random.Random, v: str) -> str:
    scheme = r.choice(("postgres", "mysql", "amqp", "redis", "mongodb+srv", "https"))
    return f"connecting to {scheme}://shop:{v}@db.shop.svc:5432/shop?ssl=true"


def _secret_yaml(r: random.Random, v: str) -> str:
    held = base64.b64encode(v.encode()).decode()
    key = r.choice(("password", "tls.key", "config.json", "value", "whatever"))
    return f"apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\ndata:\n  {key}: {held}\n  other: {held}\ntype: Opaque"


def _secret_json(r: random.Random, v: str) -> str:
    held = base64.b64encode(v.encode()).decode()
    return json.dumps({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"}, "data": {"whatever": held}})


def _last_applied(r: random.Random, v: str) -> str:
    inner = json.dumps({"kind": "Secret", "apiVersion": "v1", "stringData": {"whatever": v}, "metadata": {}})
    key = "kubectl.kubernetes.io/last-applied-configuration"
    return json.dumps({"metadata": {"annotations": {key: inner}}})


def _docker_config(r: random.Random, v: str) -> str:
    auth = base64.b64encode(f"user:{v}".encode()).decode()
    return json.dumps({"auths": {"registry.example.com": {"username": "user", "auth": auth}}})


def _kubeconfig(r: random.Random, v: str) -> str:
    held = base64.b64encode(v.encode() * 8).decode()
    return f"users:\n- name: ana\n  user:\n    client-key-data: {held}\n    username: ana"


SPECIAL: dict[str, Callable[[random.Random, str], str]] = {
    "url": _basic_url,
    "bearer": lambda r, v: f"> Authorization: Bearer {v}{v}",
    "basic": lambda r, v: f"curl -H 'Authorization: Basic {base64.b64encode(v.encode()).decode()}' https://x",
    "cookie": lambda r, v: f"< Set-Cookie: session={v}; Path=/; HttpOnly",
    "api_key_header": lambda r, v: f"x-api-key: {v}",
    "secret_yaml": _secret_yaml,
    "secret_json": _secret_json,
    "last_applied": _last_applied,
    "docker_config": _docker_config,
    "kubeconfig": _kubeconfig,
    "sql": lambda r, v: f"CREATE USER shop IDENTIFIED BY '{v}'",
    "said": lambda r, v: f"login as shop with password '{v}' refused",
}


def _hidden_in(kind: str, value: str) -> list[str]:
    """The texts that must not be left, for a value that its place encodes."""
    encoded = {
        "basic": value, "secret_yaml": value, "secret_json": value, "docker_config": f"user:{value}",
        "kubeconfig": value * 8,
    }  # fmt: skip
    return [base64.b64encode(encoded[kind].encode()).decode()] if kind in encoded else [value]


PLAIN: tuple[Make, ...] = (
    lambda r: f"back-off 5m0s restarting failed container=cart pod=cart-{_of(HEX, 10)(r)}_shop({_uid(r)})",
    lambda r: f"GET /healthz 200 {r.randrange(90)}ms request_id={_of(HEX, 32)(r)} trace={_of(HEX, 16)(r)}",
    lambda r: f"    image: registry.example.com/shop/cart@sha256:{_of(HEX, 64)(r)}",
    lambda r: f"    uid: {_uid(r)}\n    resourceVersion: \"{r.randrange(10**8)}\"",
    lambda r: f'    secretKeyRef:\n      name: db-{_of(HEX, 6)(r)}\n      key: password',
    lambda r: "      - name: DB_PASSWORD\n        valueFrom:\n          secretKeyRef:\n            key: password",
    lambda r: f'  Warning  FailedMount  secret "gateway-mtls-{r.randrange(9999)}" not found',
    lambda r: f"commit {_of(HEX, 40)(r)} deployed by ana to shop",
    lambda r: f"dial tcp 10.0.{r.randrange(255)}.{r.randrange(255)}:5432: connect: connection refused",
    lambda r: f'    certificate-authority-data: LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0t{_of(LETTERS, 120)(r)}',
    lambda r: "password authentication failed for user \"shop\"",
    lambda r: f"panic: runtime error at /app/main.go:{r.randrange(900)} +0x{_of(HEX, 4)(r)}",
    lambda r: json.dumps({"ts": r.random(), "level": "info", "msg": "served", "token_count": r.randrange(9000)}),
    lambda r: f"    kubernetes.io/config.hash: {_of(HEX, 32)(r)}",
    lambda r: f"etcdserver: request timed out, took {r.randrange(900)}ms, key=/registry/pods/shop/cart",
    lambda r: "unexpected token < in JSON at position 0",
    lambda r: "  automountServiceAccountToken: false\n  imagePullSecrets:\n  - name: registry-credentials",
    lambda r: f"  tokenExpirationSeconds: {r.randrange(9999)}\n  secretName: web-tls-{_of(HEX, 5)(r)}",
    lambda r: f"Pulled image in {r.random():.3f}s, size: {r.randrange(10**9)} bytes, digest {_of(HEX, 12)(r)}",
    lambda r: f"  cpu: {r.randrange(900)}m\n  memory: {r.randrange(900)}Mi\n  nodeName: ip-10-0-{r.randrange(255)}-7",
    lambda r: "the access key of the account was rotated; keyspace shop has 3 keys; primary key violated",
    lambda r: f"arn:aws:iam::{r.randrange(10**11, 10**12)}:role/shop-{_of(HEX, 8)(r)}",
    lambda r: f"consumer group offset lag={r.randrange(99999)} partition={r.randrange(40)} topic=orders-v2",
    lambda r: "passing readiness gate; bypass cache; compass heading 270; password: <none>; apiKey: ${API_KEY}",
    lambda r: "FATAL: sasl: key not found; kid=abc; token: expired; invalid credentials: permission denied",
)  # fmt: skip


def _uid(r: random.Random) -> str:
    h = _of(HEX, 32)(r)
    return f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}"


@dataclass
class Document:
    """`planted`: (kind, text that must not be left). `plain`: the parts that hold no credential."""

    text: str
    planted: list[tuple[str, str]] = field(default_factory=list)
    plain: list[str] = field(default_factory=list)


def document(seed: int) -> Document:
    """Ten to twenty plain parts, and among them three to six credentials of kinds that go round with the seed."""
    r = random.Random(seed)
    made = Document("")
    parts = [r.choice(PLAIN)(r) for _ in range(r.randrange(10, 20))]
    made.plain = list(parts)
    kinds = [*WHOLE, *PLACES, *SPECIAL]
    for n in range(r.randrange(3, 7)):
        kind = kinds[(seed * 7 + n * 13) % len(kinds)]
        if kind in WHOLE:
            value = WHOLE[kind](r)
            before = r.choice(("token ", "using ", '"', "(", "found: ", "\t", "- "))
            part, hidden = f"{before}{value}", [line for line in value.split("\n") if "PRIVATE KEY" not in line]
        else:
            value = r.choice(list(NAMED_VALUES.values()))(r)
            if kind in PLACES:
                part, hidden = PLACES[kind](r, r.choice(NAMES), value), [value]
                if kind.startswith("json") or kind.endswith(("json", "list")):
                    hidden = [json.dumps(value)[1:-1]]
                if kind == "json_text":
                    hidden = [json.dumps(json.dumps(value)[1:-1])[1:-1]]
            else:
                part, hidden = SPECIAL[kind](r, value), _hidden_in(kind, value)
        made.planted += [(kind, text) for text in hidden]
        # Documents that are whole stand alone, as manifests do.
        alone = kind in ("secret_yaml", "kubeconfig")
        parts.insert(r.randrange(len(parts) + 1), f"---\n{part}\n---" if alone else part)
    made.text = "\n".join(parts)
    return made
