"""The private folder of an installation: `.local/`, mode 700."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
"""The checkout."""


LOCAL_KIND = "kbl_local_"
"""An API token names its tenant; see chalicelib/accounts/tokens.py."""


@dataclass(frozen=True)
class Layout:
    """Paths under one private folder. Secrets are files of mode 600."""

    home: Path

    @property
    def token(self) -> Path:
        """The local administrator's API token."""
        return self.home / "token"

    @property
    def link(self) -> Path:
        """The one-time sign-in key of `LOCAL_AUTH=link`; removed by its first use."""
        return self.home / "link"

    @property
    def run(self) -> Path:
        """Locked by the running supervisor; holds its process id and URL."""
        return self.home / "run.json"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def aws(self) -> Path:
        """Everything of the embedded AWS."""
        return self.home / "ministack"

    @property
    def aws_state(self) -> Path:
        return self.aws / "state"

    @property
    def aws_objects(self) -> Path:
        return self.aws / "objects"

    @property
    def backup(self) -> Path:
        """The exports that an unclean end is restored from."""
        return self.home / "backup"

    @property
    def connected(self) -> Path:
        """Present once the sample cluster was added; removing that cluster does not bring it back."""
        return self.home / "sample-connected"

    @property
    def demo(self) -> Path:
        """The demo cluster's CA, tokens, kubeconfigs, port and written history."""
        return self.home / "demo"

    @property
    def demo_connected(self) -> Path:
        """The id of the demo cluster in the product, once it was connected; removed there, it stays away."""
        return self.demo / "connected"

    def prepare(self) -> None:
        """Create what is missing and make it private. Raises OSError (a full or read-only disk)."""
        aws = (self.aws, self.aws_state, self.aws_objects, self.aws / "tmp")
        for folder in (self.home, self.logs, *aws, self.backup, self.demo):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for private in (self.home, self.demo):
            private.chmod(0o700)
        self.secret("token", prefix=LOCAL_KIND)

    def secret(self, name: str, *, prefix: str = "") -> str:
        """The random secret in file `name`, made at first use."""
        path = self.home / name
        try:
            value = path.read_text().strip()
        except FileNotFoundError:
            value = ""
        if not value:
            value = prefix + secrets.token_urlsafe(32)
            write_private(path, value + "\n")
        path.chmod(0o600)
        return value

    def access_key(self) -> tuple[str, str]:
        """The key id and secret key of the embedded AWS, random per installation."""
        # An AWS key id is 20 upper-case letters and digits; botocore accepts any, people recognise this form.
        raw = self.secret("aws-access-key-id")
        key_id = "AKIA" + "".join(c for c in raw.upper() if c.isalnum())[:16]
        return key_id, self.secret("aws-secret-access-key")


def write_private(path: Path, text: str) -> None:
    """Replace a file's content; it is never readable by others nor half written."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)
