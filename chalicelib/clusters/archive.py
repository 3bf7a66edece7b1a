"""Folders and archives as a stream of (path, bytes), without ever writing to disk.

An archive is hostile input: what it is, is told by its first bytes and not by its name; every limit is checked while
unpacking, so that a small file cannot become a large one; links are never followed, and a path or link that leads
outside refuses the whole archive.
"""

from __future__ import annotations

import gzip
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol, cast

from chalicelib.errors import InvalidRequest, TooLarge

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What one recording may hold. The defaults fit 10,000 pods with their logs many times over."""

    total_bytes: int = 1024 * MIB
    file_bytes: int = 256 * MIB
    files: int = 100_000
    path_chars: int = 512
    path_depth: int = 16
    ratio: int = 1000
    """Unpacked to packed bytes. Lists of equal pods reach 300; a bomb made for the purpose far more."""
    ratio_from_bytes: int = 64 * MIB
    """Below this much unpacked, the ratio is not looked at: a small archive cannot hurt."""
    directory_bytes: int = 32 * MIB
    """Size of a zip's own directory, which has to be read whole."""


class Member(NamedTuple):
    """One regular file. `path` uses `/`, is relative, and has no `.` or `..` in it."""

    path: str
    data: bytes


def members(source: bytes | BinaryIO | Path, limits: Limits | None = None) -> Iterator[Member]:
    """The regular files of a folder, a tar (plain, gzip, xz), a zip, or one single file.

    Raises InvalidRequest (`archive_*`) for what is unsafe, damaged or encrypted, TooLarge for what passes a limit.
    """
    bounds = limits or Limits()
    if isinstance(source, Path) and source.is_dir():
        return _folder(source, bounds)
    if isinstance(source, Path):
        return _file(source, bounds)
    stream = io.BytesIO(source) if isinstance(source, bytes) else source
    return _members(stream, bounds, "recording")


def _file(path: Path, limits: Limits) -> Iterator[Member]:
    try:
        with path.open("rb") as stream:
            yield from _members(stream, limits, path.name)
    except OSError as error:
        raise _cannot_read(path, error) from error


def _cannot_read(path: Path, error: OSError) -> InvalidRequest:
    return InvalidRequest(
        f"{path} cannot be read: {error.strerror or error}.",
        code="recording_not_readable",
        remedy="Name a folder or file that exists and that this process may read.",
    )


