"""The scripts of docs/recipes.md, as they stand, each with its framework."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow
PAGE = Path(__file__).parents[2] / "docs/recipes.md"
LIBRARIES = {"PyTorch": "torch", "Lightning": "lightning", "Keras": "keras", "Hugging Face": "transformers"}
SCRIPTS = dict(re.findall(r"^## (.+?)\n.*?^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.S | re.M))


def test_each_framework_has_a_script() -> None:
    assert set(SCRIPTS) == set(LIBRARIES)


@pytest.mark.parametrize("framework", LIBRARIES)
def test_a_script_ends_with_a_verdict(framework: str, tmp_path: Path, installed: Any) -> None:
    installed(LIBRARIES[framework])
    script = tmp_path / "train.py"
    script.write_text(SCRIPTS[framework], encoding="utf-8")
    environment = os.environ | {"KERAS_BACKEND": "torch", "CUDA_VISIBLE_DEVICES": "", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-W", "ignore", str(script)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^healthy: \S", done.stdout, re.M), done.stdout
    assert "<h1>" in (tmp_path / "report.html").read_text(encoding="utf-8")
