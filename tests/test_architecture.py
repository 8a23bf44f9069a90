"""The rules of the layout, read off the syntax trees: imports inside functions count too."""

import ast
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

import stdask

ROOT = Path(stdask.__file__).parent
MODULES = sorted(path.relative_to(ROOT) for path in ROOT.rglob("*.py"))
# from the foundations up; a package may import those of the lines before its own, and itself
ORDER = (
    {"errors", "environment"},
    {"schema"},
    {"config"},
    {"science"},
    {"mock", "network", "storage", "figures"},
    {"display"},
    {"cluster"},
    {"runs"},
    {"pairing"},
    {"stages"},
    {"tools", "translator"},
    {"cli", "__init__"},  # the public names, which are imported when they are first used
    {"__main__"},
)
RANK = {name: rank for rank, names in enumerate(ORDER) for name in names}
ROOMS = ("stages", "tools")  # their packages and modules never import one another
LIST_OF_ROOMS = "registry"  # of the stages: the one module beside them that knows them all
DOORS = {
    "dask": "cluster",
    "distributed": "cluster",
    "dask_jobqueue": "cluster",
    "tensorflow": "network",
    "keras": "network",
    "matplotlib": "figures",
    "bokeh": "figures",
    "pyarrow.parquet": "storage",
    "safetensors": "storage",
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "cloudpickle",
    "dill",
    "joblib",
    "shelve",
    "marshal",
    "lsdb",
    "hats",
    "dask.dataframe",
}
SEEDS = Path("science/keys/seeds.py")  # the one place where generators are made
MODULE_LINES, FUNCTION_LINES, MODULES_A_FOLDER = 350, 40, 15


def tree_of(module: Path) -> ast.Module:
    return ast.parse((ROOT / module).read_text(encoding="utf-8"))


def layer_of(module: Path) -> str:
    """Return the package that a module of stdask lies in, or its own name at the top."""
    return module.parts[0] if len(module.parts) > 1 else module.stem


def imports_of(module: Path) -> set[str]:
    """Return every dotted name that a module imports anywhere, in any way, with relative ones made absolute."""
    names: set[str] = set()
    package = ["stdask", *module.parts[:-1]]
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            origin = ".".join(part for part in (base, node.module) if part)
            names |= {f"{origin}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            names |= {arg.value for arg in node.args if isinstance(arg, ast.Constant)}
    return names


def under(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def room_of(name: str) -> str:
    """Return the package or module under `stages/` or `tools/` that a dotted name lies in; empty elsewhere."""
    parts = name.split(".")
    if len(parts) < 3 or parts[1] not in ROOMS:
        return ""
    place = ROOT / parts[1] / parts[2]
    return parts[2] if place.is_dir() or place.with_suffix(".py").is_file() else ""


def wrong_imports(module: Path) -> list[str]:
    own = ".".join(("stdask", *module.with_suffix("").parts))
    wrong = []
    for name in sorted(imports_of(module)):
        parts = name.split(".")
        if parts[0] != "stdask" or len(parts) == 1 or parts[1] not in RANK:
            continue  # a name of the package itself
        if parts[1] == layer_of(module):
            fine = room_of(own) in ("", LIST_OF_ROOMS, room_of(name))
        else:
            fine = RANK[parts[1]] < RANK.get(layer_of(module), -1)
        if not fine:
            wrong.append(f"{module} imports {name}")
    return wrong


def test_imports_go_one_way():
    assert [wrong for module in MODULES for wrong in wrong_imports(module)] == []


@pytest.mark.parametrize(("library", "package"), DOORS.items())
def test_each_library_has_one_door(library: str, package: str):
    strangers = [
        f"{module} imports {name}"
        for module in MODULES
        if layer_of(module) != package
        for name in imports_of(module)
        if under(name, library)
    ]
    assert strangers == []


def test_nothing_is_unpickled_and_no_text_is_run_as_code():
    found = []
    for module in MODULES:
        found += [f"{module} imports {n}" for n in imports_of(module) for f in FORBIDDEN_MODULES if under(n, f)]
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Call):
                if isinstance(node.func, ast.Name) and node.func.id in FORBIDDEN_CALLS:
                    found.append(f"{module}:{node.lineno} calls {node.func.id}")
                if any(k.arg == "allow_pickle" and ast.unparse(k.value) != "False" for k in node.keywords):
                    found.append(f"{module}:{node.lineno} allows pickles")
    assert found == []


def test_science_opens_no_file():
    found = [
        f"{module}:{node.lineno} {ast.unparse(node)[:60]}"
        for module in MODULES
        if layer_of(module) == "science"
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func).split(".")[-1]
        in {"open", "read_text", "read_bytes", "write_text", "loadtxt", "savez"}
    ]
    assert found == []
    assert [m for m in MODULES if layer_of(m) == "science" and "pathlib.Path" in imports_of(m)] == []