def _members(stream: BinaryIO, limits: Limits, name: str) -> Iterator[Member]:
    budget = _Budget(limits, _size(stream))
    magic = stream.read(6)
    stream.seek(0)
    try:
        if magic.startswith(b"PK\x03\x04") or magic.startswith(b"PK\x05\x06"):
            yield from _zip(stream, budget)
        else:
            yield from _tar_or_single(_decompressed(stream, magic), budget, name)
    except (tarfile.TarError, zipfile.BadZipFile, lzma.LZMAError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(str(error)) from error
    except (EOFError, RecursionError, struct.error, ValueError, UnicodeError, NotImplementedError) as error:
        raise _damaged(str(error) or type(error).__name__) from error


def _size(stream: BinaryIO) -> int:
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    return size


def _damaged(why: str) -> InvalidRequest:
    return InvalidRequest(
        f"The archive cannot be read: {why[:200]}.",
        code="archive_damaged",
        remedy="Pack the recording again as tar, tar.gz, tar.xz or zip and upload it again.",
    )


class _Budget:
    """Counts what was unpacked and stops at the first limit that is passed."""

    def __init__(self, limits: Limits, packed: int) -> None:
        self.limits = limits
        self.packed = packed
        self.unpacked = 0
        self.files = 0

    def spend(self, count: int) -> None:
        self.unpacked += count
        if self.unpacked > self.limits.total_bytes:
            raise _too_large("unpacks to more", self.limits.total_bytes, "bytes")
        bound = max(self.packed, 1) * self.limits.ratio
        if self.unpacked > self.limits.ratio_from_bytes and self.unpacked > bound:
            raise InvalidRequest(
                f"The archive unpacks to more than {self.limits.ratio} times its size, as bombs do.",
                code="archive_bomb",
                remedy="Pack the recording again with the ordinary tools, without long runs of filler.",
            )

    def admit(self, path: str, size: int) -> str:
        """The cleaned path of one more file, or an error when it may not be read."""
        self.files += 1
        if self.files > self.limits.files:
            raise _too_large("holds more", self.limits.files, "files")
        if size > self.limits.file_bytes:
            raise _too_large(f"holds {path[:80]!r}, which is larger", self.limits.file_bytes, "bytes")
        return clean_path(path, self.limits)


def _too_large(what: str, limit: int, unit: str) -> TooLarge:
    return TooLarge(
        f"The archive {what} than the limit of {limit:,} {unit}.",
        code="archive_too_large",
        remedy="Record fewer namespaces or leave out long logs, and upload again.",
        details={"limit": limit, "unit": unit},
    )


def clean_path(path: str, limits: Limits) -> str:
    """A relative path without `.` parts. Raises InvalidRequest (`archive_unsafe_path`) for one that leads outside."""
    if "\x00" in path:
        raise _unsafe_path(path, "holds a NUL")
    if len(path) > limits.path_chars:
        raise _unsafe_path(path, f"is longer than {limits.path_chars} characters")
    slashed = path.replace("\\", "/")
    if slashed.startswith("/") or slashed[1:3] == ":/":
        raise _unsafe_path(path, "is absolute")
    parts = [part for part in slashed.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise _unsafe_path(path, "leads outside the archive")
    if len(parts) > limits.path_depth:
        raise _unsafe_path(path, f"is deeper than {limits.path_depth} folders")
    return "/".join(parts)


def _unsafe_path(path: str, why: str) -> InvalidRequest:
    return InvalidRequest(
        f"The archive holds the path {path[:120]!r}, which {why}.",
        code="archive_unsafe_path",
        remedy="Pack the folder of the recording by a relative name: tar -czf recording.tar.gz DIR.",
    )


def _check_link(path: str, target: str) -> None:
    """A link inside the archive is skipped (its target is read as itself); one that leads outside is refused."""
    parts = [p for p in path.replace("\\", "/").split("/")[:-1] if p not in ("", ".")]
    slashed = target.replace("\\", "/")
    outside = slashed.startswith("/") or slashed[1:3] == ":/"
    for part in slashed.split("/"):
        if part == "..":
            outside = outside or not parts
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    if outside:
        raise InvalidRequest(
            f"The archive holds the link {path[:80]!r}, which leads outside of it.",
            code="archive_unsafe_link",
            remedy="Pack the recording without links: tar --dereference, or zip without -y.",
        )


class _Source(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


def _decompressed(stream: BinaryIO, magic: bytes) -> _Source:
    if magic.startswith(b"\x1f\x8b"):
        return cast(_Source, gzip.GzipFile(fileobj=stream, mode="rb"))
    if magic.startswith(b"\xfd7zXZ\x00"):
        return _Xz(stream)
    return stream


class _Xz:
    """xz with a bound on its dictionary, which is what a hostile one would make large."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._decoder = self._new()
        self._left = b""

    @staticmethod
    def _new() -> lzma.LZMADecompressor:
        return lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=192 * MIB)

    def read(self, size: int = -1, /) -> bytes:
        parts: list[bytes] = []
        while size > 0:
            if self._decoder.eof:
                rest = (self._decoder.unused_data or self._left or self._stream.read(65536)).lstrip(b"\x00")
                if not rest:
                    break
                self._decoder, self._left = self._new(), rest
            fresh = b""
            if self._decoder.needs_input:
                fresh, self._left = (self._left or self._stream.read(65536)), b""
                if not fresh:
                    raise EOFError("the xz stream ends too early")
            part = self._decoder.decompress(fresh, max_length=size)
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


class _Counted(io.RawIOBase):
    """A stream that counts every byte against the budget, with its first bytes given back."""

    def __init__(self, head: bytes, rest: _Source, budget: _Budget) -> None:
        self._head, self._rest, self._budget = head, rest, budget

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        wanted = size if size >= 0 else 65536
        if self._head:
            part, self._head = self._head[:wanted], self._head[wanted:]
            return part
        part = self._rest.read(wanted)
        self._budget.spend(len(part))
        return part


class _TarHeader(tarfile.TarInfo):
    """Extended headers (long names, pax records) are read into memory whole, so their size is bounded first."""

    def _proc_member(self, archive: tarfile.TarFile) -> Any:
        ordinary = self.type in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE)
        if not ordinary and self.size > MIB:
            raise tarfile.ReadError("a header is larger than 1 MiB")
        return super()._proc_member(archive)  # type: ignore[misc]


def _tar_or_single(source: _Source, budget: _Budget, name: str) -> Iterator[Member]:
    head = _read_full(source, 512)
    budget.spend(len(head))
    stream = _Counted(head, source, budget)
    if not _is_tar(head):
        data = _read_full(stream, budget.limits.file_bytes + 1)
        if data:
            yield Member(budget.admit(name, len(data)), data)
        return
    with tarfile.open(fileobj=cast(BinaryIO, stream), mode="r|", tarinfo=_TarHeader) as archive:
        for entry in archive:
            # The list of headers is kept by tarfile for random access, which a stream has no use for.
            archive.members = []  # type: ignore[attr-defined]
            if entry.isdir():
                continue
            path = budget.admit(entry.name, entry.size)
            if entry.issym():
                _check_link(entry.name, entry.linkname)
            elif entry.islnk():
                _check_link("", entry.linkname)
            elif not entry.isreg() or entry.issparse():
                raise _special(entry.name)
            else:
                content = archive.extractfile(entry)
                yield Member(path, content.read() if content else b"")


def _special(path: str) -> InvalidRequest:
    return InvalidRequest(
        f"The archive holds {path[:80]!r}, which is a device, pipe or sparse file.",
        code="archive_special_file",
        remedy="Pack only ordinary files and folders.",
    )


def _is_tar(head: bytes) -> bool:
    if len(head) < 512:
        return False
    if head[257:262] == b"ustar":
        return True
    try:
        stored = int(head[148:156].split(b"\0")[0].strip() or b"x", 8)
    except ValueError:
        return False
    return stored == sum(head[:148]) + 8 * 32 + sum(head[156:])


def _read_full(source: _Source, size: int) -> bytes:
    parts: list[bytes] = []
    left = size
    while left > 0:
        part = source.read(min(left, MIB))
        if not part:
            break
        parts.append(part)
        left -= len(part)
    return b"".join(parts)


def _zip(stream: BinaryIO, budget: _Budget) -> Iterator[Member]:
    _check_zip_directory(stream, budget.limits)
    with zipfile.ZipFile(stream) as archive:
        for entry in archive.infolist():
            if entry.filename.endswith("/"):  # is_dir() of a damaged name that is empty raises IndexError
                continue
            path = budget.admit(entry.filename, entry.file_size)
            if entry.flag_bits & 0x1:
                raise InvalidRequest(
                    "The zip archive is encrypted.",
                    code="archive_encrypted",
                    remedy="Pack the recording without a password.",
                )
            mode = entry.external_attr >> 16
            if stat.S_ISLNK(mode):
                with archive.open(entry) as link:
                    _check_link(entry.filename, link.read(4096).decode("utf-8", "replace"))
                continue
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
                raise _special(entry.filename)
            with archive.open(entry) as content:
                yield Member(path, _read_full(_Counted(b"", content, budget), budget.limits.file_bytes + 1))


def _check_zip_directory(stream: BinaryIO, limits: Limits) -> None:
    """Refuses a zip whose directory is too large to be read. Layout: APPNOTE 4.3.14 to 4.3.16."""
    size = _size(stream)
    start = max(0, size - 65557 - 76)
    stream.seek(start)
    tail = stream.read()
    stream.seek(0)
    end = tail.rfind(b"PK\x05\x06")
    if end < 0 or end + 22 > len(tail):
        raise _damaged("the zip has no directory")
    directory = struct.unpack_from("<L", tail, end + 12)[0]
    zip64 = tail.rfind(b"PK\x06\x06", 0, end)
    if zip64 >= 0 and zip64 + 48 <= len(tail):
        directory = max(struct.unpack_from("<Q", tail, zip64 + 40)[0], 0 if directory == 0xFFFFFFFF else directory)
    if directory > limits.directory_bytes:
        raise _too_large("has a directory larger", limits.directory_bytes, "bytes")


def _folder(root: Path, limits: Limits) -> Iterator[Member]:
    budget = _Budget(limits, limits.total_bytes)
    for path in sorted(root.rglob("*")):
        if path.is_symlink() or not path.is_file():
            continue
        try:
            name = budget.admit(path.relative_to(root).as_posix(), path.stat().st_size)
            data = path.read_bytes()
        except OSError as error:
            raise _cannot_read(path, error) from error
        budget.spend(len(data))
        yield Member(name, data)
