"""Options, files, ports, recovery: what start-up decides before anything runs."""

from __future__ import annotations

import os
import socket
import stat
import sys
import tarfile
import time
from pathlib import Path

import pytest

from infra.local import environment
from infra.local.archive import NotARecording, name_of, packed
from infra.local.embedded_aws.serve import CLEAN_MARKER, LAST_SAVE, USED_MARKER
from infra.local.instance import AlreadyRunning, CannotStart, hold, listen, require_space
from infra.local.kubeconfig import NotAKubeconfig, contexts_of
from infra.local.layout import Layout
from infra.local.options import InvalidOption, read_options
from infra.local.process import RESTART_LIMIT, Child
from infra.local.recovery import begin


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    made = Layout(tmp_path / ".local")
    made.prepare()
    return made


def written(path: Path, age_s: float = 0) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("x")
    moment = time.time() - age_s
    os.utime(path, (moment, moment))
    return path


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1", "80 80"])
def test_a_port_that_is_none_is_refused_with_an_example(port: str) -> None:
    with pytest.raises(InvalidOption, match="PORT=8080"):
        read_options({"PORT": port})


def test_an_import_that_does_not_exist_is_named() -> None:
    with pytest.raises(InvalidOption, match="RECORDED_IMPORT=/no/such"):
        read_options({"RECORDED_IMPORT": "/no/such"})


def test_local_auth_names_its_choices() -> None:
    with pytest.raises(InvalidOption, match="cookie"):
        read_options({"LOCAL_AUTH": "none"})


def test_the_private_folder_is_private_and_its_secrets_stay_the_same(layout: Layout) -> None:
    assert stat.S_IMODE(layout.home.stat().st_mode) == 0o700
    token = layout.secret("token")
    layout.prepare()
    assert layout.secret("token") == token
    assert stat.S_IMODE(layout.token.stat().st_mode) == 0o600
    assert layout.access_key() == layout.access_key()
    assert layout.access_key()[0].startswith("AKIA")


def test_the_users_own_aws_settings_do_not_reach_the_children(tmp_path: Path) -> None:
    options = read_options({"KUBILITICS_HOME": str(tmp_path)})
    options.layout.prepare()
    users = {"AWS_PROFILE": "prod", "AWS_SESSION_TOKEN": "real", "AWS_ACCESS_KEY_ID": "AKIAREAL", "PATH": "/bin"}
    made = environment.for_product(options, 4566, users)
    assert "AWS_PROFILE" not in made
    assert "AWS_SESSION_TOKEN" not in made
    assert made["AWS_ACCESS_KEY_ID"] == options.layout.access_key()[0]
    assert made["PATH"] == "/bin"
    assert "AWS_SESSION_TOKEN" not in environment.for_ministack(options, 4566, users)


def test_a_second_start_learns_where_the_first_one_answers(layout: Layout) -> None:
    first = hold(layout.run, "http://127.0.0.1:8123")
    with pytest.raises(AlreadyRunning, match=r"already running at http://127.0.0.1:8123 \(process \d+\)"):
        hold(layout.run, "http://127.0.0.1:8000")
    os.close(first)
    os.close(hold(layout.run, "http://127.0.0.1:8000"))


def test_a_busy_port_is_named_with_a_free_one() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(CannotStart, match=rf"Port {port} is used by another program.*make run PORT=\d+"):
            listen(read_options({"PORT": str(port)}), patience_s=0.1)


def test_a_full_disk_is_named(tmp_path: Path) -> None:
    with pytest.raises(CannotStart, match=r"is full: 3 MB are free, 200 MB are needed"):
        require_space(tmp_path / "not" / "yet", free_bytes=3 * 2**20)
    require_space(tmp_path / "not" / "yet", free_bytes=300 * 2**20)


def test_a_first_start_begins_with_nothing(layout: Layout) -> None:
    assert begin(layout).source == "nothing"
    assert begin(layout).message is None


def test_an_end_before_anything_was_kept_is_told_and_the_sample_comes_again(layout: Layout) -> None:
    written(layout.aws / USED_MARKER)
    written(layout.connected)
    assert "is lost" in (begin(layout).message or "")
    assert not layout.connected.exists()


def test_after_a_clean_stop_the_saved_state_is_used(layout: Layout) -> None:
    written(layout.aws_state / "dynamodb.json", age_s=60)
    written(layout.backup / "20260101T000000.000000Z" / "manifest.json", age_s=10)
    written(layout.aws / CLEAN_MARKER)
    assert begin(layout).source == "clean"
    assert (layout.aws_state / "dynamodb.json").exists()


