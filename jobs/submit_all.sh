#!/bin/bash
# One job a stage, each after the one before has ended well. Options of sbatch go into Slurm's own variables:
#   SBATCH_PARTITION=normal SBATCH_ACCOUNT=galaxy jobs/submit_all.sh run.toml --cluster deploy/slurm.toml
set -euo pipefail
: "${1:?usage: jobs/submit_all.sh run.toml [options that every stage takes]}"
id=
for script in "$(dirname "$0")"/?0_*.sbatch; do
  # a job whose turn can never come leaves the queue: submit again to resume
  id=$(sbatch --parsable --kill-on-invalid-dep=yes ${id:+--dependency=afterok:"$id"} "$script" "$@")
  id=${id%%;*}  # Slurm may add the name of the cluster
  echo "$id $(basename "$script" .sbatch)"
done
