"""The remedy that an error names is a remedy: it is applied as it stands in the message, and the run goes on.

The cases are those of bad input. A rule sees the message and what the user gave, and does what the message says; where
it names a column, a value or a setting, the rule takes that one and no other.
"""

import re
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from astropy.table import Table

from stdask.cluster.workers import Workers
from stdask.config.run import load_run
from stdask.errors import StdaskError
from stdask.stages.ingest import stage as ingest
from tests.bad_input import DEFINITION, N_STARS, RUN, Input, Refused, good_stars
from tests.bad_joins import joined
from tests.end_to_end.test_bad_input import CASES

Rule = Callable[[Input, str, re.Match[str]], object]
# What a column is to hold, in the words of messages -> what the file gets, if it has no such column.
WHOLE = 10**18 + np.arange(N_STARS)
COLUMNS: dict[str, tuple[str, Sequence[object]]] = {
    "an integer column": ("bits", np.zeros(N_STARS, dtype=int)),
    "64-bit integers": ("source", WHOLE),
    "ids are integers or text": ("source", WHOLE),
    "column of text": ("word", [f"{n}.5" for n in range(N_STARS)]),
    "": ("numbers", np.linspace(0, 1, N_STARS)),
}


def swap(text: str, old: str, new: str) -> str:
    """Return a text in which a name is another one, where it stands alone."""
    return re.sub(rf"(?<![\w.]){re.escape(old)}(?!\w)", lambda _: new, text)


def did_you_mean(given: Input, told: str, match: re.Match[str]) -> None:
    """Take the name that is proposed for the last one that was quoted before it."""
    wrong = re.findall(r"(?:no column|unknown key|no \w+) '([^']+)'", told[: match.start()])[-1]
    if "unknown key" in told:
        wrong = wrong.rpartition(".")[2]
    if told.startswith("Run file"):
        given.run = swap(given.run, wrong, match[1])
    else:
        given.definition = swap(given.definition, wrong, match[1])


def did_you_mean_each(given: Input, told: str, _: re.Match[str]) -> None:
    for wrong, right in re.findall(r"'(\w+)' \(did you mean '(\w+)'\?\)", told):
        given.definition = swap(given.definition, wrong, right)


def fetch_again(given: Input, told: str, _: re.Match[str]) -> None:
    """Put the table without fault in the place of the file, in the same format if that is one to write."""
    if "more.fits" in told:
        new = Input(given.folder)
        for path in given.folder.glob("*.fits"):
            path.unlink()
        joined()(new)
        given.stars, given.definition, given.run = new.stars, new.definition, new.run
        return
    if given.file.is_dir():
        shutil.rmtree(given.file)
    given.file.unlink(missing_ok=True)
    given.stars = good_stars()
    formats = {".fits", ".parquet", ".csv", ".ecsv", ".vot", ".feather", ".h5"}
    packed = len(given.file.suffixes) > 1  # A whole one has another name.
    given.name = given.name if given.file.suffix in formats and not packed else "stars.fits"
    given.run = given.run if "FILE" in given.run else RUN
    given.write_stars()


def write_it(given: Input, _told: str, match: re.Match[str]) -> None:
    """Run the line of Python that the message gives."""
    assert match[1].startswith("astropy.table.Table")
    source = given.folder / given.name
    if "ascii.ipac" in match[1]:
        plain = good_stars()
        plain.meta.clear()
        plain.write(source, format="ascii.ipac", overwrite=True)
        table = Table.read(source, format="ascii.ipac")
    else:
        stars = good_stars()
        np.savez(source, **{name: np.asarray(stars[name]) for name in stars.colnames})
        table = Table(dict(np.load(source)))
    given.name = re.search(r"write\('([^']+)'\)", match[1])[1]  # type: ignore[index]  # The message has it.
    table.meta.clear()  # Notes of IPAC, of which FITS takes none.
    table.write(given.file)


def set_in_file(given: Input, told: str, match: re.Match[str]) -> None:
    """Put a setting of `[file]` into the definition, as the message has it."""
    column = re.search(r"[Cc]olumn '(\w+)'", told)
    setting = match[1].replace("COLUMN", column[1]) if column else match[1]
    given.definition = re.sub(r"file = \{.*\}\n", "", given.definition)
    given.definition = given.definition.replace('id = "id"\n', f'id = "id"\nfile = {{ {setting} }}\n', 1)


def as_setting(match: re.Match[str]) -> re.Match[str]:
    """Return a match of a setting of a list of one word."""
    return re.match(r"(.*)", f'{match[2]} = ["{match[1]}"]')  # type: ignore[return-value]  # It matches.


