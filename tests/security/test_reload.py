"""A page that is loaded again while another person waits: everyone gets only their own."""

import pytest

from engine.api import GenerateRequest, Sampling
from tests.security.server import Person


@pytest.mark.case(51)
def test_a_reload_while_another_waits_gives_everyone_only_their_own(served):
    """Ada's run is at work, Bob's waits, Ada's browser starts anew and finds her run again."""
    ada, bob = Person(served, "ada"), Person(served, "bob")
    jobs, made = served.desk.jobs, {"ada": [], "bob": []}
    served.engine.gate.clear()
    try:
        for name, person, seed in (("ada", ada, 11), ("bob", bob, 22)):
            jobs.submit(
                f"{name}s-job-51", person.owner, "generate",
                (GenerateRequest(sampling=Sampling(seed=seed)),),
                lambda result, asked, name=name: made[name].append(asked.sampling.seed) or 1,
            )  # fmt: skip
        ada.http.close()
        again = Person(served, "ada")

        assert again.owner == ada.owner
        assert again.get("/api/jobs/adas-job-51").json()["state"] in ("queued", "running")
        for person, others in ((again, "bobs"), (bob, "adas")):
            found = person.get(f"/api/jobs/{others}-job-51").json()
            assert found == person.get("/api/jobs/none-job-51").json()
    finally:
        served.engine.gate.set()
    views = [jobs.wait("adas-job-51", again.owner), jobs.wait("bobs-job-51", bob.owner)]

    assert [view.state for view in views] == ["done", "done"]
    assert made == {"ada": [11], "bob": [22]}
    assert again.get("/api/jobs/adas-job-51").json()["state"] == "done"
    assert bob.get("/api/jobs/bobs-job-51").json()["state"] == "done"
