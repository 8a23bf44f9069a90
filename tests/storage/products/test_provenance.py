"""The header that says what a FITS file was made from."""

import pytest
from astropy.io import fits

import stdask
from stdask.storage.products.provenance import provenance_hdu


def test_a_header_names_program_inputs_and_numbers(tmp_path):
    provenance_hdu({"SURVEY": "GALAH DR3", "SEED": 7, "BIN": 0.25}).writeto(tmp_path / "a.fits")
    header = fits.getheader(tmp_path / "a.fits")
    assert header["CREATOR"] == f"stdask {stdask.__version__}"
    assert (header["SURVEY"], header["SEED"], header["BIN"]) == ("GALAH DR3", 7, 0.25)


@pytest.mark.parametrize(("name", "written"), [("Étoiles", "\\xc9toiles"), ("恒星", "\\u6052\\u661f")])
def test_names_in_other_scripts_are_written_as_code_points(tmp_path, name, written):
    provenance_hdu({"SURVEY": name}).writeto(tmp_path / "a.fits")
    assert fits.getheader(tmp_path / "a.fits")["SURVEY"] == written


def test_a_text_of_several_lines_is_one_line_of_the_header(tmp_path):
    provenance_hdu({"REFERENC": "@article{x,\nyear=2021\r\n\x07}"}).writeto(tmp_path / "a.fits")
    assert fits.getheader(tmp_path / "a.fits")["REFERENC"] == "@article{x, year=2021 }"