def name_a_table(given: Input, told: str, match: re.Match[str]) -> None:
    set_in_file(given, told, re.match(r"(.*)", f'hdus = ["{match[1]}"]'))  # type: ignore[arg-type]  # It matches.


def name_a_column(given: Input, told: str, _: re.Match[str]) -> None:
    """Take another column, of the kind that is asked for, in the place of the one that was quoted."""
    quoted = re.search(r"(?:[Cc]olumn|=) '([^']+)'", told) or re.search(r"'(\w+)' is a number, and", told)
    assert quoted
    wrong = quoted[1]
    right, values = next(own for kind, own in COLUMNS.items() if kind in told)
    if "is an expression" in told:
        right = {"gaia + 1": "id", "15 * ra": "ra"}[wrong]
    if right not in given.stars.colnames:
        given.stars[right] = values
        given.file.unlink()
    texts = [f'column = "{wrong}"', f'"{wrong}"', f"({wrong},"]
    if text := next((text for text in texts if text in given.definition), None):
        given.definition = given.definition.replace(text, text.replace(wrong, right))
    else:  # The name of a column of the position that is taken where none is named.
        given.definition += f'[position]\n{wrong} = "{right}"\n'


def name_an_element(given: Input, _told: str, match: re.Match[str]) -> None:
    column = match[1].partition("[")[0]
    given.definition = re.sub(rf'"{column}(\[\d+\]| - 1)?"', f'"{match[1]}"', given.definition)


def use(*changes: tuple[str, str]) -> Rule:
    """Return a rule that changes the definition, or else the run file, by what the message says."""

    def apply(given: Input, _told: str, match: re.Match[str]) -> None:
        for old, new in changes:
            text = match.expand(new) if "\\" in new else new
            before = given.definition, given.run
            given.definition = re.sub(old, lambda _, t=text: t, given.definition, count=1)
            if given.definition == before[0]:
                given.run = re.sub(old, lambda _, t=text: t, given.run, count=1)
            assert (given.definition, given.run) != before, (old, before)

    return apply


def add(text: str) -> Rule:
    """Return a rule that adds to the definition what the message names."""
    return lambda given, _told, match: setattr(given, "definition", given.definition + match.expand(text))


def add_reddening(given: Input, _told: str, _: re.Match[str]) -> None:
    head, table, rest = given.definition.partition("[photometry]\n")
    given.definition = f'{head}[photometry]\nebv = "e_feh"\n{rest if table else ""}'


def correct_the_place(given: Input, _told: str, match: re.Match[str]) -> None:
    """Write the line that is named as it was before it was spoiled."""
    name, number = match[1], int(match[2])
    own, good = (given.run, RUN) if name == "run.toml" else (given.definition, DEFINITION)
    lines, right = own.splitlines(), good.splitlines()
    wrong = next(n for n, line in enumerate(lines) if line and line not in right)
    assert abs(wrong + 1 - number) <= 1
    given.run, given.definition = (good, given.definition) if name == "run.toml" else (given.run, good)


