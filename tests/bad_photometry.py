"""Everything that can be wrong with the magnitudes and distances of a survey, and with what is asked of them."""

from collections.abc import Callable

from tests.bad_input import RUN, Input, Refused

GAIA = '\n[photometry]\ng = "snr"\nbp = "snr"\n'


def _asked(feature: str, tables: str) -> Callable[[Input], object]:
    """Return a case in which the networks read a feature, and the definition has these tables."""

    def write(given: Input) -> None:
        given.definition += tables
        given.run = RUN.replace("[[train.intrinsic]]", f'[train]\nfeatures = ["{feature}"]\n[[train.intrinsic]]')

    return write


PHOTOMETRY = (
    Refused(
        "an absolute magnitude without a distance",
        _asked("M_G", f'{GAIA}ebv = "snr"\n'),
        ("'M_G' is not measured by small", "add [parallax] or [[distances]]"),
    ),
    Refused(
        "a colour without reddening", _asked("BP_G_0", GAIA), ("BP_G_0 needs E(B-V)", "`ebv`", "a map as `ebv_map`")
    ),
    Refused(
        "a colour of a magnitude that it does not have",
        _asked("G_KS_0", f'{GAIA}ebv = "snr"\n'),
        ("which has FE_H, BP_G_0", "G_KS_0 needs the magnitude KS"),
    ),
    Refused(
        "a band whose extinction is not known",
        _asked("M_U", '\n[photometry.bands.U]\ncolumn = "snr"\n'),
        ("small.toml", "the extinction of the band 'U' is not known", "Set bands.U.extinction"),
    ),
    Refused(
        "a Gaia band among the others",
        _asked("M_G", '\n[photometry.bands.G]\ncolumn = "snr"\n'),
        ("'G' is one of Gaia", "name its column as `g`"),
    ),
    Refused(
        "photometry without a magnitude", _asked("M_G", '\n[photometry]\nebv = "snr"\n'), ("there is no magnitude",)
    ),
    Refused(
        "a parallax that is a distance",
        _asked("M_G", f'{GAIA}ebv = "snr"\n[parallax]\ncolumn = "snr"\nunit = "kpc"\n'),
        ("Column 'snr': unit 'kpc' cannot be converted to 'mas'",),
    ),
    Refused(
        "a column of the parallax that is not there",
        _asked("M_G", f'{GAIA}ebv = "snr"\n[parallax]\ncolumn = "plx"\n'),
        ("no column 'plx'",),
    ),
)
