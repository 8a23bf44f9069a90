"""Advice that can be followed: each key, command, option and file that a message names is one that there is.

The messages are read off the syntax trees, so that a message nobody has seen yet is checked too.
"""

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import stdask
from stdask import errors
from stdask.cli.main import app
from stdask.schema import closure, evaluation, validation
from stdask.storage import paths
from stdask.storage.catalogue.catalogue import PROPERTIES
from stdask.storage.surveys.places.hats import PARTITIONS

ROOT = Path(stdask.__file__).parent
SCHEMAS = {path.stem.split(".")[0]: json.loads(path.read_text()) for path in (ROOT / "config/schemas").glob("*.json")}
FIELD = "\N{MIDDLE DOT}"  # Stands for what a message fills in.
NO_MESSAGES = {"tools/demo.py", "tools/survey/draft.py"}  # These write whole run files and definitions.
# Brackets in messages that are no tables: an extra of pip, and units.
NO_TABLES = {"remote", "kpc", "deg", "arcsec", "dex", "K", "cds"}
# Words that may follow a table where the table itself is meant.
ENGLISH = {"are", "and", "or", "of", "to", "in", "for", "is", "has", "names", "with", "if", "as", "on", "input"}
OF_OTHERS = {"--mem", "--lifetime", "--no-requeue", "--me", "--noheader", "--format", "--name"}  # Slurm's and Dask's.
OWN_NAMES = {"main"}  # Names that the user gives, as in `files = { main = "..." }`.
TABLE_KEY = re.compile(r"(?<![\w\])])\[{1,2}([a-z_]+)(?:\.([\w·]+))?\]{1,2}(?: ([a-z_]+)\b(?!\())?")
SETTING = re.compile(r"\b([a-z_]+) = (\"[\w.]+\"|'[a-z_]+'|\w+\b)")
COMMAND = re.compile(r"`stdask ([^`]+)`")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
WORD = re.compile(r"`([a-z_]+)`")
FILE = re.compile(r"(?<![\w·./*-])[\w-]+\.(?:toml|json|ecsv|parquet|properties|csv)\b")


def in_docstrings(tree: ast.Module) -> set[int]:
    owners = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    bodies = [node.body for node in ast.walk(tree) if isinstance(node, owners)]
    return {id(line.value) for body in bodies for line in body if isinstance(line, ast.Expr)}


def texts_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the texts of a module with their lines, without docstrings; `FIELD` stands for what is filled in."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    passed_over = in_docstrings(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            passed_over |= {id(part) for part in ast.walk(node) if isinstance(part, ast.Constant)}
            parts = [part.value if isinstance(part, ast.Constant) else FIELD for part in node.values]
            yield node.lineno, "".join(map(str, parts))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in passed_over:
            yield node.lineno, node.value


