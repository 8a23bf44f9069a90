"""The presets."""

from stdask.network.presets import PRESETS


def test_the_paper_preset_is_the_published_architecture():
    # Thomas et al. 2024, sect. 2.1: depth 3, 64 features, centre 64 x 2^3 = 512, dropout 0.5
    paper = PRESETS["paper"]
    assert paper["first_width"] << paper["depth"] == 512
    assert (paper["first_width"], paper["depth"], paper["dropout"]) == (64, 3, 0.5)
