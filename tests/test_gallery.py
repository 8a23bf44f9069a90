"""The gallery shows every figure of a run, each with a text that says what one sees."""

import runpy
import tomllib
from pathlib import Path

import pytest
from PIL import Image

DOCS = Path(__file__).parents[1] / "docs"
TEXTS = tomllib.loads((DOCS / "gallery_texts.toml").read_text())["figure"]


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with an image for each text, wider than the page."""
    for text in TEXTS:
        path = tmp_path / "run" / f"{text['name']}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (1300, 30), "white").save(path)
    return tmp_path / "run"


def make(run: Path) -> str:
    """Make the gallery of a run in a folder beside it; return its page."""
    docs = run.parent / "docs"
    docs.mkdir(exist_ok=True)
    for name in ("make_gallery.py", "gallery_texts.toml"):
        (docs / name).write_text((DOCS / name).read_text())
    runpy.run_path(str(docs / "make_gallery.py"))["main"](run)
    return (docs / "gallery.md").read_text()


def test_the_gallery_has_every_figure_with_its_text(run: Path):
    page = make(run)
    for text in TEXTS:
        assert f"(gallery/{Path(text['name']).name}.png)" in page
        assert " ".join(text["text"].split()) in " ".join(page.split())
    images = list((run.parent / "docs" / "gallery").glob("*.png"))
    assert len(images) == len(TEXTS)
    for path in images:
        with Image.open(path) as image:
            assert image.width == 1200


def test_a_figure_without_a_text_is_an_error(run: Path):
    Image.new("RGB", (10, 10)).save(run / "products" / "map_of_the_moon.png")
    with pytest.raises(SystemExit, match="no text for products/map_of_the_moon"):
        make(run)


def test_a_text_without_a_figure_is_an_error(run: Path):
    (run / "products" / "map_face_on.png").unlink()
    with pytest.raises(SystemExit, match="has no figure products/map_face_on"):
        make(run)


def test_every_text_says_more_than_the_title():
    assert all(len(text["text"]) > 50 for text in TEXTS)
    assert len({text["name"] for text in TEXTS}) == len(TEXTS)
