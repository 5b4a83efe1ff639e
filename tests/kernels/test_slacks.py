"""What is judged of a solution beside its residual."""

import numpy as np
import pytest

from exacthat.kernels.gravity import cy, examples, ref


@pytest.mark.parametrize("at", [0, 2, 4])
@pytest.mark.parametrize("name", ["exports", "imports"])
def test_a_number_that_is_none_spoils_the_balance(name, at):
    system, solution = examples.slacks(np.random.default_rng(0))
    trade = np.array(getattr(solution, name))
    trade[at] = np.nan
    spoiled = solution._replace(**{name: trade})
    for twin in (cy, ref):
        assert not twin.slacks(system, spoiled).balance <= np.inf


def test_the_worst_cell_is_the_largest_residual_of_any_part():
    system, solution = examples.slacks(np.random.default_rng(1), kind="all")
    for part, (row, column) in enumerate([(2, 3), (1, 4), (0, 2)]):
        missed = [np.array(values) for values in solution.state.residual]
        missed[part][(row, column) if part < 2 else column] = -50.0
        state = solution.state._replace(residual=type(solution.state.residual)(*missed))
        for twin in (cy, ref):
            assert twin.slacks(system, solution._replace(state=state)).worst == (part, row, column)
