"""Errors of profiles with everything in, over realisations of two mock surveys of one Galaxy: do they hold the truth?

A is off the plane, its stars in common with B are mostly giants of other fields, its distances are noisy, and it is
translated by ridge regression, which stands in for networks: realisations by the dozen have to be trained.
"""

from dataclasses import dataclass
from functools import cached_property
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest

from stdask.config.atlas import AtlasConfig
from stdask.mock.observing import M_H_BAD, observe_a, observe_b
from stdask.mock.sky import BOTH, INFRARED, OPTICAL, draw_footprints, draw_stars
from stdask.science.assessment.attenuation import calibration_slopes
from stdask.science.assessment.density_ratio import fit_density_ratio
from stdask.science.galaxy.binning import bin_medians, ordered_bits, pack_keys
from stdask.science.galaxy.bins import GalacticBins, Stars
from stdask.science.galaxy.errors import Population, jackknife_factor
from stdask.science.galaxy.galactocentric import galactic_positions
from stdask.science.keys.seeds import generator
from stdask.stages.atlas.noise import PLACES
from stdask.stages.atlas.products import Products
from stdask.stages.atlas.samples import A_ONLY, ALONE, MERGED, Selection
from stdask.stages.atlas.sources import Block
from stdask.stages.atlas.tasks import Range, pack_block, reduce_range

pytestmark = pytest.mark.slow

N_A, N_B, N_BOTH = 30_000, 12_000, 8_000
N_REALISATIONS, N_FOR_TRUTH, N_MEMBERS = 12, 15, 5
VALIDATION, TEST = 0.2, 0.2
LABELS = {"TEFF": ("teff", "TEFF"), "LOGG": ("logg", "LOGG"), "FE_H": ("fe_h", "M_H"), "MG_FE": ("mg_fe", "MG_FE")}
MAPPED = ("FE_H", "MG_FE")
GIANTS = (1.0, 3.0)
SAMPLES = (ALONE, MERGED, A_ONLY)
CONFIG = AtlasConfig(select={"LOGG": GIANTS}, n_bootstraps=10)
BINS = GalacticBins.of(CONFIG)


@dataclass(frozen=True)
class Seen:
    """Stars that a survey, or both, observed and measured well."""

    truth: dict[str, np.ndarray]
    a: dict[str, np.ndarray]
    b: dict[str, np.ndarray]

    def take(self, chosen):
        return Seen(*({name: own[chosen] for name, own in part.items()} for part in (self.truth, self.a, self.b)))

    @cached_property
    def inputs(self):
        return np.stack([self.a[own].astype(float) for own, _ in LABELS.values()], axis=1)

    @cached_property
    def labels(self):
        return np.stack([self.b[own].astype(float) for _, own in LABELS.values()], axis=1)


def observe(rng, footprints):
    """Return the stars of A alone, of B alone and of both."""
    parts, first = [], 0
    for n_stars, fields, reach, in_a, in_b in (
        (N_A, footprints.a, OPTICAL, True, False),
        (N_B, footprints.b, INFRARED, False, True),
        (N_BOTH, footprints.both, BOTH, True, True),
    ):
        truth = draw_stars(n_stars, fields, reach, first, rng)
        a, b = observe_a(truth, rng), observe_b(truth, rng)
        good_a = (a["flag_sp"] == 0) & (a["flag_fe_h"] == 0) & (a["flag_mg_fe"] == 0)
        good_b = np.isfinite(b["MG_FE"]) & np.isfinite(b["TEFF"]) & (b["ASPCAPFLAG"] & M_H_BAD == 0)
        good = (truth["cluster"] == "") & (good_a | (not in_a)) & (good_b | (not in_b))
        parts.append(Seen(truth, a, b).take(good))
        first += n_stars
    return parts


