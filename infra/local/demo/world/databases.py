"""The databases of the company, and how its applications reach them."""

from __future__ import annotations

from infra.local.demo.controllers.programs import Call, Program
from infra.local.demo.world.manifests import App


def database(namespace: str, name: str, size: str, *, mib: float = 420) -> App:
    return App(
        namespace,
        name,
        "docker.io/library/postgres",
        "17.6",
        Program(
            "postgres",
            listens=(5432,),
            memory_mib=mib,
            cpu=0.15,
            grows_s=45,
            serves=(),
            boot=('level=info msg="database system is ready to accept connections"',),
            root=False,
        ),
        kind="StatefulSet",
        replicas=1,
        port=5432,
        port_name="postgres",
        service_port=5432,
        cpu="250m",
        memory="512Mi",
        memory_limit="1Gi",
        claim=size,
        claim_path="/var/lib/postgresql/data",
        probes="tcp",
        shape="consumer",
        env={"POSTGRES_PASSWORD": ("Secret", f"{name}-admin", "password")},
        priority="business-critical",
    )


def to_database(namespace: str, name: str, variable: str = "DATABASE_URL", *, at_start: bool = True) -> Call:
    return Call(
        f"{name}.{namespace}.svc:5432",
        variable,
        at_start=at_start,
        gates_ready=not at_start,
        password="DATABASE_PASSWORD",
        what="database",
    )


def database_env(name: str) -> dict[str, object]:
    return {
        "DATABASE_URL": f"postgres://{name}:5432/app",
        "DATABASE_USER": "app",
        "DATABASE_PASSWORD": ("Secret", f"{name}-app", "password"),
    }
