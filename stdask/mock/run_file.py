"""The run file of the mock surveys."""

RUN_FILE = """\
# Mock survey A on the scale of mock survey B: the inputs, labels and cuts of Thomas et al. 2024.
seed = {seed}
output = "{output}"

[surveys.a]
definition = "mock_a"
file = "data/mock_a.parquet"

[surveys.b]
definition = "mock_b"
file = "data/mock_b.parquet"

[pair]
match = {{ by = "id", column = "SOURCE_ID" }}

[train]
features = ["BP_G_0", "G_RP_0"]
debias = true

[[train.intrinsic]]
label = "TEFF"
from = "TEFF"

[[train.intrinsic]]
label = "LOGG"
from = "LOGG"

[[train.intrinsic]]
label = "M_H"
from = "FE_H"

[[train.intrinsic]]
label = "MG_FE"
from = "MG_FE"

[[train.extrinsic]]
label = "VHELIO"
from = "RV"

[merge]
globular_clusters = "data/mock_clusters.parquet"

[atlas]
bin_kpc = 0.5
"""