def true_medians(footprints):
    """Return the true medians of the giants truly in each bin, and how many there are, by label and sample."""
    surveys = [observe(generator(1, "truth", number), footprints) for number in range(N_FOR_TRUTH)]
    truth, of_a = {}, []
    columns = ("ra", "dec", "X_GC", "Y_GC", "Z_GC", "R_GC", "LOGG", *MAPPED)
    for name in columns:
        truth[name] = np.concatenate([part.truth[name] for parts in surveys for part in parts])
    of_a = np.concatenate([np.full(len(part.inputs), n == 0) for parts in surveys for n, part in enumerate(parts)])
    giants = (truth["LOGG"] > GIANTS[0]) & (truth["LOGG"] < GIANTS[1])
    stars, bins = BINS.members("radial", Stars(*(truth[name] for name in columns[:6])))
    found = {}
    for label in MAPPED:
        bits = ordered_bits(truth[label])
        for sample, inside in ((ALONE, ~of_a), (MERGED, np.full(len(of_a), True)), (A_ONLY, of_a)):
            used = (giants & inside)[stars]
            found[label, sample] = bin_medians(pack_keys(bins[used], bits[stars[used]]), BINS.n_bins("radial"))
    return found


def waves(inputs):
    """Return random Fourier features (Rahimi & Recht 2007, NIPS 20): a line in them is a Gaussian kernel's curve."""
    rng = np.random.default_rng(0)
    directions, phases = rng.normal(0, 0.5, (inputs.shape[1], 200)), rng.uniform(0, 2 * np.pi, 200)
    return np.column_stack([np.ones(len(inputs)), inputs, 0.3 * np.cos(inputs @ directions + phases)])


def train(inputs, labels):
    """Return a function that translates: corrections by ridge regression, nearly as accurate as networks."""
    middle, scale = inputs.mean(axis=0), inputs.std(axis=0)

    def terms(values):
        return waves(np.clip((values - middle) / scale, -4, 4))

    known = terms(inputs)
    weights = np.linalg.solve(known.T @ known + 3e-4 * len(known) * np.eye(known.shape[1]), known.T @ (labels - inputs))
    return lambda values: values + terms(values) @ weights


def translate(pairs, rng):
    """Return the members, the errors of held-out stars, and the test stars with their translation."""
    is_test = rng.random(len(pairs.inputs)) < TEST
    known, test = pairs.take(~is_test), pairs.take(is_test)
    members, left = [], []
    for _ in range(N_MEMBERS):
        order = rng.permutation(len(known.inputs))
        held_out, used = np.split(order, [round(VALIDATION * len(order))])
        members.append(train(known.inputs[used], known.labels[used]))
        left.append(members[-1](known.inputs[held_out]) - known.labels[held_out])
    errors = 1.4826 * np.median(np.abs(np.concatenate(left)), axis=0)
    return members, errors, test, np.mean([member(test.inputs) for member in members], axis=0)


def populations(pairs, test, translated, inputs, drawn):
    """Return what evaluate would find: the bias of test stars like those of the atlas, and the attenuation."""
    gravity, bias = translated[:, list(LABELS).index("LOGG")], translated - test.labels
    giants = (gravity > GIANTS[0]) & (gravity < GIANTS[1])
    weights = fit_density_ratio(test.inputs[giants], inputs[drawn], seed=1).weights(test.inputs[giants])
    found = {}
    for number, label in enumerate(LABELS):
        shift = np.average(bias[giants, number], weights=weights) - bias[giants, number].mean()
        slopes = calibration_slopes(translated[:, number], test.labels[:, number], 10, 1)
        found[label] = Population(shift, min(slopes.attenuation, 1.0), pairs.labels[:, number].mean())
    return found