# Messages after which another file is taken, or this one is put right.
ANOTHER_FILE = (
    r"[Ff]etch |Unpack it|Write (?:the|it|what)|Give (?:a \.fits|the table)|Check the|"
    r"Name (?:the f|a file|files)|[Cc]orrect |Add a line with the names|Put it into the folder"
)
RULES: list[tuple[str, Rule]] = [
    (r"Remove it from `keep`", use((r"keep = .*\n", ""))),
    (r"`id` names 'SOURCE_ID'.* rename it in the survey file", use((r'id = "SOURCE_ID"', 'id = "id"'))),
    (r"\(did you mean '\w+'\?\)", did_you_mean_each),
    (r"Did you mean '([^']+)'", did_you_mean),
    (r"by (astropy\.table\.Table.*\))\.$", write_it),
    (r"says \[file\] format = \"fits\"\. .*correct the format", use((r'file = \{ format = "fits" \}\n', ""))),
    (r"Name in \[file\] hdus some of (\w+)", name_a_table),
    (r"\[file\] (hdus = \[\"\w+\"\])", set_in_file),
    (r"[Cc]olumn '\w+': unit .*(units = \{ COLUMN = \"\w+\" \})", set_in_file),
    (r"correct `unit` in the definition", use((r'unit = "kpc"', ""))),
    (r"not all tables of \[file\] hdus .*: (\w+) has", name_a_table),
    (r"holds \d values a row, (feh\[0\]) to", name_an_element),
    (r"Name (?:a|an|another|an integer) column|Name one of numbers", name_a_column),
    (r"Name columns of (?:integers or text|the same ids)|Use a file that has them|both files are", fetch_again),
    (r"Write repeats = (\"first\") in its \[\[join\]\]", add('repeats = "first"\n')),
    (r"join them by a key: (by = \"key\")", use(('by = "row"', r'\1\non = "gaia"\nkey = "source_id"'))),
    (r"Name its file: files = ", use((r'main = "FILE"', 'main = "FILE", more = "more.fits"'))),
    (r"names a table '(\w+)', but the definition 'small' joins (\w+)\.", use(("mroe", r"\2"))),
    (r"but must be '(>)', '>='", use((r'op = "=>"', r'op = "\1"'))),
    (r"(typical_error) is -0.1, but must be greater than (\d)", use((r"typical_error = -0.1", r"\1 = \2.1"))),
    (r"'fe_h' must be written in capital letters.* e\.g\. (\w+)", use((r"labels\.fe_h", r"labels.\1"))),
    (r"give `percentile_16` and `percentile_84` together, or none", use((r'percentile_16 = "e_feh"\n', ""))),
    (r"one kind of error: `(error)`", use((r'percentile_16 = "feh"\npercentile_84 = "snr"\n', ""))),
    (r"Use at most 2,000", use((r'"feh( \+ 0)+"', '"feh + 0"'))),
    (r"'(\w+)' is text. Numbers are computed from numbers alone", use((r"feh \+ id", "feh + 0 * snr"))),
    (r"Name columns whose units fit", use((r"ra \+ snr", "ra + dec"), (r"valid = .*", "valid = [-500, 500]"))),
    (r"Expressions have .* (sqrt), abs", use((r'column = "[^\n]*"\n', r'column = "\1(abs(feh))"' + "\n"))),
    (r"Give a value of the same kind\.", use((r'value = "good"', "value = 20"))),
    (r"holds '(good)' for one\. .* name it in \[file\] (null)", lambda g, t, m: set_in_file(g, t, as_setting(m))),
    (r"Shipped: .* ending in \.toml", use(("galah_dr9", "small.toml"))),
    (r"add \[parallax\] or", add('[parallax]\ncolumn = "snr"\nunit = "mas"\n')),
    (r"add `(ebv)` to \[photometry\]", add_reddening),
    (r"needs the magnitude (\w+): add its column to \[photometry\]", add('[photometry.bands.KS]\ncolumn = "snr"\n')),
    (r"name its column as `(g)`", use((r"\[photometry\.bands\.G\]\ncolumn", "[photometry]\ng"))),
    (r"Add `(g)`, `bp` and `rp`", use((r"(?<=\[photometry\]\n)", 'g = "snr"\n'))),
    (r"Set bands\.U\.(extinction), in units of E\(B-V\)", add("\\1 = 4.8\n")),
    (ANOTHER_FILE, fetch_again),
    (r"has no column '(\w+)'\. It has .*(e_feh), snr", use((r'"\w+"(?=\nunit)|"plx"', r'"\2"'))),
]  # fmt: skip
TOML = r"(\w+\.toml) is not valid TOML: .*\(at line (\d+), .*\. Correct this place\."
NOT_HERE = {
    "a file without permission": "the superuser may read it",
    "an address without --allow-remote": "needs the network",
    "an address of another kind": "needs the network",
    "a table joined on one that comes later": "needs a third table",
}
REFUSED = [case for part in CASES.values() for case in part if isinstance(case, Refused)]


@pytest.mark.parametrize("case", [pytest.param(case, id=case.what) for case in REFUSED if case.what not in NOT_HERE])
def test_the_remedy_of_the_message_is_one(case: Refused, client: Workers, tmp_path: Path):
    given, told = refused(case, tmp_path, client)
    followed: list[str] = []
    while told:
        assert told not in followed, "the advice changed nothing"
        assert len(followed) < 3, followed
        followed.append(told)
        follow(given, told)
        told = ingested(given, client, f"out{len(followed)}")


def refused(case: Refused, folder: Path, client: Workers) -> tuple[Input, str]:
    """Return what the user gave, and the error that it ended in."""
    given = Input(folder)
    case.spoil(given)
    told = ingested(given, client, "out")
    assert told
    return given, told


def ingested(given: Input, client: Workers, output: str) -> str:
    """Ingest what was given; return the error, empty for none."""
    try:
        run = load_run(given.write(), given.folder, given.folder / output)
        counts = ingest.run(run, client, "a").counts
    except StdaskError as exc:
        return str(exc).replace(f"{given.folder}/", "").replace(str(given.folder), "")
    assert counts.rows.n_out > 0
    return ""


def follow(given: Input, told: str) -> None:
    """Do what a message says, by the first rule that knows its words."""
    if match := re.search(TOML, told):
        correct_the_place(given, told, match)
        return
    for pattern, rule in RULES:
        if match := re.search(pattern, told):
            rule(given, told, match)
            return
    raise AssertionError(f"nobody knows how to follow: {told}")
