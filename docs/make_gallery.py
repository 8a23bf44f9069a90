"""Put every figure of a run into docs/gallery.md, with what one sees in it from docs/gallery_texts.toml.

stdask demo && python docs/make_gallery.py stdask-demo
"""

import sys
import tomllib
from pathlib import Path
from textwrap import fill

from PIL import Image

HERE = Path(__file__).parent
FOLDERS = ("pairs", "evaluation", "products")  # of a run, with figures
WIDTH = 1200  # pixels: the page is no wider
COLOURS = 256  # of a palette: less than half of the size, and no difference to the eye
HEAD = """# Gallery

These are all figures of a mock run (`stdask demo`): survey A on the scale of survey B, both of the same mock Galaxy.
Numbers in brackets are those of the corresponding figures of Thomas et al. 2024 (A&A 690, A54). To make it again:
`python docs/make_gallery.py stdask-demo`.
"""


def main(run: Path) -> None:
    """Shrink the figures of a run into docs/gallery/ and list them in docs/gallery.md."""
    texts = texts_of(run)
    folder = HERE / "gallery"
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    parts = [HEAD]
    for text in texts:
        path = run / f"{text['name']}.png"
        image = Image.open(path).convert("RGB")
        image.thumbnail((WIDTH, image.height), Image.Resampling.LANCZOS)
        image.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / path.name, optimize=True)
        number = f" (Fig. {text['number']})" if "number" in text else ""
        seen = fill(" ".join(text["text"].split()), 120, break_long_words=False, break_on_hyphens=False)
        parts.append(f"## {text['title']}{number}\n\n{seen}\n\n![{text['title']}](gallery/{path.name})\n")
    (HERE / "gallery.md").write_text("\n".join(parts))


def texts_of(run: Path) -> list[dict[str, str]]:
    """Return what is said of each figure of a run, in the order of the page; stop if a figure has no text."""
    texts = tomllib.loads((HERE / "gallery_texts.toml").read_text())["figure"]
    found = {f"{folder}/{path.stem}" for folder in FOLDERS for path in (run / folder).glob("*.png")}
    described = {text["name"] for text in texts}
    if missing := sorted(found - described):
        sys.exit(
            f"docs/gallery_texts.toml has no text for {', '.join(missing)}: look at them, and write what one sees."
        )
    if missing := sorted(described - found):
        sys.exit(f"{run} has no figure {', '.join(missing)}: finish the run first (stdask run RUN.toml).")
    return texts


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/make_gallery.py RUN_FOLDER")
    main(Path(sys.argv[1]))
