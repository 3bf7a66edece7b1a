from __future__ import annotations

import bz2
import gzip
import io
import lzma
import struct
import tarfile
import zipfile

import pytest

from chalicelib.clusters.archive import Limits, members
from chalicelib.errors import InvalidRequest, KubiliticsError, TooLarge
from tests.unit.clusters.archives import DATA, a_tar, a_tar_with, a_zip

FILES = {"dump/nodes.json": b"{}", "dump/shop/pods.json": b"[1]"}


def read(data: bytes, **limits: int) -> dict[str, bytes]:
    return dict(members(data, Limits(**limits)))


def refused(data: bytes, **limits: int) -> KubiliticsError:
    with pytest.raises(KubiliticsError) as caught:
        read(data, **limits)
    assert caught.value.message
    assert caught.value.remedy
    return caught.value


@pytest.mark.parametrize("compression", ["", "gz", "xz"])
def test_a_tar_is_read_in_each_compression(compression):
    assert read(a_tar(FILES, compression)) == FILES


def test_a_zip_is_read():
    assert read(a_zip(FILES)) == FILES


def test_the_kind_of_archive_is_told_by_its_bytes_and_not_by_its_name(tmp_path):
    misnamed = tmp_path / "recording.zip"
    misnamed.write_bytes(a_tar(FILES, "xz"))
    assert dict(members(misnamed)) == FILES


def test_a_folder_is_read_like_an_archive_and_its_links_are_not_followed(tmp_path):
    (tmp_path / "shop").mkdir()
    (tmp_path / "shop" / "pods.json").write_bytes(b"[]")
    (tmp_path / "passwd").symlink_to("/etc/passwd")
    assert dict(members(tmp_path)) == {"shop/pods.json": b"[]"}


def test_a_single_file_is_read_under_its_own_name_also_when_it_is_compressed(tmp_path):
    single = tmp_path / "pods.json"
    single.write_bytes(b'{"kind":"PodList"}')
    assert dict(members(single)) == {"pods.json": b'{"kind":"PodList"}'}
    assert list(read(gzip.compress(b'{"kind":"PodList"}')).values()) == [b'{"kind":"PodList"}']


def test_an_xz_of_two_streams_is_read_whole():
    whole = a_tar(FILES)
    assert read(lzma.compress(whole[:700]) + lzma.compress(whole[700:])) == FILES


@pytest.mark.parametrize(
    "path",
    ["/etc/passwd", "../outside.json", "dump/../../outside.json", "C:/windows/x.json", "\\\\host\\share", "..\\x"],
)
def test_a_path_that_leads_outside_refuses_the_archive(path):
    for data in (a_tar({path: b"{}"}), a_zip({path: b"{}"})):
        assert refused(data).code == "archive_unsafe_path"


def test_paths_that_are_too_long_or_too_deep_are_refused():
    assert refused(a_tar({"a" * 600: b""})).code == "archive_unsafe_path"
    assert refused(a_tar({"/".join("abcdefghijklmnopqrs"): b""})).code == "archive_unsafe_path"


def test_a_link_within_the_archive_is_skipped_because_its_target_is_read_as_itself():
    for entry_type, target in ((tarfile.SYMTYPE, "pods.json"), (tarfile.LNKTYPE, "dump/pods.json")):
        assert list(read(a_tar_with(entry_type, "dump/x", target))) == ["dump/pods.json"]
    assert list(read(a_tar_with(tarfile.SYMTYPE, "b/logs/x.log", "../../dump/pods.json"))) == ["dump/pods.json"]


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "a/../../../outside"])
def test_a_link_that_leads_outside_refuses_the_archive(target):
    for entry_type in (tarfile.SYMTYPE, tarfile.LNKTYPE):
        assert refused(a_tar_with(entry_type, "dump/x", target)).code == "archive_unsafe_link"


def test_a_link_in_a_zip_that_leads_outside_refuses_the_archive():
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("dump/x")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert refused(buffer.getvalue()).code == "archive_unsafe_link"


@pytest.mark.parametrize("entry_type", [tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_devices_and_pipes_refuse_the_archive(entry_type):
    assert refused(a_tar_with(entry_type)).code == "archive_special_file"


def test_each_limit_stops_the_unpacking():
    data = a_tar({f"f{i}": b"x" * 1000 for i in range(10)})
    assert refused(data, files=9).code == "archive_too_large"
    assert refused(data, file_bytes=999).code == "archive_too_large"
    assert refused(data, total_bytes=5000).code == "archive_too_large"
    assert refused(a_zip({f"f{i}": b"x" * 1000 for i in range(10)}), total_bytes=5000).details["limit"] == 5000


@pytest.mark.parametrize("pack", [lambda d: gzip.compress(a_tar(d)), lambda d: lzma.compress(a_tar(d)), a_zip])
def test_an_archive_that_unpacks_to_a_thousand_times_its_size_is_refused(pack):
    bomb = pack({"dump/pods.json": bytes(20_000_000)})
    assert refused(bomb, ratio=100, ratio_from_bytes=1_000_000).code == "archive_bomb"


def test_our_own_recordings_are_far_from_the_ratio_of_a_bomb():
    assert len(dict(members(DATA / "scale.tar.xz"))) > 100


def test_an_encrypted_zip_is_refused_with_what_to_do():
    data = bytearray(a_zip({"pods.json": b"{}"}))
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.find(signature) + offset] |= 1
    error = refused(bytes(data))
    assert error.code == "archive_encrypted"
    assert "password" in error.remedy


def test_a_zip_whose_directory_is_huge_is_refused_before_it_is_read():
    data = bytearray(a_zip({"pods.json": b"{}"}))
    struct.pack_into("<L", data, data.rfind(b"PK\x05\x06") + 12, 100 * 1024 * 1024)
    assert refused(bytes(data)).code == "archive_too_large"


def test_a_pax_header_of_gigabytes_is_not_read_into_memory():
    entry = tarfile.TarInfo("pax")
    entry.type, entry.size = tarfile.XHDTYPE, 2 * 1024 * 1024
    assert refused(entry.tobuf() + bytes(2 * 1024 * 1024) + bytes(1024)).code == "archive_damaged"


def test_an_archive_cut_short_is_damaged_and_not_a_partial_success():
    for whole in (a_tar(FILES, "gz"), a_tar(FILES, "xz"), a_zip(FILES)):
        assert refused(whole[: len(whole) // 2]).code == "archive_damaged"


def test_a_zip_member_with_a_wrong_checksum_is_damaged():
    data = bytearray(a_zip({"pods.json": b"hello"}))
    data[data.rfind(b"PK\x01\x02") + 16] ^= 0xFF
    assert refused(bytes(data)).code == "archive_damaged"


def test_a_compression_that_is_not_offered_is_a_single_file_that_holds_nothing_known():
    assert list(read(bz2.compress(a_tar(FILES)))) == ["recording"]


def test_a_path_that_does_not_exist_says_so(tmp_path):
    with pytest.raises(InvalidRequest) as caught:
        list(members(tmp_path / "absent"))
    assert caught.value.code == "recording_not_readable"


def test_limits_of_size_answer_413():
    with pytest.raises(TooLarge):
        read(a_tar(FILES), files=1)
