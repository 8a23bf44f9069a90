"""Batch jobs: the script of each scheduler line by line, and the commands that submit, list and cancel."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import dask
import pytest
import yaml

from stdask.cluster.jobs import DIALECTS, Batch, job_script, walltime_seconds
from stdask.config.cluster import ClusterConfig
from stdask.environment import python_options
from stdask.errors import ClusterError
from tests.hostile import FILES, ROOT

ADDRESS = "tls://10.0.0.1:4321"
LOGS = Path("/home/me/run/logs/start")
EXPORTS = """\
export OMP_NUM_THREADS=1
export MKL_NUM_THREADS=1
export OPENBLAS_NUM_THREADS=1
export TF_NUM_INTRAOP_THREADS=1
export TF_NUM_INTEROP_THREADS=1
module load python
: "${TMPDIR:?not found on this node. Correct [cluster] local_directory}\""""
QUOTE = '"'
# 90 % of 2 GiB; an end 2 minutes before 4 hours, within a minute
WORKER = (
    f"{' '.join([sys.executable, *python_options()])} -m stdask.cluster.job_worker {ADDRESS} --name stdask "
    "--nthreads 1 --memory-limit 2.00GiB "
    "--death-timeout 60 --local-directory $TMPDIR --name NAME --memory-limit 1932735283 --lifetime 14280s "
    "--lifetime-stagger 60s --no-dashboard --dashboard-address 127.0.0.1:0 --tls-key /key.pem --interface ib0"
)
SCRIPTS = {
    "slurm": f"""\
#!/usr/bin/env bash

#SBATCH -J stdask
#SBATCH -e {LOGS}/stdask-%J.err
#SBATCH -o {LOGS}/stdask-%J.out
#SBATCH -p astro
#SBATCH -A galah
#SBATCH -n 1
#SBATCH --cpus-per-task=1
#SBATCH --mem=2G
#SBATCH -t 04:00:00
#SBATCH --no-requeue
#SBATCH --constraint=avx512
{EXPORTS}
{WORKER.replace("NAME", "$SLURM_JOB_ID")}
""",
    "pbs": f"""\
#!/usr/bin/env bash

#PBS -N stdask
#PBS -q astro
#PBS -A galah
#PBS -l select=1:ncpus=1:mem=2048MB
#PBS -l walltime=04:00:00
#PBS -e {LOGS}/
#PBS -o {LOGS}/
#PBS -r n
#PBS --constraint=avx512
{EXPORTS}
{WORKER.replace("NAME", "${PBS_JOBID%%.*}")}
""",
    "lsf": f"""\
#!/usr/bin/env bash

#BSUB -J stdask
#BSUB -e {LOGS}/stdask-%J.err
#BSUB -o {LOGS}/stdask-%J.out
#BSUB -q astro
#BSUB -P "galah"
#BSUB -n 1
#BSUB -M 2147484
#BSUB -W 04:00
#BSUB -rn
#BSUB --constraint=avx512
{EXPORTS}
{WORKER.replace("NAME", "$LSB_JOBID")}
""",
    "sge": f"""\
#!/usr/bin/env bash

#$ -N stdask
#$ -q astro
#$ -P galah
#$ -l h_rt=04:00:00
#$ -e {LOGS}/
#$ -o {LOGS}/
#$ -cwd
#$ -j y
#$ -r n
#$ --constraint=avx512
{EXPORTS}
{WORKER.replace("NAME", "$JOB_ID")}
""",
    "htcondor": f"""\
#!/usr/bin/env condor_submit

MY.DaskWorkerName = "htcondor--$F(MY.JobId)--"
batch_name = stdask
RequestCpus = MY.DaskWorkerCores
RequestMemory = floor(MY.DaskWorkerMemory / 1048576)
RequestDisk = floor(MY.DaskWorkerDisk / 1024)
MY.JobId = "$(ClusterId).$(ProcId)"
MY.DaskWorkerCores = 1
MY.DaskWorkerMemory = 2147483648
MY.DaskWorkerDisk = 1000000000
LogDirectory = {LOGS}
Output = $(LogDirectory)/worker-$F(MY.JobId).out
Error = $(LogDirectory)/worker-$F(MY.JobId).err
Log = $(LogDirectory)/worker-$(ClusterId).log
Stream_Output = True
Stream_Error = True
+AccountingGroup = "galah"

Arguments = "-c '{EXPORTS.replace(chr(10), "; ").replace(QUOTE, 2 * QUOTE)}; {WORKER.replace("NAME", "$(ClusterId)")}'"
Executable = /bin/sh

Queue
""",
}
QUEUES = {  # what the command prints, and which of its jobs are alive
    "slurm": ("12 R\n13 PD\n14 CG\n15 CD\n16 S\n", {"12", "13", "16"}),
    "pbs": ("12.server\n13.server.site.edu\n", {"12", "13"}),
    "lsf": ("12   RUN\n13   PEND\n14   EXIT\n15   DONE\n", {"12", "13"}),
    "sge": (
        "job-ID  prior   name       user         state submit/start at     queue                slots ja-task-ID\n"
        "---------------------------------------------------------------------------------------------------\n"
        "     12 0.55500 stdask     me           r     11/24/2026 10:00:00 all.q@node1              1\n"
        "     13 0.00000 stdask     me           qw    11/24/2026 10:00:01                          1\n",
        {"12", "13"},
    ),
    "htcondor": ("12 2\n13 1\n14 4\n15 5\n", {"12", "13"}),
}
ANSWERS = {
    "slurm": "Submitted batch job 4711",
    "pbs": "4711.server.site.edu",
    "lsf": "Job <4711> is submitted to queue <astro>.",
    "sge": "4711",
    "htcondor": "Submitting job(s).\n1 job(s) submitted to cluster 4711.",
}


