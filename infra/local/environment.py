"""The environment of each child process.

The children get our own AWS variables and none of the user's: a profile or a session token of a real account
would be sent along with requests to the embedded AWS, and would not fit its keys.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

from infra.local.embedded_aws.guard import HEALTH_PATH
from infra.local.layout import ROOT
from infra.local.options import Options

REGION = "us-east-1"
SERVICES = "cloudformation,cognito-idp,dynamodb,events,iam,kms,lambda,logs,s3,secretsmanager,ses,sns,sqs,ssm,sts"
"""What of AWS is offered; each further service is another thing that listens."""


def aws_url(port: int) -> str:
    """Where the embedded AWS answers."""
    return f"http://127.0.0.1:{port}"


def aws_health_url(port: int) -> str:
    return aws_url(port) + HEALTH_PATH


def for_ministack(options: Options, port: int, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The embedded AWS: authentication on, loopback only, state in our private folder."""
    layout = options.layout
    key_id, secret = layout.access_key()
    return _without_aws(environ) | {
        "AUTH": "true",
        "AWS_ACCESS_KEY_ID": key_id,
        "AWS_SECRET_ACCESS_KEY": secret,
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "MINISTACK_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "SERVICES": SERVICES,
        "PERSIST_STATE": "1",
        "STATE_DIR": str(layout.aws_state),
        "S3_PERSIST": "1",
        "S3_DATA_DIR": str(layout.aws_objects),
        "TMPDIR": str(layout.aws / "tmp"),
        # ministack removes containers that carry its label; those of the user's own Docker are not ours to
        # touch.
        "DOCKER_HOST": f"unix://{layout.aws}/no-docker",
        "LOG_LEVEL": "WARNING",
        "PYTHONPATH": str(ROOT),
        "KUBILITICS_AWS_HOME": str(layout.aws),
        "KUBILITICS_AWS_ORIGINS": " ".join(options.origins),
    }


def for_product(options: Options, aws_port: int, environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The gateway, the worker and the supervisor's own calls into the product."""
    layout = options.layout
    key_id, secret = layout.access_key()
    return (
        _without_aws(environ)
        | {
            "AWS_ENDPOINT_URL": aws_url(aws_port),
            "AWS_ACCESS_KEY_ID": key_id,
            "AWS_SECRET_ACCESS_KEY": secret,
            "AWS_REGION": REGION,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_EC2_METADATA_DISABLED": "true",
            # The user's files may hold a region, a proxy or an endpoint of their own.
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
            # The trace SDK looks for a daemon that a laptop does not have.
            "POWERTOOLS_TRACE_DISABLED": "true",
            "PYTHONPATH": str(ROOT),
            "PYTHONUNBUFFERED": "1",
            "KUBILITICS_MODE": "embedded",
            "KUBILITICS_PUBLIC_ORIGIN": options.url,
            "KUBILITICS_WEBSOCKET_ENDPOINT": options.url,
            "KUBILITICS_LOCAL_AUTH": options.local_auth,
            "KUBILITICS_HOME": str(layout.home),
        }
        | ({"KUBILITICS_DEMO": str(layout.demo)} if options.demo.on else {})
    )


def for_demo(environ: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The demo cluster knows nothing of AWS or of the product."""
    product = ("AWS_", "MINISTACK_", "KUBILITICS_")
    kept = {name: value for name, value in environ.items() if not name.startswith(product)}
    return kept | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}


def _without_aws(environ: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environ.items() if not name.startswith(("AWS_", "MINISTACK_"))}
