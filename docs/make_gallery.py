"""Put the figures of a run into docs/gallery.md.

stdask demo --stars 60000 && python docs/make_gallery.py stdask-demo
"""

import sys
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
COLOURS = 256  # of a palette: less than half of the size, and no difference to the eye
FIGURES = (  # file in the run folder, its counterpart in Thomas et al. 2024, what it shows
    ("evaluation/sky_coverage", "2", "Where the stars of A, of B and of both surveys are on the sky."),
    ("pairs/separations", "", "Separations of the pairs on the sky."),
    ("evaluation/learning_intrinsic", "3", "Losses of the training stars and of the validation stars, by epoch."),
    ("products/parameter_space", "4", "Training stars: as A measured them, as B measured them, and A translated."),
    ("evaluation/residuals_intrinsic_M_H", "5 and 6", "Residuals of the test stars, before and after translation."),
    ("evaluation/importance_intrinsic", "7", "Importance of each input for each label."),
    ("evaluation/residuals_extrinsic_VHELIO", "8", "Residuals of the velocities, before and after translation."),
    ("evaluation/coverage_intrinsic", "", "Coverage: how often B lies within the errors of the test stars."),
    ("evaluation/domain_intrinsic", "", "Domain: bins of each pair of inputs that contain training stars."),
    ("evaluation/populations_intrinsic", "", "Stars of A that B does not have, compared with the pairs."),
    ("products/diagram_kiel", "13", "Kiel diagrams by radius and height: A in colour, B as contours."),
    ("products/diagram_abundances", "14", "Abundances by radius and height: A in colour, B as contours."),
    ("products/map_edge_on", "15", "Edge-on maps: B alone, and merged."),
    ("products/map_edge_on_untranslated", "C.1", "Edge-on maps: merged with untranslated A, and translated A alone."),
    ("products/map_face_on", "16", "Face-on maps: B alone, and merged."),
    ("products/map_all_sky", "", "Maps of the sky: B alone, and merged."),
    ("products/profile_radial", "17 and D.1", "Radial profiles in slices of height."),
    ("products/profile_vertical", "18 and D.2", "Vertical profiles in rings of radius."),
    ("products/gradients", "", "Slopes by height, radius and azimuth."),
)


def main(run: Path) -> None:
    """Shrink the figures of a run into docs/gallery/ and list them in docs/gallery.md."""
    (HERE / "gallery").mkdir(exist_ok=True)
    lines = [
        "# Gallery",
        "",
        "These are the figures of a mock run (`stdask demo --stars 60000`). The numbers in brackets are those of the",
        "corresponding figures of Thomas et al. 2024 (A&A 690, A54). To make this page again, run",
        "`python docs/make_gallery.py stdask-demo`.",
    ]
    for name, number, text in FIGURES:
        path = run / f"{name}.png"
        if not path.exists():
            sys.exit(f"{path} is missing: finish the run first (stdask run RUN.toml)")
        image = Image.open(path).convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
        image.save(HERE / "gallery" / path.name, optimize=True)
        lines += ["", f"## {path.stem.replace('_', ' ')}" + (f" (Fig. {number})" if number else ""), ""]
        lines += [text, "", f"![{text}](gallery/{path.name})"]
    (HERE / "gallery.md").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python docs/make_gallery.py RUN_FOLDER")
    main(Path(sys.argv[1]))