def catalogue(of_a, of_b, both, members, errors):
    """Return the stars as merge writes them."""
    by_member = [member(of_a.inputs) for member in members]
    parts = []
    for survey, part in (("A", of_a), ("B", of_b), ("B", both)):
        own = part.a if survey == "A" else part.b
        ra, dec = (own[name].astype(float) for name in (("ra", "dec") if survey == "A" else ("RA", "DEC")))
        columns = {"SURVEY": np.full(len(ra), survey, dtype=object), "ra": ra, "dec": dec}
        columns |= {"DISTANCE": own["dist"], "DISTANCE_ERR": own["e_dist"]}
        columns["STAR_KEY"] = part.truth["gaia_id"].astype(np.uint64)
        columns |= dict(zip(PLACES, galactic_positions(ra, dec, own["dist"]), strict=True))
        for number, (label, (_, name)) in enumerate(LABELS.items()):
            values = np.mean(by_member, axis=0)[:, number] if survey == "A" else own[name]
            columns[label] = values
            columns[f"{label}_ERR"] = np.full(len(ra), errors[number]) if survey == "A" else own[f"{name}_ERR"]
            for k, member in enumerate(by_member, start=1):
                columns[f"{label}_MEMBER_{k}"] = member[:, number] if survey == "A" else values
        parts.append(columns)
    return pa.table({name: np.concatenate([part[name] for part in parts]) for name in parts[0]})


def profiles(table, population, folder):
    """Return what the atlas writes of the radial profiles: median, error and number of stars, by label and sample."""
    source = SimpleNamespace(
        columns=frozenset(table.column_names) - {"SURVEY"}, read=lambda _, columns: table.select(columns)
    )
    factor = jackknife_factor(1 - VALIDATION)
    selection = Selection(source, BINS, MAPPED, (), "B", False, N_MEMBERS, factor, folder, 7)
    packed = pack_block(Block(0, None, table.num_rows), selection)
    medians = {}
    for label in MAPPED:
        item = Range("radial", label, 0, BINS.n_bins("radial"))
        medians[label] = {"radial": reduce_range(item, selection, [packed.file])}
    products = Products(folder, selection, medians, MAPPED, dict.fromkeys(MAPPED, "dex"), {}, {}, population)
    return {
        (label, sample): (medians[label]["radial"][sample], products.errors_of(label, "radial", sample))
        for label in MAPPED
        for sample in SAMPLES
    }


@pytest.fixture(scope="module")
def shares(tmp_path_factory):
    """Return by label and sample which bins hold the truth: by TOTAL, and by the band alone; True and False."""
    footprints = draw_footprints(generator(3, "footprints"))
    truth = true_medians(footprints)
    held = {key: ([], []) for key in truth}
    for seed in range(N_REALISATIONS):
        rng = generator(seed, "realisation")
        of_a, of_b, both = observe(rng, footprints)
        members, errors, test, translated = translate(both, rng)
        table = catalogue(of_a, of_b, both, members, errors)
        gravity = np.mean([member(of_a.inputs) for member in members], axis=0)[:, 1]
        drawn = (gravity > GIANTS[0]) & (gravity < GIANTS[1])
        population = populations(both, test, translated, of_a.inputs, drawn)
        for key, (found, parts) in profiles(table, population, tmp_path_factory.mktemp("keys")).items():
            # the truth is known three times as well as the median, or the bin is not looked at
            used = np.isfinite(found.medians) & (truth[key].counts > 9 * found.counts)
            off = np.abs(found.medians - truth[key].medians)[used]
            held[key][0].append(off < parts["TOTAL"][used])
            held[key][1].append(off < ((found.high - found.low) / 2)[used])
    return {key: tuple(np.concatenate(own) for own in both) for key, both in held.items()}


def share(shares, which, keys=None):
    return np.concatenate([shares[key][which] for key in keys or shares]).mean()


def test_errors_with_everything_in_hold_the_truth_in_68_per_cent_of_realisations(shares):
    for key, (total, band) in shares.items():
        print(f"{key}: {total.mean():.3f} of {len(total):,} with everything in, {band.mean():.3f} with the band alone")
    print(f"all: {share(shares, 0):.3f} with everything in, {share(shares, 1):.3f} with the band alone")
    # bins of a realisation share stars and networks: a dozen realisations know the share to about 1 per cent
    assert abs(share(shares, 0) - 0.68) < 0.04
    for key in shares:  # estimates of biases are not so good in each label and sample
        assert abs(share(shares, 0, [key]) - 0.68) < 0.08


def test_bands_alone_hold_the_truth_too_rarely_most_of_all_where_noise_pulls_translated_values_together(shares):
    assert share(shares, 1) < 0.64
    assert share(shares, 1, [("MG_FE", A_ONLY)]) < 0.55
