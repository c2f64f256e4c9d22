"""The running service against its own OpenAPI document; benchmarks/contract.py asks for longer."""

import pytest

from benchmarks import contract


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_service_keeps_what_its_reference_says(make_settings):
    with contract.served(make_settings(workers=2)) as (url, key):
        report = contract.ask(url, key, examples=2)
    found = contract.summary(report)
    assert found["failures"] == [], report["output"][-6000:]
    assert found["errors"] == 0, report["output"][-6000:]
    assert found["requests"] > 500
    print(found)