def test_every_random_number_comes_from_a_named_stream_of_the_seed():
    found = [
        f"{module}:{node.lineno} np.random.{node.attr}"
        for module in MODULES
        if module != SEEDS
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "np.random" and node.attr != "Generator"
    ]
    assert found == []
    assert [f"{m} imports random" for m in MODULES for name in imports_of(m) if under(name, "random")] == []


def test_a_stream_is_used_in_one_place():
    purposes: Counter[str] = Counter()
    for module in MODULES:
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in ("generator", "integer_seed"):
                purposes[ast.unparse(node.args[1])] += 1
    assert {purpose: n for purpose, n in purposes.items() if n > 1} == {}
    assert len(purposes) > 15  # they are found at all


def test_modules_are_short():
    lines = {str(m): len((ROOT / m).read_text(encoding="utf-8").splitlines()) for m in MODULES}
    assert {m: n for m, n in lines.items() if n > MODULE_LINES} == {}


def length_without_docstring(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first, last = function.lineno, function.end_lineno or function.lineno
    length = last - first + 1
    if ast.get_docstring(function) is not None:
        docstring = function.body[0]
        length -= (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1
    return length


def test_functions_are_short():
    long = [
        f"{module}:{node.lineno} {node.name} has {length} lines"
        for module in MODULES
        for node in ast.walk(tree_of(module))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (length := length_without_docstring(node)) > FUNCTION_LINES
    ]
    assert long == []


def test_folders_are_small():
    folders = Counter(str(module.parent) for module in MODULES if module.stem != "__init__")
    assert {folder: n for folder, n in folders.items() if n > MODULES_A_FOLDER} == {}


def test_a_class_name_stands_once():
    classes: dict[str, list[str]] = {}
    for module in MODULES:
        for node in ast.walk(tree_of(module)):
            if isinstance(node, ast.ClassDef):
                classes.setdefault(node.name, []).append(str(module))
    assert {name: modules for name, modules in classes.items() if len(modules) > 1} == {}


TESTS = Path(__file__).parent


def test_a_test_stands_where_its_module_stands():
    # those of whole runs and of the layout have none
    modules = {str(m.with_name(f"test_{m.name}")) for m in MODULES}
    tests = [path.relative_to(TESTS) for path in TESTS.rglob("test_*.py")]
    assert [str(test) for test in tests if test.parts[0] in RANK and str(test) not in modules] == []


# modules without a test file at the same path, and the test files that run them
COVERED_ELSEWHERE = {
    "__main__.py": "tests/cli/test_main.py starts commands by `python -m stdask`",
    "cli/cluster.py": "tests/cli/test_main.py and tests/tools/test_cluster_check.py call its commands",
    "cli/stages.py": "tests/cli/test_main.py calls its commands, tests/tools/test_run.py what they call",
    "cli/survey.py": "tests/cli/test_main.py calls its commands",
    "cli/ensembles.py": "tests/tools/apply/test_apply.py calls its commands",
    "cli/tools.py": "tests/cli/test_main.py calls its commands",
    "cluster/fleet.py": "tests/cluster/test_workers.py starts one, tests/slurm/test_survival.py on a real Slurm",
    "config/stages.py": "tests/config/test_run.py and tests/config/test_messages.py load it as a part of run files",
    "config/training.py": "tests/config/test_run.py loads it, alone and as a part of run files",
    "mock/run_file.py": "tests/tools/test_demo.py loads it",
    "network/engines.py": "tests/network/test_gpu.py makes every engine",
    "network/recipe.py": "it holds values alone; tests/network/test_training.py trains by them",
    "pairing/common_stars.py": "tests/stages/merge/test_stage.py merges stars that several surveys have",
    "pairing/in_b.py": "tests/stages/merge/test_stage.py merges a run that trained nothing",
    "pairing/usable.py": "tests/stages/merge/test_stage.py sets rows aside for each reason",
    "runs/progress.py": "tests/runs/test_recorder.py reads the record back, whole and damaged",
    "runs/surveys/input_files.py": "tests/runs/test_registry.py names the files of each stage",
    "runs/surveys/finished.py": "tests/stages/merge/test_stage.py merges further surveys",
    "schema/closure.py": "tests/schema/test_evaluation.py reads the descriptions of its columns",
    "schema/cuts.py": "tests/stages/ingest/test_stage.py and tests/stages/merge/test_stage.py read its tables",
    "schema/known_stars.py": "tests/schema/test_evaluation.py reads the descriptions of its columns",
    "science/measurements/expressions/computing.py": "tests/science/measurements/expressions/test_expression.py",
    "science/measurements/expressions/parsing.py": "tests/science/measurements/expressions/test_expression.py",
    "science/measurements/expressions/operations.py": "tests/science/measurements/expressions/test_expression.py",
    "stages/atlas/comparisons/before_after.py": "tests/stages/atlas/test_stage.py runs the stage",
    "stages/atlas/comparisons/figures.py": "tests/stages/atlas/test_stage.py runs the stage",
    "stages/atlas/comparisons/differences.py": "tests/stages/atlas/test_stage.py runs the stage",
    "stages/atlas/figures/view.py": "tests/stages/atlas/figures/test_maps.py draws and reads every map of it",
    "stages/atlas/gradients.py": "tests/stages/atlas/test_stage.py runs the stage",
    "stages/atlas/maps.py": "tests/stages/atlas/test_stage.py runs the stage",
    "stages/atlas/products.py": "tests/stages/atlas/test_stage.py runs the stage",
    "stages/atlas/profiles.py": "tests/stages/atlas/test_stage.py runs the stage",
    "stages/atlas/sources.py": "tests/stages/atlas/test_stage.py and tests/stages/atlas/test_table.py read them",
    "stages/atlas/tasks.py": "tests/stages/atlas/test_stage.py runs the stage",
    "stages/closure/rows.py": "tests/stages/closure/test_stage.py runs the stage",
    "stages/closure/stars.py": "tests/stages/closure/test_stage.py runs the stage",
    "stages/closure/surveys.py": "tests/stages/closure/test_stage.py runs the stage",
    "stages/ingest/blocks.py": "tests/stages/ingest/test_stage.py runs the stage on every format",
    "stages/ingest/joins/lookup.py": "tests/stages/ingest/joins/test_tasks.py compares it with the tasks",
    "stages/ingest/joins/matching.py": "tests/stages/ingest/joins/test_tasks.py joins by key and by position",
    "stages/ingest/joins/tables.py": "tests/stages/ingest/joins/test_join.py opens them, with and without each file",
    "stages/ingest/partitions.py": "tests/stages/ingest/test_stage.py runs the stage on real and on made-up stars",
    "stages/ingest/steps.py": "tests/stages/ingest/test_stage.py interrupts the stage after any step",
    "tools/bench/made_up_tables.py": "tests/tools/bench/test_ingest.py ingests them, joined and as one",
    "stages/ingest/unpacking.py": "tests/stages/ingest/joins/test_join.py joins tables of CSV",
    "stages/merge/repeats.py": "tests/stages/merge/test_stage.py merges stars that several surveys have",
    "stages/merge/same_star.py": "tests/stages/merge/test_stage.py merges rows of one star",
    "stages/merge/sources.py": "tests/stages/merge/test_stage.py runs the stage",
    "stages/merge/tiles.py": "tests/stages/merge/test_stage.py runs the stage",
    "stages/merge/values.py": "tests/stages/merge/test_further.py averages what surveys say of a star",
    "stages/report/content.py": "tests/stages/report/test_stage.py reads its tables in the page",
    "stages/report/count_tables.py": "tests/stages/report/test_stage.py reads its tables in the page",
    "stages/report/figures.py": "tests/stages/report/test_stage.py finds them in the page",
    "stages/report/interactive/figures.py": "tests/browser/test_report_page.py opens them in a browser",
    "stages/report/interactive/maps.py": "tests/browser/test_report_page.py compares what is drawn with the tables",
    "stages/report/interactive/profiles.py": "tests/browser/test_report_page.py compares what is drawn with the tables",
    "stages/report/own_table.py": "tests/tools/test_atlas.py makes the page of a table",
    "stages/report/page.py": "tests/stages/report/test_stage.py makes pages with it",
    "stages/report/score_tables.py": "tests/stages/report/test_stage.py reads its tables in the page",
    "stages/report/shown.py": "it holds values alone; tests/stages/report/test_stage.py reads them in the page",
    "stages/report/tables.py": "tests/stages/report/test_stage.py reads them in the page",
    "stages/translate/table.py": "tests/stages/translate/test_stage.py translates tables",
    "storage/export/csv.py": "tests/storage/export/test_write.py exports to every format",
    "storage/export/ecsv.py": "tests/storage/export/test_write.py exports to every format",
    "storage/export/excerpt.py": "tests/storage/export/test_write.py chooses rows and columns",
    "storage/export/fixed_width.py": "tests/storage/export/test_cds.py prints every kind of column",
    "storage/export/parquet.py": "tests/storage/export/test_write.py exports to every format",
    "storage/export/votable.py": "tests/storage/export/test_write.py exports to every format",
    "storage/surveys/fits_tables.py": "tests/storage/surveys/test_fits.py reads every kind of column",
    "tools/apply/order.py": "tests/tools/apply/test_apply.py reads the rows in their order",
    "tools/apply/output.py": "tests/tools/apply/test_apply.py reads every output",
    "storage/surveys/text/delimited.py": "tests/storage/surveys/text/test_dialects.py opens files through it",
    "tools/bench/speed.py": "tests/tools/bench/test_bench.py runs the bench",
    "tools/survey/faults.py": "tests/tools/survey/test_check.py makes every fault",
}


def own_test(module: str) -> Path:
    """Return where the test file of a module lies, under `tests/`."""
    return Path(module).with_name(f"test_{Path(module).name}")


def badly_covered(modules: Iterable[str], reasons: Mapping[str, str]) -> list[str]:
    """Return what is wrong: a module without a test file or a reason, or a reason that is not true."""
    modules = {name for name in modules if Path(name).stem != "__init__"}  # these only pass names on
    tested = {name for name in modules if (TESTS / own_test(name)).is_file()}
    wrong = [f"{name} has neither a test file nor a reason" for name in modules - tested - reasons.keys()]
    wrong += [f"{name} has a reason, but no module" for name in reasons.keys() - modules]
    wrong += [f"{name} has a reason, but a test file too" for name in reasons.keys() & tested]
    for name, reason in reasons.items():
        files = re.findall(r"tests/[\w/]+\.py", reason)
        if not files or not all((TESTS.parent / file).is_file() for file in files):
            wrong.append(f"the reason of {name} names no test file, or one that there is not")
    return sorted(wrong)


def test_every_module_has_a_test_file_or_a_reason():
    assert badly_covered(map(str, MODULES), COVERED_ELSEWHERE) == []


def test_a_missing_test_and_every_false_reason_are_seen():
    this = "tests/test_architecture.py runs it"
    assert badly_covered(["stages/new.py", "stages/__init__.py"], {}) == [
        "stages/new.py has neither a test file nor a reason"
    ]
    assert badly_covered(["stages/new.py"], {"stages/new.py": this}) == []
    assert badly_covered([], {"gone.py": this}) == ["gone.py has a reason, but no module"]
    assert badly_covered(["errors.py"], {"errors.py": this}) == ["errors.py has a reason, but a test file too"]
    for reason in ("it is short", f"{this}, and tests/test_nothing.py"):
        assert len(badly_covered(["stages/new.py"], {"stages/new.py": reason})) == 1


def test_the_rules_see_what_they_should(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "science").mkdir()
    (tmp_path / "science" / "bad.py").write_text(
        "def f():\n    from stdask.storage import hats\n    from ..network.plan import fold\n    import stdask.cli\n"
    )
    (tmp_path / "schema.py").write_text("from stdask.config import Run\n")
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / "bad.py").write_text("import stdask.network.plan, stdask.errors\n")
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    assert len(wrong_imports(Path("science/bad.py"))) == 3
    assert len(wrong_imports(Path("schema.py"))) == 1
    assert wrong_imports(Path("storage/bad.py")) == ["storage/bad.py imports stdask.network.plan"]
