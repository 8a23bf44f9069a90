"""`python -m stdask`."""

from stdask.cli.main import main

if __name__ == "__main__":  # workers started with spawn import this module again
    main()
