"""Export of everything that is kept to a folder, and its restoration into an empty store.

A backup is a folder `YYYYMMDDTHHMMSS.ffffffZ/` of `manifest.json`, `tables/GROUP.jsonl.zst`, `objects/SHA256` and
`secrets.bin`. It is built beside its destination and renamed into it, so that what is there is whole. Objects that did
not change since the backup before are linked, not copied. Open WebSockets are not part of it.

Secrets are in it only encrypted (AES-256-GCM) with the key of a file that is not: without that file they are lost.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import msgspec
import zstandard

from chalicelib.errors import Conflict, NotFound, Unavailable
from chalicelib.state.ids import TenantId
from chalicelib.store.audit import Verification
from chalicelib.store.facade import Store
from chalicelib.store.ports import Item

KEEP = 3
FORMAT = 1

EXPORTED_GROUPS = ("core", "audit", "cache")
"""In this order: the checkpoint of an audit chain (core) may be older than the chain, never newer."""

_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z")
_MANIFEST = "manifest.json"
_SECRETS = "secrets.bin"
_KEY_BYTES, _NONCE_BYTES = 32, 12
_WRITE_TOGETHER = 500


class TableExport(msgspec.Struct, frozen=True):
    items: int
    sha256: str


class ObjectExport(msgspec.Struct, frozen=True):
    tenant: str
    key: str
    size: int
    etag: str
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What a backup holds; its files are checked against it before anything is restored."""

    format: int
    taken_at: datetime
    tables: dict[str, TableExport]
    objects: list[ObjectExport]
    secrets: int
    secrets_sha256: str


class _Row(msgspec.Struct, frozen=True, array_like=True):
    tenant: str
    partition: str
    sort: str
    body: bytes
    revision: int
    expires_at: int | None
    index: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Exported:
    """The backup that was made, and how much was copied anew for it."""

    path: Path
    items: Mapping[str, int]
    objects: int
    objects_copied: int
    secrets: int


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored. `skipped` names newer backups that were damaged; `chains` holds each tenant's audit chain."""

    path: Path
    taken_at: datetime
    items: Mapping[str, int]
    objects: int
    secrets: int
    chains: Mapping[TenantId, Verification]
    skipped: tuple[str, ...]

    @property
    def intact(self) -> bool:
        """Whether every audit chain holds."""
        return all(chain.ok for chain in self.chains.values())


def export_all(
    store: Store, destination: Path, *, now: datetime, key_file: Path | None = None, keep: int = KEEP
) -> Exported:
    """Write a backup into `destination` and remove all but the newest `keep`. One exporter at a time.

    `key_file` (default: `backup.key` beside the destination) is made when it is missing. Raises Unavailable when the
    disk is full or not writable; the backups that were there stay.
    """
    draft = destination.parent / f".{destination.name}.partial"
    key_file = key_file or destination.parent / "backup.key"
    try:
        destination.mkdir(mode=0o700, parents=True, exist_ok=True)
        shutil.rmtree(draft, ignore_errors=True)
        for folder in (draft, draft / "tables", draft / "objects"):
            folder.mkdir(mode=0o700)
        tables = {group: _export_table(store, group, draft) for group in EXPORTED_GROUPS}
        # After the tables: an item never points at an object that is newer than the list of objects.
        objects, copied = _export_objects(store, draft, _newest_whole(destination))
        secrets, secrets_sha256 = _export_secrets(store, draft, key_file)
        manifest = Manifest(FORMAT, now, tables, objects, secrets, secrets_sha256)
        _write(draft / _MANIFEST, msgspec.json.format(msgspec.json.encode(manifest)))
        path = destination / now.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        draft.rename(path)
        _sync(destination)
        for old in _backups(destination)[keep:]:
            shutil.rmtree(old)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        raise Unavailable(
            f"The backup could not be written: {error.strerror or error}.",
            code="backup_failed",
            remedy=f"Make room on the disk of {destination}, and make it writable for this user.",
        ) from error
    counts = {group: table.items for group, table in tables.items()}
    return Exported(path, counts, len(objects), copied, secrets)


