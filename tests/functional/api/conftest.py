import pytest

from chalicelib import wiring
from tests.functional.api.harness import CLUSTERS, build_api


@pytest.fixture(scope="module")
def api():
    yield build_api()
    wiring.install(None)


@pytest.fixture(scope="module")
def incidents(api):
    """The id of the recorded cluster with 29 faults."""
    return api.add_recorded("incidents", CLUSTERS / "incidents.tar.xz")
