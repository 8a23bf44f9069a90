"""Give the site the pages of the repository at their own paths, so that links between them work there as on Git."""

import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
PATTERNS = (
    *("README.md", "LICENSE", "docs/*.md", "docs/surveys/*.md", "docs/gallery/*.png", "docs/notebooks/*.ipynb"),
    *("deploy/*", "jobs/*"),
)
FOLDER_LINK = re.compile(r"\[([^\]]+)\]\(((?:\.\./)?(?:jobs|deploy|docs))/?\)")


def on_files(files: Files, *, config: MkDocsConfig) -> Files:
    """Add the pages, figures and the files that pages link to."""
    for path in sorted(path for pattern in PATTERNS for path in ROOT.glob(pattern) if path.is_file()):
        files.append(File.generated(config, path.relative_to(ROOT).as_posix(), abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, *, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Turn links to folders, which a site does not show, into plain text."""
    return FOLDER_LINK.sub(r"\1", markdown)
