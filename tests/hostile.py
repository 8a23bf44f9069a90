"""Settings of a user and a site that are made for other work, all at once: files, variables and modules."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
FILES = {
    "home/.config/dask/distributed.yaml": """\
distributed:
  dashboard: {link: "{NO_SUCH_VARIABLE}proxy/{port}/status"}
  scheduler: {idle-timeout: 2s, preload: [no_such_module], work-stealing: false, worker-ttl: 1ms}
  worker: {preload: [no_such_module], memory: {terminate: 0.0001, pause: 0.0001}, resources: {GPU: 1}}
  nanny: {preload: [no_such_module], environ: {HOME: /nowhere}}
  comm: {require-encryption: true, compression: no_such_method, default-scheme: ucx}
logging: {distributed: debug, distributed.worker: debug, distributed.nanny: debug}
temporary-directory: /nowhere
scheduler: synchronous
""",
    "home/.config/dask/jobqueue.yaml": """\
jobqueue:
  slurm:
    queue: old
    account: someone
    interface: ib9
    processes: 4
    cores: 36
    memory: 100GB
    walltime: "00:10:00"
    python: /old/python
    job-extra-directives: ["--mail-type=ALL"]
    job-script-prologue: ["module load oldconda"]
    worker-extra-args: ["--resources=GPU=1"]
    worker-command: no.such.module
    log-directory: /nowhere
    local-directory: /oldscratch
    shebang: "#!/bin/csh"
    death-timeout: 5
    job-directives-skip: ["--mem"]
""",
    "home/.config/matplotlib/matplotlibrc": "text.usetex: True\nfont.family: serif\nno.such.key: 1\n",
    "home/.keras/keras.json": '{"floatx": "float16", "epsilon": 1, "backend": "jax", "image_data_format": "no"}',
    "home/.bokeh/bokeh.yaml": "resources: cdn\nminified: false\nsimple_ids: false\n",
    "home/.config/astropy/astropy.cfg": "[logger]\nlog_level = DEBUG\n[io.votable]\nverify = exception\n",
    "here/matplotlibrc": "text.usetex: True\nlines.linewidth: thick\n",
    "here/.numba_config.yaml": "disable_jit: 1\n",
    "here/sitecustomize.py": "raise SystemExit('the module of the working directory')\n",
    **{
        f"here/{name}.py": f"raise ImportError('{name}.py of the working directory')\n"
        for name in ("email", "queue", "random", "select", "signal", "socket", "struct", "numpy", "dask", "tornado")
    },
    "modules/numpy.py": "raise ImportError('numpy of a module system')\n",
    "modules/dask/__init__.py": "raise ImportError('dask of a module system')\n",
    "modules/yaml.py": "raise ImportError('yaml of a module system')\n",
}
VARIABLES = {
    "BOKEH_DEV": "yes",
    "BOKEH_RESOURCES": "cdn",
    "BOKEH_SIGN_SESSIONS": "yes",
    "BOKEH_ALLOW_WS_ORIGIN": "nowhere.example:1",
    "DASK_DISTRIBUTED__SCHEDULER__IDLE_TIMEOUT": "2s",
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
    "DASK_DISTRIBUTED__WORKER__LIFETIME__DURATION": "1s",
    "DASK_DISTRIBUTED__NANNY__PRE_SPAWN_ENVIRON": "none",
    "DASK_LOGGING__DISTRIBUTED": "debug",
    "DASK_TEMPORARY_DIRECTORY": "/nowhere",
    "KERAS_BACKEND": "jax",
    "KERAS_MAX_EPOCHS": "many",
    "MPLBACKEND": "no such backend",
    "NUMBA_DISABLE_JIT": "1",
    "NUMBA_OPT": "no such level",
    "OMP_NUM_THREADS": "7",
    "OMP_PROC_BIND": "true",
    "PYTHONOPTIMIZE": "2",
    "PYTHONWARNINGS": "error",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_CPP_MIN_LOG_LEVEL": "0",
    "XLA_FLAGS": "--no_such_flag",
}
# As pip writes a console script, for a stdask that need not be installed.
SCRIPT = """\
#!{python}
import sys
sys.path.insert(0, {root!r})
from stdask.cli.main import main
if __name__ == "__main__":
    sys.exit(main())
"""


def make_hostile(folder: Path) -> dict[str, str]:
    """Write the files into `home`, `here` (a working directory) and `modules`; return the environment."""
    for name, content in FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    paths = {
        "HOME": folder / "home",
        "KERAS_HOME": folder / "home/.keras",
        "MATPLOTLIBRC": folder / "here/matplotlibrc",
        "PYTHONPATH": folder / "modules",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "MPLCONFIGDIR"))}
    return kept | VARIABLES | {name: str(path) for name, path in paths.items()}


def make_command(folder: Path) -> Path:
    """Write the program `stdask` into a folder; return it."""
    program = folder / "stdask"
    program.write_text(SCRIPT.format(python=sys.executable, root=str(ROOT)))
    program.chmod(0o755)
    return program
