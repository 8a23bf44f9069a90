"""How much memory a worker needs to translate a partition of a catalogue."""

# a Dask worker with all libraries and the compiled engine, on Linux; TensorFlow is not among them
WORKER_BYTES = 470_000_000
WEIGHT_COPIES = 2  # as they came, and in the order of the engine
TABLE_COPIES = 3  # as read or made, put in the order of the sky, and encoded for the disk
COLUMN_COPIES = 2  # new columns in double precision: outputs of the networks, and what is computed from them
CHUNK_COPIES = 4  # arrays of the size of a chunk's draws that are alive at once


def chunk_bytes(n_values: int, n_members: int, n_labels: int, n_inputs: int) -> int:
    """Return what the draws of one chunk of stars take.

    Parameters
    ----------
    n_values
        Outputs of the networks in the chunk, in single precision.
    n_members, n_labels, n_inputs
        Of the family; draws, inputs and labels are in double precision.
    """
    n_rows = n_values / (n_members * n_labels)
    return int(CHUNK_COPIES * (4 * n_values + 8 * n_rows * (n_inputs + n_labels)))


def partition_peak(n_rows: int, row_bytes: int, n_new: int, largest_chunk: int, weights: int) -> int:
    """Return the peak memory of a worker that translates a partition, in bytes.

    Parameters
    ----------
    n_rows
        Stars in the partition.
    row_bytes
        Of a row of the translated table, old and new columns.
    n_new
        Number of new columns.
    largest_chunk
        What `chunk_bytes` gives, of the family where it gives most.
    weights
        Bytes of the networks of all families.
    """
    fixed = WORKER_BYTES + largest_chunk + WEIGHT_COPIES * weights
    return fixed + n_rows * (TABLE_COPIES * row_bytes + COLUMN_COPIES * 8 * n_new)
