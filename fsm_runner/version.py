"""The version of fsm_runner, for every layer: `fsm_runner.__version__`, `fsm-runner --version`, the scope of spans."""

VERSION = "0.1.0"