def restore_all(source: Path, store: Store | None = None, *, key_file: Path | None = None) -> Restored:
    """Restore the newest whole backup in `source` into an empty store and check what is then there.

    Without `store`, the one that the settings name. Raises NotFound `no_backup` when there is none that is whole,
    Conflict `store_not_empty` when the store holds anything, Unavailable `restore_failed` when something is missing
    afterwards or the secrets cannot be decrypted.
    """
    store = store or _configured_store()
    path, manifest, skipped = _choose(source)
    if any(True for group in EXPORTED_GROUPS for _ in store.tables[group].scan()):
        raise Conflict(
            "The store is not empty.", code="store_not_empty", remedy="Restore into new tables and an empty bucket."
        )
    secrets = _restore_secrets(store, path, key_file or source.parent / "backup.key", manifest)
    for entry in manifest.objects:
        with (path / "objects" / entry.sha256).open("rb") as content:
            store.objects.put(TenantId(entry.tenant), entry.key, content)
    items = {group: _restore_table(store, group, path) for group in manifest.tables}
    tenants = sorted({tenant for tenant, _ in store.tables["audit"].scan()})
    chains = {tenant: store.audit.verify(tenant) for tenant in tenants}
    return Restored(path, manifest.taken_at, items, len(manifest.objects), secrets, chains, skipped)


def newest_backup(source: Path) -> datetime | None:
    """When the newest whole backup was taken, None when there is none."""
    path = _newest_whole(source)
    return _manifest(path).taken_at if path else None


def _export_table(store: Store, group: str, draft: Path) -> TableExport:
    path = draft / "tables" / f"{group}.jsonl.zst"
    count = 0
    with _created(path) as file, zstandard.ZstdCompressor(level=3).stream_writer(file, closefd=False) as stream:
        for tenant, item in store.tables[group].scan():
            row = _Row(tenant, item.partition, item.sort, item.body, item.revision, item.expires_at, item.index)
            stream.write(msgspec.json.encode(row) + b"\n")
            count += 1
    return TableExport(count, _sha256(path))


def _export_objects(store: Store, draft: Path, before: Path | None) -> tuple[list[ObjectExport], int]:
    known = {(e.tenant, e.key, e.size, e.etag): e for e in _manifest(before).objects} if before else {}
    exported: list[ObjectExport] = []
    copied = 0
    for tenant, info in store.objects.all():
        entry = known.get((tenant, info.key, info.size, info.etag))
        if entry and before:
            target = draft / "objects" / entry.sha256
            if not target.exists():
                os.link(before / "objects" / entry.sha256, target)
        else:
            try:
                entry = _copy_object(store, tenant, info.key, info.etag, draft)
            except NotFound:
                continue  # deleted since it was listed
            copied += 1
        exported.append(entry)
    return exported, copied


def _copy_object(store: Store, tenant: TenantId, key: str, etag: str, draft: Path) -> ObjectExport:
    part = draft / "part"
    with _created(part) as file:
        store.objects.download(tenant, key, file)
    sha256, size = _sha256(part), part.stat().st_size
    part.rename(draft / "objects" / sha256)
    return ObjectExport(tenant, key, size, etag, sha256)


def _export_secrets(store: Store, draft: Path, key_file: Path) -> tuple[int, str]:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    values: list[tuple[str, str, str, str]] = []
    for tenant, scope, name in store.secrets.all():
        try:
            values.append((tenant, scope, name, store.secrets.get(tenant, scope, name)))
        except NotFound:
            continue  # deleted since it was listed
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(_key(key_file)).encrypt(nonce, msgspec.json.encode(values), _SECRETS.encode())
    _write(draft / _SECRETS, nonce + sealed)
    return len(values), _sha256(draft / _SECRETS)


