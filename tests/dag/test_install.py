"""Into an Airflow that is there, by the commands of docs/install.md."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.dag.conftest import ROOT, environment

AS_A_TASK = """
import sys
import airflow.sdk.execution_time.task_runner
from airflow.sdk.plugins_manager import _get_plugins
plugins, errors = _get_plugins()
names = {plugin.name for plugin in plugins}
print("identity_ops" in names, errors, "airflow.api_fastapi.app" in sys.modules)
"""


def test_linked_into_a_plugins_folder_a_task_loads_the_plugin_and_no_server(tmp_path: Path) -> None:
    """Where the folder has an ignore file of its own, that stays."""
    for name in ("dags", "plugins"):
        (tmp_path / name).mkdir()
    (tmp_path / "plugins" / ".airflowignore").write_text("theirs.py\n")
    (tmp_path / "plugins" / "theirs.py").write_text("raise SystemExit(3)\n")
    guide = (ROOT / "docs" / "install.md").read_text(encoding="utf-8")
    commands = re.findall(r"^(?:ln|cat) .*/opt/identity-ops/.*$", guide, re.MULTILINE)
    env = environment(tmp_path) | {"AIRFLOW__CORE__PLUGINS_FOLDER": str(tmp_path / "plugins")}
    for command in commands:
        line = command.replace("/opt/identity-ops", str(ROOT))
        subprocess.run(["bash", "-euc", line], env=env, check=True)  # noqa: S607
    argv = [sys.executable, "-c", AS_A_TASK]
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "True {} False"
    assert {path.name for path in (tmp_path / "dags").iterdir()} >= {"identity_sft.py"}
