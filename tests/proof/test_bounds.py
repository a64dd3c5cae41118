"""What a death can repeat of effects outside of the store is bounded, by what docs/guarantees.md says."""

from __future__ import annotations

import pytest

from .bounds import COMMITS, large_batches, repeats_of_deaths

SEEDS = range(8)
# Ends on their way into the store, of all lanes together.
MOST_UNRECORDED = 50


@pytest.mark.parametrize("concurrency", [1, 3])
@pytest.mark.parametrize("commit", COMMITS)
def test_a_death_repeats_no_more_than_the_page_says(commit, concurrency):
    """What is on its way into the store, if ends are recorded in groups, and what is being run."""
    deaths = repeats_of_deaths(large_batches(seed, commit=commit, concurrency=concurrency) for seed in SEEDS)

    assert max(deaths) >= 1  # or the bound would be none
    assert max(deaths) <= concurrency + (MOST_UNRECORDED if commit == "group" else 0)