def config(kind: str, **changes: object) -> ClusterConfig:
    directive = '+AccountingGroup = "galah"' if kind == "htcondor" else "--constraint=avx512"
    content = {
        "kind": kind,
        "queue": "astro",
        "account": "galah",
        "interface": "ib0",
        "local_directory": "$TMPDIR",
        "directives": [directive],
        "prologue": ["module load python"],
    }
    return ClusterConfig.model_validate(content | changes)


def command(folder: Path, name: str, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a command of our own before those of the machine."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def printing(text: str) -> str:
    return f"cat <<'END'\n{text}\nEND"


@pytest.fixture(autouse=True)
def _no_folders(monkeypatch: pytest.MonkeyPatch) -> None:
    """Dask-jobqueue makes the folder of the logs: keep it from the root of the machine."""
    monkeypatch.setattr("os.makedirs", lambda *_, **__: None)


@pytest.mark.parametrize("kind", list(DIALECTS))
def test_the_script_of_each_scheduler(kind: str):
    assert job_script(config(kind), ADDRESS, LOGS, ["--tls-key", "/key.pem"]).strip() == SCRIPTS[kind].strip()


def test_a_jobqueue_yaml_changes_nothing_in_the_script():
    of_site = yaml.safe_load(FILES["home/.config/dask/jobqueue.yaml"])
    plain = job_script(ClusterConfig(kind="slurm"), ADDRESS, LOGS)
    with dask.config.set(of_site):
        assert job_script(ClusterConfig(kind="slurm"), ADDRESS, LOGS) == plain
    assert plain.startswith("#!/usr/bin/env bash\n")


def test_dask_jobqueue_writes_nothing_into_the_home_folder(tmp_path: Path):
    code = (
        "from pathlib import Path; from stdask.cluster.jobs import job_script;"
        "from stdask.config.cluster import ClusterConfig;"
        "job_script(ClusterConfig(kind='slurm'), 'tcp://x:1', Path.home() / 'logs')"
    )
    own = os.environ | {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", code], check=True, env=own)
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_without_settings_of_the_site_nothing_of_them_is_in_the_script():
    script = job_script(ClusterConfig(kind="slurm"), ADDRESS, LOGS)
    assert not any(word in script for word in ("-p ", "-A ", "--interface", "--local-directory", "None"))


def test_a_short_walltime_leaves_the_worker_three_quarters_of_it():
    assert "--lifetime 45s --lifetime-stagger 7s" in job_script(config("slurm", walltime="00:01:00"), ADDRESS, LOGS)
    assert walltime_seconds("26:03:04") == 26 * 3600 + 184


@pytest.mark.parametrize("key", ["queue", "account", "interface", "local_directory"])
def test_a_setting_cannot_smuggle_a_command_into_the_script(key: str):
    for smuggled in ("astro\nrm -rf ~", "astro; rm -rf ~", "$(rm -rf ~)", "`rm -rf ~`", "astro&"):
        with pytest.raises(ValueError, match="match pattern"):
            config("slurm", **{key: smuggled})


def test_a_directive_of_htcondor_is_a_key_and_a_value():
    with pytest.raises(ClusterError, match="is not a line `key = value`"):
        job_script(config("htcondor", directives=["--constraint"]), ADDRESS, LOGS)


@pytest.mark.parametrize("kind", list(DIALECTS))
def test_a_job_is_submitted_with_its_script_and_its_id_is_read(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    script = tmp_path / "job.sh"
    script.write_text("the script")
    takes = "cat >" if kind == "lsf" else 'for last; do :; done; cat "$last" >'
    body = f"{takes} {tmp_path / 'taken'}\n{printing(ANSWERS[kind])}"
    command(tmp_path, DIALECTS[kind].submit[0], body, monkeypatch)
    assert Batch(kind).submit(script) == "4711"
    assert (tmp_path / "taken").read_text() == "the script"


@pytest.mark.parametrize("kind", list(DIALECTS))
def test_jobs_that_ended_are_not_listed_as_waiting_or_running(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    text, alive = QUEUES[kind]
    command(tmp_path, DIALECTS[kind].list_jobs[0], printing(text), monkeypatch)
    assert Batch(kind).queued() == alive


def test_the_error_of_lsf_for_an_empty_queue_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command(tmp_path, "bjobs", "echo 'No unfinished job found' >&2; exit 255", monkeypatch)
    assert Batch("lsf").queued() == set()


def test_a_refusal_reaches_the_user_in_the_words_of_the_scheduler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command(tmp_path, "sbatch", "echo 'sbatch: error: invalid partition specified: astro' >&2; exit 1", monkeypatch)
    with pytest.raises(ClusterError, match="sbatch failed: sbatch: error: invalid partition specified: astro"):
        Batch("slurm").submit(tmp_path / "job.sh")


def test_an_answer_without_an_id_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    command(tmp_path, "sbatch", "echo welcome", monkeypatch)
    with pytest.raises(ClusterError, match="without the id of a job: 'welcome'"):
        Batch("slurm").submit(tmp_path / "job.sh")


@pytest.mark.parametrize("kind", list(DIALECTS))
def test_jobs_are_cancelled_by_their_ids_and_those_that_stay_are_returned(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    command(tmp_path, DIALECTS[kind].cancel[0], f'echo "$@" >> {tmp_path / "cancelled"}; exit 1', monkeypatch)
    command(tmp_path, DIALECTS[kind].list_jobs[0], printing(QUEUES[kind][0]), monkeypatch)
    # more than one command line is asked to hold
    assert Batch(kind).cancel([str(number) for number in range(401)]) == QUEUES[kind][1]
    lines = (tmp_path / "cancelled").read_text().split("\n")[:-1]
    assert len(lines) == 3
    assert " ".join(lines).split() == [str(number) for number in range(401)]


def test_a_driver_that_is_a_job_does_not_hand_its_own_settings_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SLURM_MEM_PER_CPU", "100")
    monkeypatch.setenv("SLURM_CONF", "/etc/slurm.conf")
    command(tmp_path, "sbatch", f"env > {tmp_path / 'env'}; echo Submitted batch job 1", monkeypatch)
    Batch("slurm").submit(tmp_path / "job.sh")
    names = {line.split("=")[0] for line in (tmp_path / "env").read_text().splitlines()}
    assert {name for name in names if name.startswith("SLURM_")} == {"SLURM_CONF"}


def test_a_machine_without_the_scheduler_is_an_error(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ClusterError, match=r"This machine has no bsub, which \[cluster\] kind = 'lsf' needs"):
        Batch("lsf").require()


def without_a_name(uid: int) -> NoReturn:
    raise KeyError(f"getpwuid(): uid not found: {uid}")


def test_a_user_id_without_a_name_is_no_error_where_no_name_is_needed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("pwd.getpwuid", without_a_name)
    command(tmp_path, "squeue", printing("12 R"), monkeypatch)
    assert Batch("slurm").queued() == {"12"}


def test_a_batch_system_that_needs_the_name_of_the_user_gets_it_or_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("pwd.getpwuid", without_a_name)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    command(tmp_path, "qselect", f'echo "$@" > {tmp_path / "asked"}; echo 12.server', monkeypatch)
    with pytest.raises(ClusterError, match="has no name on this machine, and qselect needs one"):
        Batch("pbs").queued()
    monkeypatch.setenv("LOGNAME", "anna")
    assert Batch("pbs").queued() == {"12"}
    assert (tmp_path / "asked").read_text() == "-u anna\n"