def _restore_secrets(store: Store, path: Path, key_file: Path, manifest: Manifest) -> int:
    if not manifest.secrets:
        return 0
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    sealed = (path / _SECRETS).read_bytes()
    try:
        opened = AESGCM(key_file.read_bytes()).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _SECRETS.encode())
    except (OSError, ValueError, InvalidTag) as error:
        raise Unavailable(
            "The credentials in the backup cannot be decrypted.",
            code="restore_failed",
            remedy=f"Put the key file that the backup was made with at {key_file}.",
        ) from error
    values = msgspec.json.decode(opened, type=list[tuple[str, str, str, str]])
    for tenant, scope, name, value in values:
        store.secrets.put(TenantId(tenant), scope, name, value)
    return len(values)


def _restore_table(store: Store, group: str, path: Path) -> int:
    table = store.tables[group]
    written: dict[tuple[str, str, str], int | None] = {}
    waiting: dict[TenantId, list[Item]] = {}
    for row in _rows(path / "tables" / f"{group}.jsonl.zst"):
        items = waiting.setdefault(TenantId(row.tenant), [])
        items.append(Item(row.partition, row.sort, row.body, row.revision, row.expires_at, row.index))
        written[row.tenant, row.partition, row.sort] = row.expires_at
        if len(items) >= _WRITE_TOGETHER:
            table.write_many(TenantId(row.tenant), items)
            items.clear()
    for tenant, items in waiting.items():
        table.write_many(tenant, items)
    found = {(tenant, item.partition, item.sort) for tenant, item in table.scan()}
    # What expired since it was exported may be missing; nothing else.
    missing = [key for key, expires_at in written.items() if key not in found and expires_at is None]
    if missing:
        raise Unavailable(
            f"{len(missing)} of {len(written)} items of {group!r} are missing after the restoration.",
            code="restore_failed",
            remedy="Empty the store and restore again; see the service log.",
        )
    return len(found)


def _rows(path: Path) -> Iterator[_Row]:
    decoder = msgspec.json.Decoder(_Row)
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        rest = b""
        while chunk := stream.read(1024 * 1024):
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                yield decoder.decode(line)


def _choose(source: Path) -> tuple[Path, Manifest, tuple[str, ...]]:
    skipped: list[str] = []
    for path in _backups(source):
        try:
            manifest = _manifest(path)
            if manifest.format == FORMAT and _whole(path, manifest):
                return path, manifest, tuple(skipped)
        except (OSError, msgspec.DecodeError):
            pass
        skipped.append(path.name)
    raise NotFound(
        f"There is no whole backup in {source}.",
        code="no_backup",
        remedy="Start with an empty store, or point to a folder that holds backups.",
        details={"damaged": skipped},
    )


def _whole(path: Path, manifest: Manifest) -> bool:
    expected = {path / "tables" / f"{group}.jsonl.zst": table.sha256 for group, table in manifest.tables.items()}
    expected |= {path / "objects" / entry.sha256: entry.sha256 for entry in manifest.objects}
    expected[path / _SECRETS] = manifest.secrets_sha256
    return all(_sha256(file) == sha256 for file, sha256 in expected.items())


def _newest_whole(source: Path) -> Path | None:
    """The newest backup that has its manifest; its files are not read."""
    return next((path for path in _backups(source) if (path / _MANIFEST).exists()), None)


def _backups(source: Path) -> list[Path]:
    """Newest first. Other folders that somebody keeps there are left alone."""
    if not source.is_dir():
        return []
    return sorted((path for path in source.iterdir() if _NAME.fullmatch(path.name)), reverse=True)


def _manifest(path: Path) -> Manifest:
    return msgspec.json.decode((path / _MANIFEST).read_bytes(), type=Manifest)


def _key(key_file: Path) -> bytes:
    with suppress(FileExistsError):
        _write(key_file, os.urandom(_KEY_BYTES))
    return key_file.read_bytes()


@contextmanager
def _created(path: Path) -> Iterator[BinaryIO]:
    """A new file that only its owner can read; on disk when it is closed."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def _write(path: Path, content: bytes) -> None:
    with _created(path) as file:
        file.write(content)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _configured_store() -> Store:
    from chalicelib.settings import settings
    from chalicelib.store import aws_store

    return aws_store(settings())