def test_after_an_unclean_end_the_newer_backup_replaces_the_saved_state(layout: Layout) -> None:
    written(layout.aws / LAST_SAVE, age_s=600)
    # Files that a failed save tore are newer than the backup; they do not count.
    written(layout.aws_state / "dynamodb.json")
    written(layout.aws_objects / "object", age_s=600)
    written(layout.backup / "20260101T000000.000000Z" / "manifest.json", age_s=100)
    written(layout.home / ".backup.partial" / "manifest.json")
    beginning = begin(layout)
    assert beginning.source == "backup"
    assert "at most 5 minutes" in (beginning.message or "")
    assert list(layout.aws_state.iterdir()) == list(layout.aws_objects.iterdir()) == []
    assert (layout.aws / "state.unclean" / "dynamodb.json").exists()
    assert begin(layout).source == "backup"


def test_after_an_unclean_end_before_the_first_backup_the_saved_state_is_used(layout: Layout) -> None:
    written(layout.aws / LAST_SAVE, age_s=100)
    written(layout.aws_state / "dynamodb.json", age_s=100)
    written(layout.backup / "20260101T000000.000000Z" / "manifest.json", age_s=600)
    beginning = begin(layout)
    assert beginning.source == "saved"
    assert "did not end cleanly" in (beginning.message or "")
    assert (layout.aws_state / "dynamodb.json").exists()


def test_a_child_that_keeps_ending_is_given_up_after_growing_pauses(tmp_path: Path) -> None:
    child = Child("child", [sys.executable, "-c", "print('because'); raise SystemExit(3)"], {}, tmp_path / "log")
    child.start()
    assert child.process is not None
    child.process.wait()
    pauses = [child.pause_before_restart_s() for _ in range(RESTART_LIMIT)]
    assert pauses == sorted(pauses)  # type: ignore[type-var]
    assert child.pause_before_restart_s() is None
    assert child.ending == "exit code 3"
    assert "because" in child.last_words()


def test_a_child_that_ignores_the_signal_is_killed_after_its_grace(tmp_path: Path) -> None:
    code = "import signal,time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(60)"
    child = Child("child", [sys.executable, "-c", code], dict(os.environ), tmp_path / "log", grace_s=0.3)
    child.start()
    while "up" not in child.last_words():
        time.sleep(0.02)
    assert not child.stop()
    assert child.ending == "killed by SIGKILL"


def test_a_folder_is_packed_without_links_and_an_archive_is_used_as_it_is(tmp_path: Path) -> None:
    folder = tmp_path / "my-dump"
    (folder / "default").mkdir(parents=True)
    (folder / "default" / "pods.json").write_text("{}")
    (folder / "passwords").symlink_to("/etc/passwd")
    archive = packed(folder, tmp_path)
    with tarfile.open(archive) as opened:
        assert opened.getnames() == ["default/pods.json"]
    assert packed(archive, tmp_path) == archive
    assert name_of(archive) == name_of(folder) == "my-dump"


def test_what_cannot_be_a_recording_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotARecording, match="not an archive"):
        packed(tmp_path / "notes.txt", tmp_path)
    with pytest.raises(NotARecording, match="holds no files"):
        packed(tmp_path / "empty", tmp_path)


KUBECONFIG = """
apiVersion: v1
kind: Config
contexts:
- {name: prod, context: {cluster: c1, user: u1}}
- {name: test, context: {cluster: c1, user: u2, namespace: web}}
- {name: eks, context: {cluster: c1, user: u3}}
clusters:
- {name: c1, cluster: {server: "https://10.0.0.1:6443", certificate-authority: ca.crt}}
users:
- {name: u1, user: {token: abc}}
- {name: u2, user: {tokenFile: token.txt}}
- {name: u3, user: {exec: {command: aws, args: [eks, get-token]}}}
"""


def test_each_context_becomes_a_kubeconfig_of_its_own_with_inline_files(tmp_path: Path) -> None:
    (tmp_path / "config").write_text(KUBECONFIG)
    (tmp_path / "ca.crt").write_bytes(b"CERT")
    (tmp_path / "token.txt").write_text("from-file\n")
    contexts = list(contexts_of(tmp_path / "config"))
    found = {context.name: context.kubeconfig for context in contexts}
    assert [context.plugin for context in contexts] == [False, False, True]
    assert list(found) == ["prod", "test", "eks"]
    assert "certificate-authority-data: Q0VSVA==" in found["prod"]
    assert "from-file" in found["test"]
    assert "abc" not in found["test"]
    assert "tokenFile" not in found["test"]


@pytest.mark.parametrize("text", ["{", "[]", "a: 1", "contexts: [{name: x, context: {cluster: gone, user: gone}}]"])
def test_a_file_that_is_no_kubeconfig_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config").write_text(text)
    with pytest.raises(NotAKubeconfig):
        list(contexts_of(tmp_path / "config"))