def commands(command: Any = None, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every command of the command line as its words, with what typer knows of it."""
    command = command or get_command(app)
    yield words, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from commands(inner, (*words, name))


COMMANDS_WITH_HELP = dict(commands())
COMMANDS = {words: {o for own in c.params for o in own.opts} for words, c in COMMANDS_WITH_HELP.items()}
EXAMPLES = [f"{' '.join(words)} " for words in COMMANDS if words]


def messages() -> list[tuple[str, str]]:
    """Return every text of the package that is a sentence, with its place."""
    return [
        (f"{path.relative_to(ROOT)}:{line}", text)
        for path in sorted(ROOT.rglob("*.py"))
        if str(path.relative_to(ROOT)) not in NO_MESSAGES
        for line, text in texts_of(path)
        if not text.startswith(tuple(EXAMPLES)) and text.count(" ") >= 2 and "\n" not in text.strip()
    ]


MESSAGES = messages()


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield every alternative of a schema, without references."""
    if "$ref" in schema:
        yield from resolved(root["$defs"][schema["$ref"].split("/")[-1]], root)
    for kind in ("anyOf", "oneOf", "allOf"):
        for inner in schema.get(kind, ()):
            yield from resolved(inner, root)
    if "items" in schema:
        yield from resolved(schema["items"], root)
    yield schema


def tables() -> dict[str, dict[str, list[Mapping[str, Any]]]]:
    """Return the keys of every table of run files, definitions, atlas files and cluster profiles, with their schemas.

    A key with a table for each name, as `labels`, has the keys of such a table. The keys at the top are those of "".
    """
    found: dict[str, dict[str, list[Mapping[str, Any]]]] = {"": {}}
    for kind, root in SCHEMAS.items():
        for name, key in root["properties"].items():
            found[""].setdefault(name, []).extend(resolved(key, root))
            if kind == "cluster":
                found.setdefault("cluster", {}).setdefault(name, []).extend(resolved(key, root))
            own = found.setdefault(name, {})
            for part in resolved(key, root):
                each = part.get("additionalProperties")
                for inner in [part, *(resolved(each, root) if isinstance(each, dict) else ())]:
                    for word, schema in inner.get("properties", {}).items():
                        own.setdefault(word, []).extend(resolved(schema, root))
    for kind, root in SCHEMAS.items():  # Tables within tables, such as the cuts of a join.
        for definition in root.get("$defs", {}).values():
            for word, schema in definition.get("properties", {}).items():
                found.setdefault(f"within {kind}", {}).setdefault(word, []).extend(resolved(schema, root))
    return found


def reachable(table: str) -> set[str]:
    """Return the keys of a table and of all tables within it."""
    found: set[str] = set()
    for root in SCHEMAS.values():
        open_ends = [root["properties"][table]] if table in root["properties"] else []
        while open_ends:
            for schema in resolved(open_ends.pop(), root):
                new = {k: v for k, v in schema.get("properties", {}).items() if k not in found}
                found |= set(new)
                open_ends += new.values()
                open_ends += [each] if isinstance(each := schema.get("additionalProperties"), dict) else []
    return found


TABLES = tables()
KEYS = {key for keys in TABLES.values() for key in keys}


def values_of(key: str) -> set[str] | None:
    """Return the words that a key may have, in any table; None where it takes any."""
    allowed: set[str] = set()
    for keys in TABLES.values():
        for schema in keys.get(key, ()):
            words = {schema["const"]} if "const" in schema else set(schema.get("enum", ()))
            if not words and schema.get("type") == "string":
                return None
            allowed |= {word for word in words if isinstance(word, str)}
    return allowed or None


COLUMNS = {"ra", "dec", "cluster"}  # Of the tables that a user gives.
WRITTEN = [
    evaluation.EvaluationTables,
    validation.ValidationTables,
    closure.ClosureTables,
]  # Each field is a file of its name.
COLUMNS |= {field.name for field in fields(closure.ClosureTables)} | {field.name for field in fields(closure.ExcessRow)}
FILES = {f"{field.name}.ecsv" for kind in WRITTEN for field in fields(kind)}
FILES |= {value for value in vars(paths).values() if isinstance(value, str) and "." in value}
FILES |= {PROPERTIES, PARTITIONS, "run.toml"}
OTHER_WORDS = {
    "cd",
    "df",
    "main",
    "mv",
    "yes",
    "no",
    "calibration",
    "attenuation",
    "requires",
}  # Programs, names, answers, columns, ...


def of_other_programs(text: str) -> str:
    """Return a text without the commands of other programs in it."""
    return re.sub(r"`(?!stdask)[^`]*`", "", text)


def wrong_tables(text: str) -> Iterator[str]:
    """Yield the tables and keys that a message names and no schema has."""
    for table, name, key in TABLE_KEY.findall(text):
        if table in NO_TABLES and not key:
            continue
        if table == "surveys":  # One of many surveys has the keys of a single one.
            name = re.sub(rf"^a({FIELD}|\d+)$", "a", name)
        own = reachable(table) if name else TABLES.get(table)
        if table not in KEYS | NO_TABLES:
            yield f"no table [{table}]"
        if own and name and name != FIELD and not (name in own or name.isupper() or len(name) == 1):
            yield f"no table [{table}.{name}]"
        if own and key and key not in own and key not in ENGLISH:
            yield f"no key {key!r} in [{table}]"


def wrong_settings(text: str) -> Iterator[str]:
    """Yield what a message says to set and is not taken."""
    for key, value in SETTING.findall(text):
        if key in OWN_NAMES or not value.startswith(('"', "'")):
            continue
        allowed = values_of(key)
        if key not in KEYS:
            yield f"no key {key!r}"
        elif allowed is not None and value.strip("\"'") not in allowed:
            yield f"{key} takes {sorted(allowed)}, not {value}"


def wrong_commands(text: str) -> Iterator[str]:
    """Yield the commands of stdask, and their options, that a message names and that there are not."""
    for line in COMMAND.findall(text):
        words = line.split()
        if words[0] == FIELD:
            continue
        path = next((tuple(words[:n]) for n in (2, 1) if tuple(words[:n]) in COMMANDS), None)
        if path is None or (hasattr(COMMANDS_WITH_HELP[path], "commands") and len(words) > len(path)):
            yield f"no command {line!r}"
        else:
            yield from (f"{line!r} has no {option}" for option in OPTION.findall(line) if option not in COMMANDS[path])


def wrong_options(text: str) -> Iterator[str]:
    """Yield the options that a message names and no command has."""
    known = set().union(*COMMANDS.values()) | OF_OTHERS
    yield from (option for option in OPTION.findall(of_other_programs(text)) if option not in known)


def wrong_words(text: str) -> Iterator[str]:
    """Yield the words in code style that are no key, no column and none of the words of messages."""
    yield from (word for word in WORD.findall(text) if word not in KEYS | COLUMNS | OTHER_WORDS)


def wrong_files(text: str) -> Iterator[str]:
    """Yield the files that a message names and that stdask neither writes nor reads under this name."""
    yield from (name for name in FILE.findall(text) if name not in FILES)


CHECKS = (wrong_tables, wrong_settings, wrong_commands, wrong_options, wrong_words, wrong_files)
STARTED_PROGRAMS = ("cluster/jobs.py", "cluster/watchdog.py")  # Their texts are options of other programs too.


def test_many_messages_are_found():
    kinds = [name for name, kind in vars(errors).items() if isinstance(kind, type) and issubclass(kind, Exception)]
    raised = sum(path.read_text().count(f"raise {kind}(") for path in ROOT.rglob("*.py") for kind in kinds)
    assert len(MESSAGES) > raised > 250


@pytest.mark.parametrize("check", CHECKS)
def test_what_a_message_names_is_there(check: Callable[[str], Iterator[str]]):
    passed_over = STARTED_PROGRAMS if check is wrong_options else ()
    wrong = [
        f"{place}: {why}" for place, text in MESSAGES if not place.startswith(passed_over or "-") for why in check(text)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (wrong_tables, "Set [piar] match."),
        (wrong_tables, "Set [pair] mach in the run file."),
        (wrong_tables, "Name it in [[train.·]] lable of the run file."),
        (wrong_settings, 'Use kind = "locl" in the profile.'),
        (wrong_settings, 'Use knd = "local" in the profile.'),
        (wrong_commands, "Run `stdask tran` first."),
        (wrong_commands, "Run `stdask survey chek` first."),
        (wrong_commands, "Run `stdask run --rdo` first."),
        (wrong_options, "Name its folder with --datadir."),
        (wrong_words, "Set `typicl_error` there."),
        (wrong_files, "See rejects.parquet there."),
    ],
)
def test_a_name_that_is_not_there_is_found(check: Callable[[str], Iterator[str]], text: str):
    assert len(list(check(text))) == 1


def test_every_example_of_the_help_is_a_command_with_options_that_it_has():
    wrong, n_examples = [], 0
    for words, command in COMMANDS_WITH_HELP.items():
        for line in re.findall(r"^  stdask (.*)$", command.epilog or "", re.MULTILINE):
            n_examples += 1
            wrong += [f"{words}: {why}" for why in wrong_commands(f"`stdask {line}`")]
    assert wrong == []
    assert n_examples > 25
