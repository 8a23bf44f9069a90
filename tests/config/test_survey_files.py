"""The files of a survey: what a run file says of them, and how a definition joins its tables."""

import pytest
from pydantic import ValidationError

from stdask.config.stages import SurveyConfig
from stdask.config.survey_files import FileHints, Join, TableFile


def test_a_path_alone_leaves_the_format_to_the_definition():
    survey = SurveyConfig.model_validate({"definition": "own", "file": "stars.csv"})
    assert survey.file == TableFile(path="stars.csv")
    of_definition = FileHints(format="csv", delimiter="|")
    assert survey.file.hints(of_definition) == of_definition


def test_what_a_run_file_states_counts_and_the_rest_is_that_of_the_definition():
    file = TableFile(path="stars.csv", delimiter=",")
    assert file.hints(FileHints(format="csv", delimiter="|")) == FileHints(format="csv", delimiter=",")


@pytest.mark.parametrize(
    ("join", "key"),
    [
        ({"name": "gaia", "on": "sobject_id"}, "sobject_id"),
        ({"name": "gaia", "on": "gaia_source_id", "key": "source_id"}, "source_id"),
        ({"name": "distances", "on": "gaia.source_id"}, "source_id"),  # a column of a table joined before
    ],
)
def test_the_key_has_the_same_name_in_both_tables_unless_stated(join: dict, key: str):
    assert Join.model_validate(join).key_column == key


@pytest.mark.parametrize(
    ("join", "message"),
    [
        ({"name": "main", "on": "id"}, "Choose another `name`"),
        ({"name": "gaia"}, "a join by key needs `on`"),
        ({"name": "gaia", "by": "row", "on": "id"}, "a join by row takes no `on`"),
        ({"name": "Gaia DR3", "on": "id"}, "pattern"),
    ],
)
def test_a_join_that_cannot_be_is_refused(join: dict, message: str):
    with pytest.raises(ValidationError, match=message):
        Join.model_validate(join)
