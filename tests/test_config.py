"""Parameters are checked by name and value, all at once."""

from __future__ import annotations

import pytest

from identity_ops.config import RunConfig
from identity_ops.errors import ConfigError


def test_every_wrong_parameter_is_named_in_one_error() -> None:
    """An unknown key suggests the near one; a bad value says what it got."""
    with pytest.raises(ConfigError) as caught:
        RunConfig.parse({"num_conversation": 5, "seed": -1, "zero_stage": 7})
    for part in ("did you mean num_conversations?", "seed", "got -1", "zero_stage"):
        assert part in str(caught.value)


def test_too_many_batches_say_which_size_would_do() -> None:
    """A hundred thousand conversations need a larger batch."""
    with pytest.raises(ConfigError, match="set batch_size to 200"):
        RunConfig.parse({"num_conversations": 100_000})
    assert RunConfig.parse({"num_conversations": 100_000, "batch_size": 200}).batches == 500


def test_an_empty_conf_is_the_embedded_run() -> None:
    """No key, no GPU, no hub."""
    config = RunConfig.parse({})
    assert (config.teacher, config.base_model, config.general) == ("template", "tiny", ("builtin",))


@pytest.mark.parametrize(
    "conf", [{"max_cost_usd": float("inf")}, {"temperature": float("nan")}, {"seed": 2**32}]
)
def test_numbers_that_would_fail_hours_later_are_refused(conf: dict[str, float]) -> None:
    """JSON's 1e999 is an infinite cap; torch takes no seed beyond 32 bits everywhere."""
    with pytest.raises(ConfigError, match=next(iter(conf))):
        RunConfig.parse(conf)
