"""Every conformance case, on a vault built on disk."""

import time

import pytest

from tests.conformance.adapter import ragbot
from tests.conformance.suite import DEPARTURES, build, cases, differences

CASES = {case["id"]: case for case in cases()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_case(case, tmp_path):
    root = build(case, tmp_path)
    started = time.monotonic()
    found = ragbot(root, case["note"])
    seconds = time.monotonic() - started
    departs = case["id"] in DEPARTURES
    expected = case["alt"]["expect"] if departs else case["expect"]
    assert not differences(expected, found), case["why"]
    assert seconds < 10 * case["expect"].get("max_seconds", 10)
    assert case["expect"].get("absent") not in found["notes"]


def test_departures_are_contested_cases():
    assert all(CASES[name]["contested"] for name in DEPARTURES)


def test_a_wrong_answer_is_seen(tmp_path):
    case = CASES["wl-001"]
    found = ragbot(build(case, tmp_path), case["note"])
    found["links"][0]["resolved"] = None
    assert differences(case["expect"], found) == ["links"]
