"""What the documents say: pages made from the code are those it makes, commands and files exist, settings are valid."""

import json
import re
import runpy
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
import typer
from typer.main import get_command

from stdask import __version__
from stdask.cli.main import app
from stdask.config.atlas import AtlasFile
from stdask.config.cluster import ClusterProfile
from stdask.config.run import RunConfig
from stdask.config.survey import SurveyDefinition, load_definition, shipped_names
from stdask.config.surveys import split_surveys
from stdask.storage.tables import write_parquet
from tests.cli.test_main import call

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md")), *sorted((ROOT / "deploy").glob("*.md"))]
PROFILES = sorted((ROOT / "deploy").glob("*.toml"))
sys.path.insert(0, str(ROOT / "docs"))  # where the script has a module of its own
MADE = runpy.run_path(str(ROOT / "docs" / "make_reference.py"))["pages"]()
FOLDERS = "jobs|deploy|docs|stdask|tests"


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", MADE, ids=named)
def test_a_page_made_from_the_code_is_what_the_code_makes(path: Path):
    assert path.read_text(encoding="utf-8") == MADE[path], "make it again: python docs/make_reference.py"


def test_no_page_is_of_a_definition_that_is_gone():
    assert set((ROOT / "docs" / "surveys").iterdir()) <= set(MADE)


def test_every_key_is_in_the_reference():
    def keys(model: dict) -> Iterator[str]:
        for table in (model, *model.get("$defs", {}).values()):
            yield from table["properties"]

    models = {"run": RunConfig, "survey": SurveyDefinition, "atlas": AtlasFile, "cluster": ClusterProfile}
    for name, model in models.items():
        text = (ROOT / "docs" / f"{name}_toml.md").read_text()
        assert [key for key in keys(model.model_json_schema()) if not re.search(rf"`\[*(\w+\.)*{key}\b", text)] == []


def test_the_recipes_of_the_columns_keep_the_good_stars(tmp_path: Path, monkeypatch, capsys):
    blocks = re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / "columns.md").read_text(), re.MULTILINE | re.DOTALL)
    flags = ["GOOD", "FLAG_MISSING_INPUTS_INTRINSIC", *(f"QFLAG_{f}_INTRINSIC" for f in ("INPUT", "OUTPUT", "DOMAIN"))]
    good = [True, False, True, True, True]
    stars = [good] + [[value != (own == n) for own, value in enumerate(good)] for n in range(len(good))] + [good]
    table = pa.table(dict(zip(flags, zip(*stars, strict=True), strict=True)))
    table = table.append_column("USE", pa.array([star == 0 for star in range(len(stars))]))  # the last: extrinsic flags
    for number, name in enumerate(("sobject_id", "M_H_PRED_50", "M_H_PRED_SIGMA")):
        table = table.append_column(name, pa.array([10 * number + star for star in range(len(stars))]))
    folder = tmp_path / "stdask-demo" / "catalogues" / "mock_a_on_mock_b" / "dataset" / "Norder=0" / "Dir=0"
    folder.mkdir(parents=True)
    write_parquet(folder / "Npix=0.parquet", table)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "read.py").write_text("".join(blocks))
    runpy.run_path("read.py")
    kept = re.findall(r"\[\[([\d,]+)\]\]", capsys.readouterr().out)
    assert kept == ["0", "10", "20", "0,6", "10,16", "20,26"]


@pytest.mark.parametrize("name", shipped_names())
def test_every_column_of_a_survey_catalogue_is_explained(name: str):
    definition, text = load_definition(name), (ROOT / "docs" / "columns.md").read_text()
    for column in definition.catalogue_columns:
        stem = column.name.removesuffix("_ERR")
        own = column.name.replace(stem, "LABEL") if stem in definition.labels else column.name
        assert f"| `{own}` |" in text


def commands_of(path: Path) -> list[str]:
    """Return every stdask command of a text: in code blocks, between backticks, in a profile's head."""
    text = path.read_text()
    blocks = "".join(re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL))
    head = re.findall(r"^#   stdask (.+)$", text, re.MULTILINE) if path.suffix == ".toml" else []
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [*head, *re.findall(r"^(?:\.venv/bin/)?stdask (.+)$", blocks, re.MULTILINE), *_inline(text)]


