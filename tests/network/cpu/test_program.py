"""The steps of a plan: no step reads what was not written, none leaves the workspace, and no number is lost."""

import numpy as np
import pytest

from stdask.network.cpu.kernel import padded
from stdask.network.cpu.program import NOWHERE, Program, Step, write_program
from stdask.network.plan import layer_shapes
from tests.network.made_up import made_up_plan

SHAPES = [(6, 4, 32, 2), (7, 1, 64, 3), (1, 9, 5, 0), (3, 2, 13, 1)]  # inputs, labels, first width, depth


def program_of(shape: tuple[int, int, int, int]) -> tuple[Program, list[Step]]:
    program = write_program(made_up_plan(*shape, n_members=2))
    return program, [Step(*step) for step in program.steps.tolist()]


@pytest.mark.parametrize("shape", SHAPES)
def test_every_place_is_written_before_it_is_read_and_lies_in_the_workspace(shape: tuple):
    program, steps = program_of(shape)
    written = np.zeros(program.n_features, dtype=bool)
    written[: padded(program.n_inputs)] = True
    for step in steps:
        assert written[step.source : step.source + step.n_in].all()
        if step.add:
            assert written[step.out : step.out + step.n_out].all()
        for place in {step.out, step.rectified} - {NOWHERE}:
            assert padded(program.n_inputs) <= place <= program.n_features - step.n_out
            written[place : place + step.n_out] = True
    assert written[program.outputs : program.outputs + program.n_labels].all()


@pytest.mark.parametrize("shape", SHAPES)
def test_no_step_writes_where_it_reads(shape: tuple):
    for step in program_of(shape)[1]:
        for place in {step.out, step.rectified} - {NOWHERE}:
            assert place + step.n_out <= step.source or place >= step.source + step.n_in


@pytest.mark.parametrize("shape", SHAPES)
def test_every_layer_has_its_numbers_one_after_the_other(shape: tuple):
    program, steps = program_of(shape)
    layers = layer_shapes(*shape)
    assert len(steps) == len(layers)
    # A layer of padded widths has a weight for each pair and a bias for each output.
    ends = np.cumsum([step.n_out * (step.n_in + 1) for step in steps])
    assert [step.numbers for step in steps] == [0, *ends[:-1]]
    assert program.numbers.shape == (2, ends[-1])
    assert program.numbers.dtype == np.float32
