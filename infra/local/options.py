"""What `make run` was asked for: PORT, UI, KUBECONFIG_IMPORT, RECORDED_IMPORT, LOCAL_AUTH, DEMO, SCALE, PROMETHEUS."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from infra.local.layout import ROOT, Layout


class InvalidOption(Exception):
    """A variable that cannot be used; the message says what is accepted."""


@dataclass(frozen=True)
class DemoOptions:
    """The demo cluster: whether it runs, how large it is, what it is made from."""

    on: bool = True
    scale: bool = False
    """1,000 nodes and 10,000 pods instead of a small company."""
    prometheus: bool = False
    """Whether a real Prometheus serves its 30 days of history."""
    seed: int = 1


@dataclass(frozen=True)
class Options:
    port: int
    local_auth: Literal["cookie", "link"]
    kubeconfig: Path | None
    recorded: Path | None
    layout: Layout
    ui: Path
    ministack_python: Path
    sample: bool
    demo: DemoOptions

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def origins(self) -> tuple[str, str]:
        """The two ways in which a browser may name us."""
        return (self.url, f"http://localhost:{self.port}")


def read_options(environ: Mapping[str, str]) -> Options:
    """Options from the environment. Raises InvalidOption."""
    return Options(
        port=_port(environ.get("PORT") or "8000"),
        local_auth=_local_auth(environ.get("LOCAL_AUTH") or "cookie"),
        kubeconfig=_existing("KUBECONFIG_IMPORT", environ),
        recorded=_existing("RECORDED_IMPORT", environ),
        layout=Layout(Path(environ.get("KUBILITICS_HOME") or ROOT / ".local").absolute()),
        ui=Path(environ.get("KUBILITICS_UI") or ROOT / "build" / "web").absolute(),
        ministack_python=Path(environ.get("MINISTACK_PYTHON") or ROOT / ".venv-ministack" / "bin" / "python"),
        sample=_switch("SAMPLE", environ, default=True),
        demo=_demo(environ),
    )


def _demo(environ: Mapping[str, str]) -> DemoOptions:
    seed = environ.get("DEMO_SEED") or "1"
    if not seed.isascii() or not seed.isdigit() or len(seed) > 9:
        raise InvalidOption(f"DEMO_SEED={seed} is not a seed. Give a whole number, e.g. make run DEMO_SEED=7.")
    return DemoOptions(
        on=_switch("DEMO", environ, default=True),
        scale=_switch("SCALE", environ, default=False),
        prometheus=_switch("PROMETHEUS", environ, default=False),
        seed=int(seed),
    )


def _switch(name: str, environ: Mapping[str, str], *, default: bool) -> bool:
    text = environ.get(name) or ("1" if default else "0")
    if text not in ("0", "1"):
        raise InvalidOption(f"{name}={text} is not known. Give 1 or 0, e.g. make run {name}={'0' if default else '1'}.")
    return text == "1"


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise InvalidOption(f"PORT={text} is not a port. Give a number from 1 to 65535, e.g. make run PORT=8080.")
    return int(text)


def _local_auth(text: str) -> Literal["cookie", "link"]:
    if text == "cookie":
        return "cookie"
    if text == "link":
        return "link"
    raise InvalidOption(f"LOCAL_AUTH={text} is not known. Choose cookie (the default) or link.")


def _existing(name: str, environ: Mapping[str, str]) -> Path | None:
    text = environ.get(name)
    if not text:
        return None
    path = Path(text).expanduser().absolute()
    if not path.exists():
        raise InvalidOption(f"{name}={text} does not exist. Give the path of an existing file or folder.")
    return path
