"""The module without its panel: scene, worker, batch. Never imports torch."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

# In a source checkout only the module's own folder is on the path; installed, masam_core lies
# beside the module.
if importlib.util.find_spec("masam_core") is None:
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
