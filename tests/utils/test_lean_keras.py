"""What Keras is kept from importing, and nobody else is."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
# A Keras that imports what the real one does, while another thread needs some of it too.
KERAS = """
import threading
found = []
for name in ("sklearn", "pandas", "matplotlib.pyplot", "other"):
    try:
        __import__(name)
        found.append(name)
    except ImportError:
        pass
elsewhere = threading.Thread(target=__import__, args=("pandas",))
elsewhere.start()
elsewhere.join()
"""
SCRIPT = """
import sys
from xraycore.utils.lean_keras import import_keras
before = list(sys.meta_path)
import_keras()
import keras
print(keras.found, "pandas" in sys.modules, "sklearn" in sys.modules, before == sys.meta_path)
import sklearn, matplotlib.pyplot
"""


def test_keras_finds_no_extras_and_others_do(tmp_path):
    (tmp_path / "matplotlib").mkdir()
    for file in ("sklearn", "pandas", "matplotlib/__init__", "matplotlib/pyplot", "other"):
        (tmp_path / f"{file}.py").touch()
    (tmp_path / "keras.py").write_text(KERAS)
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"import sys; sys.path[:0] = {[str(tmp_path), str(ROOT)]}\n{SCRIPT}",
        ],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "['other'] True False True"