def _inline(text: str) -> list[str]:
    return re.findall(r"`stdask ([^`:]+)`", text)  # with a colon it is an error that stdask prints


@pytest.mark.parametrize("path", [*PAGES, *PROFILES], ids=named)
def test_every_command_of_a_page_exists_with_its_options(path: Path):
    for line in commands_of(path):
        parse(shlex.split(line, comments=True))


def parse(words: list[str]) -> None:
    """Fail if there is no such command or option; runs nothing."""
    command = get_command(app)
    while (commands := getattr(command, "commands", None)) and not words[0].startswith("-"):
        assert words[0] in commands, f"no command {words[0]!r}"
        command, words = commands[words[0]], words[1:]
    command.make_parser(typer.Context(command)).parse_args(words)


@pytest.mark.parametrize("line", ["runs run.toml", "run run.toml --clustre x.toml", "cluster chek"])
def test_a_command_that_does_not_exist_is_found(line: str):
    with pytest.raises(Exception, match=r"no command|[Nn]o such option|unexpected"):
        parse(shlex.split(line))


def every_command() -> Iterator[tuple[str, ...]]:
    """Yield all commands, those in groups too, as words."""
    for name, command in get_command(app).commands.items():
        inner = getattr(command, "commands", None)
        yield from ((name, own) for own in inner) if inner else [(name,)]


@pytest.mark.parametrize("words", list(every_command()), ids=" ".join)
def test_every_command_explains_itself_with_examples_that_exist(words: tuple[str, ...], monkeypatch, capsys):
    code, text = call(monkeypatch, capsys, *words, "--help")
    assert code == 0
    examples = re.findall(r"^    stdask (.+)$", re.split(r"^  Examples?:$", text, flags=re.MULTILINE)[1], re.MULTILINE)
    assert examples
    for example in examples:
        assert example.startswith(" ".join(words))
        parse(shlex.split(example))


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_file_and_heading_that_a_page_names_exists(path: Path):
    text = path.read_text()
    for target, heading in re.findall(r"\]\(([^)#\s]*)(?:#([\w-]+))?\)", text):
        if "://" not in target:
            other = path.parent / target if target else path
            assert other.exists(), target
            assert not heading or heading in headings(other), f"{target}#{heading}"
    for name in re.findall(rf"`((?:{FOLDERS})/[\w./-]+\w)`", text):
        assert (ROOT / name).exists(), name


def headings(path: Path) -> set[str]:
    """Return the anchors that GitHub makes of the headings of a page."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_every_setting_of_a_page_is_valid(path: Path):
    for block in re.findall(r"^```toml\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL):
        content = tomllib.loads(block)
        for key, model in (("surveys", RunConfig), ("labels", SurveyDefinition), ("cluster", ClusterProfile)):
            if key in content:
                for part in split_surveys(content, path.name):
                    model.model_validate(part.content)
                break


def test_the_version_is_the_same_everywhere_and_the_changelog_has_it():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert declared == __version__
    versions = re.findall(r"^## (\S+) \((.+)\)$", (ROOT / "docs" / "changelog.md").read_text(), re.MULTILINE)
    assert [date for _, date in versions[1:] if not re.fullmatch(r"\d{4}-\d\d-\d\d", date)] == []
    assert __version__ in dict(versions)


def test_zenodo_gets_the_licence_and_keywords_of_the_package():
    record = json.loads((ROOT / ".zenodo.json").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert record["license"] == project["license"]
    assert [creator["name"] for creator in record["creators"]] == [author["name"] for author in project["authors"]]
    assert set(project["keywords"]) <= set(record["keywords"])


def test_the_site_leaves_out_no_page_but_those_of_single_surveys():
    named = re.findall(
        r": ((?:docs|deploy)/\S+\.md|README\.md)$", (ROOT / "docs" / "mkdocs.yml").read_text(), re.MULTILINE
    )
    single = {page for page in PAGES if page.parent.name == "surveys" and page.name != "README.md"}
    missing = {str(page.relative_to(ROOT)) for page in set(PAGES) - single if page.parent.name != "site"} - set(named)
    assert missing == set()
