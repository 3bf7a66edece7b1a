"""WebSocket connections and pushes through the gateway, over real sockets."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import boto3
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from infra.local.gateway.limits import Limits
from tests.functional.local.gateway_server import KEY, Served, serving

BEARER = {"Authorization": "Bearer good"}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("ws")) as served:
        yield served


def opened(served: Served, **headers: str) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{served.port}/ws", additional_headers=headers or BEARER, compression=None)


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not true():
        assert time.monotonic() < deadline, "did not come true"
        time.sleep(0.01)


def last_connection(served: Served) -> str:
    return next(entry[1] for entry in reversed(served.app.seen) if entry[0] == "connect")


def test_the_app_sees_connect_messages_in_order_and_disconnect(gateway: Served) -> None:
    gateway.app.seen.clear()
    with opened(gateway) as socket:
        for n in range(50):
            socket.send(json.dumps({"action": "chat", "n": n}))
        until(lambda: len(gateway.app.seen) == 51)
    until(lambda: gateway.app.seen[-1][0] == "disconnect")
    assert [json.loads(entry[2])["n"] for entry in gateway.app.seen if entry[0] == "message"] == list(range(50))
    assert len({entry[1] for entry in gateway.app.seen}) == 1


def test_pushed_frames_arrive_in_order_on_every_connection(gateway: Served) -> None:
    def push_all(connection_id: str) -> set[int]:
        return {gateway.push(connection_id, json.dumps({"seq": n})).status for n in range(25)}

    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        sockets, ids = [], []
        for _ in range(8):
            sockets.append(stack.enter_context(opened(gateway)))
            ids.append(last_connection(gateway))
        assert list(pool.map(push_all, ids)) == [{200}] * 8
        for socket in sockets:
            assert [json.loads(socket.recv(timeout=5))["seq"] for _ in range(25)] == list(range(25))


def test_the_official_client_can_push_look_and_close(gateway: Served) -> None:
    client = boto3.client(
        "apigatewaymanagementapi",
        endpoint_url=gateway.origin,
        region_name="us-east-1",
        aws_access_key_id=KEY[0],
        aws_secret_access_key=KEY[1],
    )
    with opened(gateway) as socket:
        connection_id = last_connection(gateway)
        client.post_to_connection(ConnectionId=connection_id, Data=b'{"t":"status"}')
        assert socket.recv(timeout=5) == '{"t":"status"}'
        assert client.get_connection(ConnectionId=connection_id)["Identity"]["SourceIp"] == "127.0.0.1"
        client.delete_connection(ConnectionId=connection_id)
        with pytest.raises(ConnectionClosed):
            socket.recv(timeout=5)
    with pytest.raises(client.exceptions.GoneException):
        client.post_to_connection(ConnectionId=connection_id, Data=b"late")


def test_a_closed_connection_is_gone(gateway: Served) -> None:
    answer = gateway.push("no-such-connection", "x")
    assert (answer.status, answer.json["error"]["code"]) == (410, "connection_gone")


def test_a_page_cannot_push_frames(gateway: Served) -> None:
    with opened(gateway):
        path = f"/@connections/{last_connection(gateway)}"
        assert gateway.ask("POST", path, {}, b"forged").status == 403
        assert (
            gateway.ask("POST", path, {"origin": gateway.origin, "cookie": "kubilitics_session=x"}, b"f").status == 403
        )
        assert gateway.push(last_connection(gateway), "forged", key="guessed").status == 403


@pytest.mark.parametrize("origin", [None, "http://localhost:3000", "https://evil.example"])
def test_a_cookie_opens_a_socket_only_from_our_own_page(gateway: Served, origin: str | None) -> None:
    headers = {"Cookie": "kubilitics_session=x"} | ({"Origin": origin} if origin else {})
    with pytest.raises(InvalidStatus) as refused:
        opened(gateway, **headers)
    assert refused.value.response.status_code == 403
    with opened(gateway, Cookie="kubilitics_session=x", Origin=gateway.origin):
        pass


def test_the_app_can_refuse_a_connection_with_its_own_answer(gateway: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        opened(gateway, Authorization="Bearer bad")
    assert refused.value.response.status_code == 401
    assert json.loads(refused.value.response.body)["error"]["code"] == "unauthenticated"


def test_another_path_is_no_websocket(gateway: Served) -> None:
    with pytest.raises(InvalidStatus):
        connect(f"ws://127.0.0.1:{gateway.port}/other", additional_headers=BEARER)


def test_a_failing_handler_is_answered_and_the_connection_stays(gateway: Served) -> None:
    with opened(gateway) as socket:
        socket.send("fail")
        assert json.loads(socket.recv(timeout=5))["message"] == "Internal server error"
        gateway.app.seen.clear()
        socket.send("still here")
        until(lambda: len(gateway.app.seen) == 1)


def test_a_frame_over_32_kb_closes_with_1009(gateway: Served) -> None:
    with opened(gateway) as socket:
        socket.send("x" * (32 * 1024 + 1))
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_a_message_of_128_kb_in_frames_passes_and_a_longer_one_closes_with_1009(gateway: Served) -> None:
    frame = "x" * (32 * 1024)
    with opened(gateway) as socket:
        gateway.app.seen.clear()
        socket.send([frame] * 4)
        until(lambda: len(gateway.app.seen) == 1)
        assert len(gateway.app.seen[0][2]) == 128 * 1024
        socket.send([*[frame] * 4, "y"])
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=5)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def test_a_push_over_128_kb_is_refused(gateway: Served) -> None:
    with opened(gateway):
        assert gateway.push(last_connection(gateway), "x" * (128 * 1024 + 1)).status == 413


@pytest.mark.parametrize("limit", ["websocket_idle_s", "websocket_life_s"])
def test_idle_and_old_connections_are_closed(tmp_path: Path, limit: str) -> None:
    limits = replace(Limits(websocket_idle_s=0.4), **{limit: 0.2})
    with serving(tmp_path, limits) as served, opened(served) as socket:
        connection_id = last_connection(served)
        with pytest.raises(ConnectionClosed) as closed:
            socket.recv(timeout=5)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1001
        until(lambda: ("disconnect", connection_id) in served.app.seen)
        assert served.push(connection_id, "late").status == 410
