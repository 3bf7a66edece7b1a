"""What credentials look like: forms that are secret by themselves, and names whose values are.

Sources: the named detectors of Yelp/detect-secrets, the issuers' documentation of their token prefixes, and the fields
of Kubernetes objects that hold secrets. No entropy: a filter by entropy masks digests, ids and plain log lines too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Form(NamedTuple):
    """A pattern for what is masked, and texts one of which is in every match: where none is, it need not be tried."""

    marks: tuple[str, ...]
    pattern: str


WHOLE: Mapping[str, Form] = {
    # A whole PEM block, also one whose end was cut off, and with its line ends written as \n.
    "pem_private_key": Form(
        ("PRIVATE KEY",), r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}PRIVATE KEY-----|\Z)"
    ),
    "pem_in_base64": Form(
        ("LS0tLS1CRUdJTi",), r"\bLS0tLS1CRUdJTi(?:BQUklW|BSU0EgUFJJVkFUR|BFQyBQUklW|BPUEVOU1NI|BFTkNSWVBU)[\w+/=-]{20,}"
    ),
    "json_web_token": Form(("eyJ",), r"\beyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"),
    "aws_key_id": Form(
        ("AKIA", "ASIA", "AGPA", "AROA", "AIDA", "ABIA", "ACCA"),
        r"\b(?:AKIA|ASIA|AGPA|AROA|AIDA|ABIA|ACCA)[A-Z0-9]{16}\b",
    ),
    "github_token": Form(
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\bgh[pousr]_[A-Za-z0-9]{20,}\b|\bgithub_pat_[A-Za-z0-9_]{20,}\b",
    ),
    "gitlab_token": Form(("gl",), r"\bgl(?:pat|rt|dt|ptt|cbt|soat|ft|imt|agent)-[A-Za-z0-9_-]{16,}"),
    "slack_token": Form(("xox", "xapp-"), r"\bxox[abceprs]-[A-Za-z0-9-]{10,}|\bxapp-\d-[A-Za-z0-9-]{10,}"),
    "slack_webhook": Form(("hooks.slack.com",), r"https://hooks\.slack\.com/\S+"),
    "discord_or_teams_webhook": Form(
        ("webhook",), r"https://(?:discord(?:app)?\.com/api/webhooks|[\w-]{1,60}\.webhook\.office\.com)/\S+"
    ),
    "model_provider_key": Form(("sk-",), r"\bsk-(?:ant-|proj-|svcacct-|or-)?[A-Za-z0-9_-]{20,}"),
    "stripe_key": Form(("k_live_", "k_test_", "whsec_"), r"\b(?:[rsp]k_(?:live|test)|whsec)_[A-Za-z0-9]{10,}"),
    "google_api_key": Form(
        ("AIza", "GOCSPX-", "ya29."), r"\bAIza[A-Za-z0-9_-]{30,}|\bGOCSPX-[A-Za-z0-9_-]{20,}|\bya29\.[A-Za-z0-9_-]{20,}"
    ),
    "package_registry_token": Form(
        ("npm_", "pypi-", "rubygems_"), r"\bnpm_[A-Za-z0-9]{30,}|\bpypi-[A-Za-z0-9_-]{30,}|\brubygems_[a-f0-9]{40,}"
    ),
    "digitalocean_token": Form(("_v1_",), r"\bdo[opr]_v1_[a-f0-9]{40,}"),
    "eks_token": Form(("k8s-aws-v1.",), r"\bk8s-aws-v1\.[A-Za-z0-9_-]{20,}"),
    "own_token": Form(("kbl_", "kbs_", "link_"), r"\b(?:kbl|kbs|link)_[a-z0-9-]{1,63}_[A-Za-z0-9_-]{43}"),
    "sendgrid_key": Form(("SG.",), r"\bSG\.[A-Za-z0-9_-]{16,}\.[A-Za-z0-9_-]{16,}"),
    "twilio_key": Form(("SK",), r"\bSK[0-9a-f]{32}\b"),
    "mailgun_or_mailchimp_key": Form(("key-", "-us"), r"\bkey-[0-9a-f]{32}\b|\b[0-9a-f]{32}-us\d{1,2}\b"),
    "telegram_token": Form((":AA",), r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}"),
    "vault_token": Form(
        ("hvs.", "hvb.", "hvr.", ".atlasv1."),
        r"\bhv[sbr]\.[A-Za-z0-9_-]{20,}|\b[A-Za-z0-9]{14}\.atlasv1\.[A-Za-z0-9_-]{40,}",
    ),
    "docker_token": Form(("dckr_",), r"\bdckr_(?:pat|oat)_[A-Za-z0-9_-]{20,}"),
    "hugging_face_token": Form(("hf_",), r"\bhf_[A-Za-z0-9]{30,}"),
    "databricks_token": Form(("dapi",), r"\bdapi[0-9a-f]{32}(?:-\d)?\b"),
    "new_relic_key": Form(("NRAK-", "NRJS-", "NRII-", "NRAA-"), r"\bNR(?:AK|JS|II|AA)-[A-Za-z0-9]{20,}"),
    "grafana_token": Form(("glsa_", "glc_"), r"\bglsa_[A-Za-z0-9]{32,}_[A-Fa-f0-9]{8}|\bglc_[A-Za-z0-9+/=]{30,}"),
    "shopify_or_square_token": Form(
        ("shp", "sq0"), r"\bshp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}|\bsq0(?:atp|csp)-[A-Za-z0-9_-]{20,}"
    ),
    "linear_or_doppler_token": Form(
        ("lin_api_", "dp."), r"\blin_api_[A-Za-z0-9]{30,}|\bdp\.(?:pt|st|ct)\.[A-Za-z0-9_-]{30,}"
    ),
    "sentry_token": Form(("sntrys_",), r"\bsntrys_[A-Za-z0-9+/=_-]{40,}"),
    "age_key": Form(("AGE-SECRET-KEY-1",), r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    "password_hash": Form(("$",), r"\$(?:2[abxy]|apr1|5|6|y|argon2id?)\$[./A-Za-z0-9$=,+]{20,}"),
    "azure_signature": Form(("sig=",), r"(?<=[?&]sig=)[A-Za-z0-9%+/=]{30,}"),
    "aws_signature": Form(
        ("X-Amz-",), r"(?<=X-Amz-Signature=)[a-f0-9]{64}|(?<=X-Amz-Security-Token=)[A-Za-z0-9%+/=]{40,}"
    ),
}
"""Forms that are secret wherever they stand, by kind."""

NAMES_OF_SECRETS = (
    r"passw(?:or)?d|passwd|passphrase|passcode|(?<![A-Za-z])pwd|(?<![A-Za-z])pass|_pw|pgpassword|mysql_pwd|"
    r"secret(?:[_-]?(?:access[_-]?)?key)?|client[_-]?secret|shared[_-]?secret|"
    r"(?:api|access|account|private|signing|encryption|master|session|shared[_-]?access|license|webhook|hmac|"
    r"storage|deploy|ssh)[_-]?key|client[_-]?key[_-]?data|"
    r"(?:auth|access|refresh|id|bearer|bot|session|csrf|api|sas|bootstrap|join|personal|service|security|admin|root|"
    r"deploy|device|github|gitlab|slack|vault|npm|sentry)[_-]?tokens?|[_-]credentials?|connection[_-]?string|"
    r"(?<![A-Za-z])otp|(?<![A-Za-z])totp|salt|\bpin"
)
"""What a name ends with whose value is secret; case is ignored."""

NOT_A_VALUE = (
    r"(?:true|false|null|none|nil|yes|no|required|optional|missing|invalid|expired|empty|unset|undefined|\*+|<[^>]*>|"
    r"\[redacted\]|\(hidden\)|\d{1,3}|\$\([^)]*\)|\$\{[^}]*\}|\{\{.*|\$[A-Za-z_]\w*)\Z"
)
"""What stands behind such a name without being its value: states, numbers of up to three digits, references."""
