"""`python -m stdask`."""

import os
import sys

# Python looks for modules in the working directory first: a random.py there would be taken for Python's own. It goes
# before anything else is imported, unless stdask itself is found there.
if __name__ == "__main__" and not sys.flags.safe_path:
    own = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120 - no pathlib yet
    if own != sys.path[0] == os.getcwd():  # noqa: PTH109
        del sys.path[0]

from stdask.cli.main import main

if __name__ == "__main__":  # workers started with spawn import this module again
    main()
