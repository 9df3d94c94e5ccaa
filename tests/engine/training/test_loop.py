import torch
from torch import nn

from engine.training.loop import Average, Plan, annealed, train


def fit(plan, limit=None):
    """A line through one point by gradient descent; stops as if the power went at ``limit``."""
    torch.manual_seed(0)
    network = nn.Linear(1, 1)
    average = Average(network)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.1)
    optimiser.param_groups[0]["peak"] = 0.1
    seen = []

    def step(index, fraction):
        seen.append((index, round(optimiser.param_groups[0]["lr"], 8)))
        if limit is not None and index == limit:
            raise KeyboardInterrupt
        loss = (network(torch.ones(1, 1)) - 3).pow(2).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        average.update(network, index)
        return {"loss": loss.item()}

    parts = {"network": network, "optimiser": optimiser, "average": average}
    done = train(step, parts, plan)
    return done, seen, network.weight.item()


def test_the_learning_rate_warms_up_and_ends_annealed():
    assert annealed(0.0, 0) == 0.01
    assert annealed(0.0, 1000) == 1.0
    assert abs(annealed(1.0, 1000) - 0.02) < 1e-12


def test_resuming_continues_where_the_run_ended(tmp_path):
    done, seen, weight = fit(Plan(tmp_path, 1, steps=10))
    again, more, resumed = fit(Plan(tmp_path, 1, resume=True, steps=14))

    assert (done, again) == (10, 14)
    assert [index for index, _ in seen] == list(range(10))
    assert [index for index, _ in more] == list(range(10, 14))
    assert resumed != weight


def test_without_resume_a_run_starts_over(tmp_path):
    fit(Plan(tmp_path, 1, steps=3))
    _, seen, _ = fit(Plan(tmp_path, 1, steps=3))

    assert seen[0][0] == 0


def test_the_average_forgets_its_start_at_first_and_is_slow_later():
    network = nn.Linear(1, 1, bias=False)
    with torch.no_grad():
        network.weight.fill_(0.0)
    average = Average(network, decay=0.99)
    with torch.no_grad():
        network.weight.fill_(1.0)

    average.update(network, 0)
    early = average.weights["weight"].item()
    average.weights["weight"].zero_()
    average.update(network, 100_000)

    assert abs(early - 0.9) < 1e-6
    assert abs(average.weights["weight"].item() - 0.01) < 1e-6
