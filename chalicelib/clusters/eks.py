"""EKS: assume the customer's role, read endpoint and CA, and sign in with a presigned STS request.

The bearer token is `k8s-aws-v1.` and the base64url of a presigned `sts:GetCallerIdentity` URL that carries the
cluster's name in a signed header (aws-iam-authenticator, README "API Authorization from Outside a Cluster"). EKS
accepts it for 15 minutes, so a new one is made after 13.
"""

from __future__ import annotations

import base64
import re
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.clusters.connection import EksConnection, StaticConnection
from chalicelib.errors import ClusterError, InvalidRequest

TOKEN_PREFIX = "k8s-aws-v1."  # noqa: S105  a prefix, no secret
CLUSTER_HEADER = "x-k8s-aws-id"
PRESIGN_EXPIRES_S = 60
TOKEN_LIFE = timedelta(minutes=13)
"""EKS accepts a token for 15 minutes; it is replaced before minute 14."""
ROLE_SESSION_S = 3600
RENEW_ROLE_BEFORE = timedelta(minutes=5)
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_CLUSTER_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}$")

Clock = Callable[[], datetime]
ClientFactory = Callable[[str, str, dict[str, str]], Any]
"""(service, region, credentials of `assume_role` or nothing) -> a boto3 client."""


def boto_client(service: str, region: str, credentials: dict[str, str]) -> Any:
    """A boto3 client with these credentials, or with our own role's."""
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=3, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 3},
        sts_regional_endpoints="regional",
    )  # fmt: skip
    return boto3.session.Session().client(
        service,
        region_name=region,
        config=config,
        aws_access_key_id=credentials.get("AccessKeyId"),
        aws_secret_access_key=credentials.get("SecretAccessKey"),
        aws_session_token=credentials.get("SessionToken"),
    )


def utc_now() -> datetime:
    return datetime.now(UTC)


class EksAccess:
    """The credential of one EKS cluster: role, endpoint and token, each renewed before it runs out."""

    def __init__(
        self, connection: EksConnection, *, client: ClientFactory = boto_client, clock: Clock = utc_now
    ) -> None:
        if not _CLUSTER_NAME.match(connection.cluster):
            raise InvalidRequest(
                f"{connection.cluster!r} is not a name of an EKS cluster.",
                code="eks_cluster_name",
                remedy="Give the name as `aws eks list-clusters` prints it.",
            )
        self._connection = connection
        self._client = client
        self._clock = clock
        self._lock = threading.Lock()
        self._role: dict[str, str] = {}
        self._role_until = _NEVER
        self._token = ""
        self._token_until = _NEVER

    @property
    def session_name(self) -> str:
        """Names the tenant in the customer's CloudTrail."""
        return re.sub(r"[^\w+=,.@-]", "-", f"kubilitics-{self._connection.tenant or 'local'}")[:64]

    def describe(self) -> StaticConnection:
        """Endpoint and CA of the cluster. Raises ClusterError (`eks_*`) with what to grant."""
        with self._lock:
            client = self._client("eks", self._connection.region, self._assumed())
            with _explained(self._connection, "eks:DescribeCluster"):
                cluster = client.describe_cluster(name=self._connection.cluster)["cluster"]
        endpoint, ca = cluster.get("endpoint"), (cluster.get("certificateAuthority") or {}).get("data")
        if not endpoint or not ca:
            state = cluster.get("status", "not ready")
            raise ClusterError(
                f"The EKS cluster {self._connection.cluster!r} has no endpoint: it is {state}.",
                code="eks_not_ready",
                remedy="Wait until the cluster is ACTIVE and check again.",
            )
        return StaticConnection(server=endpoint, ca=base64.b64decode(ca).decode("ascii"))

    def headers(self) -> dict[str, str]:
        """The bearer token, made anew when it is older than 13 minutes."""
        with self._lock:
            if self._clock() >= self._token_until:
                self._sign()
            return {"Authorization": f"Bearer {self._token}"}

    def renew(self) -> bool:
        """A fresh role session and token, after the cluster refused the old one."""
        with self._lock:
            self._role_until = _NEVER
            self._sign()
        return True

    def _sign(self) -> None:
        now = self._clock()
        client = self._client("sts", self._connection.region, self._assumed())
        url = presigned_identity(client, self._connection.cluster)
        self._token = TOKEN_PREFIX + base64.urlsafe_b64encode(url.encode()).decode().rstrip("=")
        self._token_until = min(now + TOKEN_LIFE, self._role_until)

    def _assumed(self) -> dict[str, str]:
        """Credentials of the customer's role, through our own; the external id keeps others from borrowing us."""
        if self._clock() < self._role_until - RENEW_ROLE_BEFORE:
            return self._role
        client = self._client("sts", self._connection.region, {})
        with _explained(self._connection, "sts:AssumeRole"):
            answer = client.assume_role(
                RoleArn=self._connection.role_arn,
                RoleSessionName=self.session_name,
                ExternalId=self._connection.external_id,
                DurationSeconds=ROLE_SESSION_S,
            )
        self._role = {k: str(v) for k, v in answer["Credentials"].items() if k != "Expiration"}
        self._role_until = answer["Credentials"]["Expiration"]
        return self._role


def presigned_identity(client: Any, cluster: str) -> str:
    """A presigned GetCallerIdentity URL whose signature covers the cluster's name."""

    def keep(params: dict[str, Any], context: dict[str, Any], **_: Any) -> None:
        context[CLUSTER_HEADER] = params.pop(CLUSTER_HEADER, None)

    def add(request: Any, **_: Any) -> None:
        if request.context.get(CLUSTER_HEADER):
            request.headers[CLUSTER_HEADER] = request.context[CLUSTER_HEADER]

    client.meta.events.register("provide-client-params.sts.GetCallerIdentity", keep)
    client.meta.events.register("before-sign.sts.GetCallerIdentity", add)
    return str(
        client.generate_presigned_url(
            "get_caller_identity", Params={CLUSTER_HEADER: cluster}, ExpiresIn=PRESIGN_EXPIRES_S, HttpMethod="GET"
        )
    )


class _explained:
    """Turns what AWS refuses into an error that names the permission or trust that is missing."""

    def __init__(self, connection: EksConnection, action: str) -> None:
        self._connection, self._action = connection, action

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, ClientError):
            raise self._of(error.response.get("Error", {}).get("Code", ""), error) from error
        if isinstance(error, BotoCoreError):
            raise ClusterError(
                f"AWS could not be asked for {self._action}.", code="aws_unreachable",
                remedy="Check the region, and that this process has AWS credentials and a way to AWS.",
            ) from error  # fmt: skip

    def _of(self, code: str, error: BaseException) -> ClusterError:
        name, role = self._connection.cluster, self._connection.role_arn
        if code == "ResourceNotFoundException":
            return ClusterError(
                f"There is no EKS cluster {name!r} in {self._connection.region}.", code="eks_not_found",
                remedy="Check name and region with `aws eks list-clusters --region REGION`.",
            )  # fmt: skip
        if self._action == "sts:AssumeRole":
            return ClusterError(
                f"The role {role} cannot be assumed ({code}).", code="eks_role_refused",
                remedy="Let the role's trust policy name our account and the external id of this connection.",
            )  # fmt: skip
        return ClusterError(
            f"The role {role} may not do {self._action} ({code}).", code="eks_forbidden",
            remedy=f"Allow {self._action} on this cluster in the role's policy.",
        )  # fmt: skip
