"""Errors: where something happened stands before what happened, also after the way from a worker to the driver."""

import inspect
import pickle

import pytest

from stdask import errors
from stdask.errors import IncompleteError, StdaskError

KINDS = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, StdaskError)]


def test_the_places_stand_before_the_message_the_outermost_first():
    error = StdaskError("row 7 has no id.")
    error.add_note("stars.fits")
    error.add_note("Run file run.toml")
    assert str(error) == "Run file run.toml: stars.fits: row 7 has no id."


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_of_a_worker_arrives_as_it_was(kind: type[StdaskError]):
    error = kind("it failed.")
    error.add_note("Npix=17")
    arrived = pickle.loads(pickle.dumps(error))
    assert type(arrived) is kind
    assert str(arrived) == "Npix=17: it failed."


def test_failed_tasks_are_kept_with_their_error():
    failed = [{"task": "Npix=17", "rows": 5, "tries": 3, "error": "no disk"}]
    error = pickle.loads(pickle.dumps(IncompleteError("1 of 2 tasks failed.", failed)))
    assert (str(error), error.failed) == ("1 of 2 tasks failed.", failed)


def test_every_error_stands_in_the_list_at_the_top_of_the_module():
    assert errors.__doc__ is not None
    assert [kind.__name__ for kind in KINDS if kind.__name__ not in errors.__doc__] == []
