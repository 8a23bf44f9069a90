"""Everything that can be wrong with the further tables of a survey and with how they are joined."""

from collections.abc import Callable

import numpy as np
from astropy.table import Table

from tests.bad_input import DEFINITION, N_STARS, RUN, Input, Refused, Taken

JOIN = '\n[[join]]\nname = "more"\non = "gaia"\nkey = "source_id"\n'
FILES = 'files = { main = "FILE", more = "more.fits" }'
GAIA_IDS = 10**18 + np.arange(N_STARS)


def joined(
    spoil: Callable[[Input, Table], object] = lambda _given, _more: None, join: str = JOIN, name: str = "more.fits"
) -> Callable[[Input], object]:
    """Return a case in which [Fe/H] and its error are in a second table, which `spoil` may spoil."""

    def write(given: Input) -> None:
        given.definition = DEFINITION.replace('"feh"', '"more.feh"').replace('"e_feh"', '"more.e_feh"') + join
        given.run = RUN.replace('file = "FILE"', FILES.replace("more.fits", name), 1)
        more = given.stars["feh", "e_feh", "ra", "dec"]
        more["source_id"] = GAIA_IDS
        given.stars = given.stars[[column for column in given.stars.colnames if "feh" not in column]]
        changed = spoil(given, more)
        more = changed if isinstance(changed, Table) else more
        more[np.arange(len(more))[::-1]].write(given.folder / name)

    return write


def _without_file(given: Input) -> None:
    joined()(given)
    given.run = given.run.replace(', more = "more.fits"', "")


def _in_one_file(given: Input) -> None:
    given.definition = DEFINITION.replace('"feh"', '"more.feh"') + JOIN


def _as_text(_given: Input, more: Table) -> None:
    more["source_id"] = [str(own) for own in GAIA_IDS]


TABLES = (
    Taken("a second table in another order", joined()),
    Taken("its keys as text", joined(_as_text, name="more.csv")),
    Taken("stars that it does not have", joined(lambda _given, more: more[3:]), lost={"n_missing": 3}),
    Taken(
        "keys of 0, -1 and -9999 in both tables: they match nothing",
        joined(lambda g, more: (g.put("gaia", 0, -1, -9999), _put(more, "source_id", 0, -1, -9999))),
        lost={"n_missing": 3},
    ),
    Taken("the columns of the second table in the main one, and no file for it", _in_one_file),
    Refused(
        "a second table without a file", _without_file, ("No file is named for the table 'more'", "no column 'feh'")
    ),
    Refused(
        "a second table that is missing",
        lambda given: (joined()(given), (given.folder / "more.fits").unlink()),
        ("No survey file", "more.fits"),
    ),
    Refused(
        "a file for a table that is not joined",
        lambda g: (joined()(g), setattr(g, "run", g.run.replace("more =", "mroe ="))),
        ("names a table 'mroe'", "joins more"),
    ),
    Refused(
        "a key that is not there",
        joined(join=JOIN.replace("source_id", "source")),
        ("more.fits has no column 'source'", "Did you mean 'source_id'"),
    ),
    Refused(
        "a key that repeats in the second table",
        joined(lambda _given, more: _put(more, "source_id", GAIA_IDS[1])),
        ("rows 10, 11 have the same source_id, 1000000000000000001", 'repeats = "first"'),
    ),
    Refused(
        "keys that have lost digits",
        joined(lambda _given, more: more.replace_column("source_id", GAIA_IDS.astype(float))),
        ("more.fits", "float64", "lost their last digits"),
    ),
    Refused(
        "keys that are no ids",
        joined(lambda _given, more: more.replace_column("source_id", np.linspace(0.5, 6, N_STARS))),
        ("more.fits", "which is no id"),
    ),
    Refused(
        "names as keys of integers",
        joined(lambda _given, more: more.replace_column("source_id", [f"HD {n}" for n in range(N_STARS)])),
        ("'HD 11' in row 0", "keys of the other table are integers"),
    ),
    Refused(
        "keys that match nothing",
        joined(lambda _given, more: more.replace_column("source_id", np.arange(1, 1 + N_STARS))),
        (
            "No row of the table 'more'",
            "gaia of survey.fits: 1000000000000000000",
            "source_id of more.fits: 12, 11, 10",
        ),
    ),
    Refused(
        "a table joined row by row that is shorter",
        joined(lambda _given, more: more[1:], join='\n[[join]]\nname = "more"\nby = "row"\n'),
        ("survey.fits has 12 rows and ", "more.fits 11"),
    ),
    Refused(
        "a table joined by position that is elsewhere",
        joined(
            lambda _given, more: _put(more, "dec", *[0] * N_STARS), join='\n[[join]]\nname = "more"\nby = "position"\n'
        ),
        ("within 2 arcsec", "ra and dec of more.fits"),
    ),
    Refused(
        "a table joined on one that comes later",
        joined(join='\n[[join]]\nname = "far"\non = "more.source_id"\n' + JOIN),
        ("joined on 'more.source_id'", "Change the order of [[join]]"),
    ),
)


def _put(table: Table, column: str, *values: object) -> None:
    table[column][: len(values)] = values
