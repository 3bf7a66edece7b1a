"""Five hundred documents with planted credentials of more than fifty kinds and places; an oracle; the harm done."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

from chalicelib.state.redaction import MASK, redacted, redacted_all
from tests.unit.state.secret_corpus import PLACES, SPECIAL, WHOLE, Document, document

DOCUMENTS = 500


@pytest.fixture(scope="module")
def corpus() -> list[tuple[Document, str]]:
    documents = [document(seed) for seed in range(DOCUMENTS)]
    return [(made, redacted(made.text)) for made in documents]


def test_every_planted_credential_is_masked(corpus: list[tuple[Document, str]]) -> None:
    planted = Counter(kind for made, _ in corpus for kind, _ in made.planted)
    left = [(kind, text) for made, shown in corpus for kind, text in made.planted if text in shown]
    assert set(planted) == {*WHOLE, *PLACES, *SPECIAL}
    assert len(planted) >= 25
    assert min(planted.values()) >= 10
    assert left == []


def test_less_than_a_hundredth_of_the_plain_words_is_masked(corpus: list[tuple[Document, str]]) -> None:
    words = harmed = 0
    for made, _ in corpus:
        for part in made.plain:
            words += len(part.split())
            if redacted(part) != part:
                harmed += sum(a != b for a, b in zip(part.split(), redacted(part).split(), strict=False))
    assert words > 30_000
    assert harmed / words < 0.01


def test_plain_parts_stay_beside_credentials(corpus: list[tuple[Document, str]]) -> None:
    words = lost = 0
    for made, shown in corpus:
        for part in made.plain:
            words += len(part.split())
            lost += len(part.split()) if redacted(part) not in shown else 0
    assert lost / words < 0.01


def test_what_the_named_detectors_of_detect_secrets_find_is_masked(corpus: list[tuple[Document, str]]) -> None:
    """Not its entropy and keyword detectors: those flag digests, and health checks."""
    from detect_secrets.core.scan import scan_line
    from detect_secrets.settings import transient_settings

    named = (
        "AWSKeyDetector", "AzureStorageKeyDetector", "BasicAuthDetector", "DiscordBotTokenDetector",
        "GitHubTokenDetector", "GitLabTokenDetector", "JwtTokenDetector", "MailchimpDetector", "NpmDetector",
        "OpenAIDetector", "PrivateKeyDetector", "PypiTokenDetector", "SendGridDetector", "SlackDetector",
        "SquareOAuthDetector", "StripeDetector", "TelegramBotTokenDetector", "TwilioKeyDetector",
    )  # fmt: skip
    found = left = 0
    with transient_settings({"plugins_used": [{"name": name} for name in named]}):
        for made, shown in corpus[:120]:
            for line in made.text.split("\n"):
                for secret in scan_line(line):
                    value = secret.secret_value or ""
                    if value and "PRIVATE KEY" not in value:
                        found += 1
                        left += value in shown
    assert found > 50
    assert left == 0


def test_masking_again_changes_nothing(corpus: list[tuple[Document, str]]) -> None:
    assert all(redacted(shown) == shown for _, shown in corpus[:100])


def test_the_time_grows_with_the_length() -> None:
    """Hostile text: repeated beginnings of every form. Compared within one run, so that no machine is too slow."""
    pieces = ("password", "-----BEGIN ", "eyJ", "--api-key", "a" * 50 + ".", "name: x_token\n", "://u:", '\\"kind')
    for piece in pieces:
        short, long = piece * (4_000 // len(piece)), piece * (32_000 // len(piece))
        took = []
        for text in (short, long):
            began = time.process_time()
            redacted(text)
            took.append(time.process_time() - began)
        assert took[1] < 40 * max(took[0], 0.005), piece


def test_structured_values_are_masked_by_their_names() -> None:
    value = {
        "kind": "Secret",
        "data": {"anything": "aHVudGVyMg=="},
        "env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"name": "PORT", "value": "8080"}],
        "clientSecret": {"nested": "hunter3"},
        "secretName": "web-tls",
        "password": "",
    }
    assert redacted_all(value) == {
        "kind": "Secret",
        "data": {"anything": MASK},
        "env": [{"name": "DB_PASSWORD", "value": MASK}, {"name": "PORT", "value": "8080"}],
        "clientSecret": {"nested": MASK},
        "secretName": "web-tls",
        "password": "",
    }


def test_json_stays_json() -> None:
    for key in ("password", "apiKey", "DB_PASSWORD", "x"):
        line = json.dumps({key: 'a"b', "inner": json.dumps({key: "hunter2hunter2"}), "n": [1, None]})
        assert json.loads(json.loads(redacted(line))["inner"]) in ({key: MASK}, {"x": "hunter2hunter2"})
