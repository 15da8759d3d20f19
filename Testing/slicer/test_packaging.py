"""What CMake installs is what is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import SimpleITK as sitk

from Testing.check_extension import check
from Testing.core.sample import few_slices


def listed(text: str, name: str) -> set[str]:
    found = re.search(rf"set\({name}\s+(.*?)\)", text, re.DOTALL)
    assert found is not None
    files = found[1].replace("${MODULE_NAME}", "MASAMSlicer").split()
    return set(files)


def test_every_file_of_the_module_is_listed_and_there(module_path: Path) -> None:
    text = (module_path / "CMakeLists.txt").read_text()
    scripts = {str(p.relative_to(module_path).as_posix()) for p in module_path.rglob("*.py")}
    resources = {
        str(p.relative_to(module_path).as_posix())
        for p in (module_path / "Resources").rglob("*")
        if p.is_file()
    }
    assert listed(text, "MODULE_PYTHON_SCRIPTS") == scripts
    assert listed(text, "MODULE_PYTHON_RESOURCES") == resources


def test_the_extensions_index_has_nothing_to_object_to() -> None:
    wrong, later = check()
    assert wrong == []
    # What only whoever publishes the extension can know.
    assert [line.split(":")[0] for line in later] == [
        "scm_url",
        "EXTENSION_ICONURL",
        "EXTENSION_SCREENSHOTURLS",
    ]


@pytest.mark.parametrize(
    ("file", "old", "new", "says"),
    [
        ("CMakeLists.txt", "project(MASAM)", "project(Other)", "Other.json"),
        ("CMakeLists.txt", 'DEPENDS "PyTorch"', 'DEPENDS ""', "EXTENSION_DEPENDS"),
        ("CMakeLists.txt", "set(EXTENSION_HOMEPAGE", "set(EXTENSION_CATEGORY", "belongs into"),
        ("Resources/ExtensionsIndex/MASAM.json", '"tier": 1', '"tier": 7', "'tier'"),
        ("Resources/ExtensionsIndex/MASAM.json", '"enabled": true', '"enabled": 1', "bool"),
        ("Resources/ExtensionsIndex/MASAM.json", '"enabled"', '"status"', "no field"),
        ("Resources/ExtensionsIndex/MASAM.json", '"scm_url": ""', '"scm_url": "git@x"', "https"),
        ("README.md", "Resources/Screenshots/slicer_panel", "Resources/gone", "not there"),
    ],
)
def test_the_check_finds_what_is_wrong(
    tmp_path: Path, module_path: Path, file: str, old: str, new: str, says: str
) -> None:
    root = module_path.parent
    for part in ("CMakeLists.txt", "LICENSE", "README.md", "Resources/ExtensionsIndex/MASAM.json"):
        (tmp_path / part).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(root / part, tmp_path / part)
    shutil.copytree(root / "Resources/Screenshots", tmp_path / "Resources/Screenshots")
    shutil.copytree(module_path / "Resources", tmp_path / "MASAMSlicer" / "Resources")
    assert check(tmp_path)[0] == []
    target = tmp_path / file
    assert old in target.read_text("utf-8")
    target.write_text(target.read_text("utf-8").replace(old, new), "utf-8")
    assert any(says in line for line in check(tmp_path)[0])


def test_the_core_is_installed_beside_the_module(module_path: Path) -> None:
    text = (module_path.parent / "CMakeLists.txt").read_text()
    assert text.index("add_subdirectory(masam_core)") < text.index("add_subdirectory(MASAMSlicer)")
    core = (module_path.parent / "masam_core" / "CMakeLists.txt").read_text()
    assert "WITH_SUBDIR" in core
    assert "CONFIGURE_DEPENDS" in core
    globbed = set(re.findall(r"\$\{CMAKE_CURRENT_SOURCE_DIR\}/\*(\.\w+)", core))
    here = {p.suffix for p in (module_path.parent / "masam_core").rglob("*") if p.is_file()}
    assert here - {".pyc", ".txt"} == globbed  # CMakeLists.txt stays behind


def test_the_panel_has_every_widget_that_the_code_uses(module_path: Path) -> None:
    tree = ElementTree.parse(module_path / "Resources" / "UI" / "MASAMSlicer.ui")
    widgets = {w.attrib["name"]: w.attrib["class"] for w in tree.iter("widget")}
    files = [module_path / "MASAMSlicer.py", *(module_path / "MASAMSlicerLib/panel").glob("*.py")]
    code = "\n".join(path.read_text("utf-8") for path in files)
    used = set(re.findall(r"\bui\.(\w+)", code))
    assert len(used) > 40
    assert used <= set(widgets)
    scenic = {name for name, kind in widgets.items() if kind.startswith("qMRML")} - {"MASAMSlicer"}
    assert {c.findtext("receiver") for c in tree.iter("connection")} == scenic
    # Every button, box and field does something.
    active = ("QPushButton", "QComboBox", "QCheckBox", "QLineEdit", "QSpinBox", "ctkPathLineEdit")
    bound = {
        w.attrib["name"]
        for w in tree.iter("widget")
        if any(p.attrib["name"] == "SlicerParameterName" for p in w.findall("property"))
    }
    assert {name for name, kind in widgets.items() if kind in active} <= used | bound


def test_parameters_that_widgets_name_are_there(module_path: Path) -> None:
    tree = ElementTree.parse(module_path / "Resources" / "UI" / "MASAMSlicer.ui")
    named = {
        p.findtext("string")
        for p in tree.iter("property")
        if p.attrib["name"] == "SlicerParameterName"
    }
    code = (module_path / "MASAMSlicer.py").read_text("utf-8")
    body = code[
        code.index("class MASAMSlicerParameterNode") : code.index("class MASAMSlicerWidget")
    ]
    assert named <= set(re.findall(r"^    (\w+): ", body, re.MULTILINE))


def test_the_icon_is_a_square_of_128_pixels(module_path: Path) -> None:
    icon = sitk.ReadImage(str(module_path / "Resources" / "Icons" / "MASAMSlicer.png"))
    assert icon.GetSize() == (128, 128)


def run_harness(code: str, module_path: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter with the module's and the project's folder as arguments."""
    return subprocess.run(
        [sys.executable, "-c", code, str(module_path), str(module_path.parent)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )


def test_the_module_never_imports_torch(module_path: Path) -> None:
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]; from Testing.slicer_harness import install;"
        "install(); import MASAMSlicerLib.session.session, MASAMSlicerLib.report;"
        "import MASAMSlicerLib.scene.export, MASAMSlicerLib.scene.pairing;"
        "import MASAMSlicerLib.batch, MASAMSlicerLib.blocking;"
        "import masam_core.worker.steps; assert 'torch' not in sys.modules, 'torch was imported'"
    )
    done = run_harness(code, module_path)
    if "ImportError" in done.stderr and "slicer" in done.stderr:
        pytest.skip("3D Slicer's core or PySide6 is not installed")
    assert done.returncode == 0, done.stderr


def test_only_the_panel_needs_qt(module_path: Path) -> None:
    for path in (module_path / "MASAMSlicerLib").rglob("*.py"):
        imports = re.findall(r"^\s*(?:import|from) (qt|ctk)\b", path.read_text("utf-8"), re.M)
        assert not imports or path.parent.name == "panel", path


def test_the_module_needs_nothing_of_the_workbench(module_path: Path) -> None:
    # It is for machines without Slicer: pip brings it, the extension does not.
    for path in (module_path / "MASAMSlicerLib").rglob("*.py"):
        found = re.findall(
            r"^\s*(?:import|from) (aiohttp|PIL|masam_workbench)\b",
            path.read_text("utf-8"),
            re.M,
        )
        assert not found, path


def test_the_wheel_and_an_editable_installation_have_the_workbench(
    module_path: Path, tmp_path: Path, wheel: Path
) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())
    root = module_path.parent
    for folder in (module_path / "MASAMSlicerLib", root / "masam_workbench", root / "masam_core"):
        here = {p for p in folder.rglob("*") if p.is_file() and p.suffix != ".pyc"}
        assert {f"{folder.name}/{p.relative_to(folder).as_posix()}" for p in here} <= names
    hatchling = pytest.importorskip("hatchling.builders.wheel")
    builder = hatchling.WheelBuilder(str(module_path.parent))
    (editable,) = builder.build(directory=str(tmp_path), versions=["editable"])
    with zipfile.ZipFile(editable) as packed:
        (paths,) = [packed.read(name) for name in packed.namelist() if name.endswith(".pth")]
    assert {str(module_path), str(module_path.parent)} <= set(paths.decode().splitlines())


def test_files_of_the_module_import_nothing_at_once_that_slicer_lacks(module_path: Path) -> None:
    """msgpack and torch may not be installed yet when the module is loaded."""
    code = (
        "import sys; sys.path[:0] = sys.argv[1:]\n"
        "for name in ('msgpack', 'torch', 'torchvision', 'safetensors',"
        " 'requests', 'typer', 'rich', 'matplotlib', 'platformdirs', 'pydicom'):\n"
        "    sys.modules[name] = None\n"
        "from Testing.slicer_harness import install, loadModule\n"
        "from pathlib import Path\n"
        "install(); loadModule(Path(sys.argv[1]) / 'MASAMSlicer.py', ('MASAMSlicerLib',))\n"
        "import MASAMSlicerLib.panel.panel, MASAMSlicerLib.session.session, MASAMSlicerLib.batch\n"
    )
    done = run_harness(code, module_path)
    if "No module named 'PySide6'" in done.stderr or "slicer-core" in done.stderr:
        pytest.skip("3D Slicer's core or PySide6 is not installed")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("shape", ["SampleDataLogic", "OlderSampleDataLogic"])
def test_samples_open_as_images_from_the_files_that_are_promised(
    scene: Any, monkeypatch: pytest.MonkeyPatch, shape: str
) -> None:
    from MASAMSlicerLib.sampledata import registerSampleData

    from Testing.slicer_harness import sample_data

    logic = getattr(sample_data, shape)
    sources: list[Any] = []
    monkeypatch.setattr(sample_data, "registered", sources)
    monkeypatch.setitem(sys.modules, "SampleData", SimpleNamespace(SampleDataLogic=logic))
    registerSampleData()
    registerSampleData()  # as after Reload
    names = [source["sampleName"] for source in sources]
    assert names == ["MASAM sarcoma MR", "MASAM sarcoma CT"]
    for source in sources:
        assert source["category"] == "MASAM"
        assert Path(source["thumbnailFileName"]).is_file()
        node = logic().downloadSample(source["sampleName"])  # looks at the digest
        assert node.GetClassName() == "vtkMRMLScalarVolumeNode"


def test_the_batch_runs_without_a_window(
    harness: Any, tmp_path: Path, sample_data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from MASAMSlicerLib.headless import main

    few = few_slices(sample_data / "sarcoma_mr", tmp_path / "few")
    images = tmp_path / "images"
    images.mkdir()
    for name, end in (("good", None), ("bad", 3000)):
        content = (few / "image.nii.gz").read_bytes()
        (images / f"{name}.nii.gz").write_bytes(content[:end])
        shutil.copy(few / "box.mrk.json", images / f"{name}.mrk.json")
    arguments = [str(images), "-o", str(tmp_path / "out"), "--quality", "fast"]
    assert main(arguments) == 1
    said = capsys.readouterr().out
    assert "bad: failed" in said
    assert "1 done, 1 failed" in said
    assert (tmp_path / "out" / "good.seg.nrrd").is_file()
    assert main([str(tmp_path / "gone"), "-o", str(tmp_path / "out2")]) == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [([], 2), (["help"], 0), (["--", "--help"], 0), (["--help"], 0), (["-h"], 0)],
)
def test_usage_is_told_also_where_slicer_eats_its_own_help(
    harness: Any, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int
) -> None:
    """Slicer takes ``--help`` for itself, so a plain word and no word at all say it, too."""
    from MASAMSlicerLib.headless import main

    assert main(arguments) == code
    said = capsys.readouterr().out
    assert "--retry-failed" in said
    assert "headless.py help" in said


def test_the_batch_without_a_window_takes_what_masam_batch_takes(
    harness: Any, tmp_path: Path
) -> None:
    import typer
    from MASAMSlicerLib import workerprocess
    from MASAMSlicerLib.headless import _parser, _spec

    from masam_core.batch.spec import BatchSpec
    from masam_core.cli.main import app

    group = typer.main.get_command(app)
    command = group.commands["batch"]  # type: ignore[attr-defined]
    names = {w for option in command.params for w in option.opts if w.startswith("--")}
    ours = {word for action in _parser()._actions for word in action.option_strings}
    names = names - {"--json", "--dry-run", "--fill-holes"} | {"--no-fill-holes"}
    # A cluster is asked by the command line, which needs no Slicer there.
    names -= {"--shard", "--merge", "--slurm", "--ray", "--jobs", "--cores"}
    assert names == {w for w in ours if w.startswith("--")} - {"--help"}
    given = ["in", "-o", "out", "--no-fill-holes", "--smooth", "2", "--precision", "float32"]
    assert _spec(_parser().parse_args([*given, "--keep", "all"])) == BatchSpec.from_dict(
        {
            "input": "in",
            "out": "out",
            "precision": "float32",
            "options": {"fill_holes": False, "smooth_mm": 2.0, "keep": "all"},
            "worker": workerprocess.workerCommand(""),
        }
    )


def test_wrong_usage_has_an_exit_code_and_leaves_slicer_to_end_itself(
    harness: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A SystemExit would leave a Slicer without a window waiting for ever."""
    from MASAMSlicerLib.headless import main

    assert main([str(tmp_path)]) == 2
    assert "-o/--out" in capsys.readouterr().err
    assert main(["--", str(tmp_path), "-o", str(tmp_path / "out"), "--worker", '"no end']) == 1


def test_without_simpleitk_self_tests_and_batch_say_what_is_missing(
    module_path: Path, tmp_path: Path
) -> None:
    """As in a Slicer that was built without it; an import error would name no remedy."""
    code = (
        "import sys, unittest; sys.path[:0] = sys.argv[1:3]\n"
        "from pathlib import Path\n"
        "from Testing.slicer_harness import install, loadModule\n"
        "install()\n"
        "for name in [n for n in sys.modules if n.split('.')[0] in ('SimpleITK', 'masam_core')]:\n"
        "    del sys.modules[name]\n"
        "sys.modules['SimpleITK'] = None\n"
        "module = loadModule(Path(sys.argv[1]) / 'MASAMSlicer.py', ('MASAMSlicerLib',))\n"
        "result = unittest.TestResult()\n"
        "unittest.defaultTestLoader.loadTestsFromTestCase(module.MASAMSlicerTest).run(result)\n"
        "print(result.testsRun, len(result.skipped), result.errors + result.failures)\n"
        "print({reason for _, reason in result.skipped})\n"
        "from MASAMSlicerLib.headless import main\n"
        "print(main(['.', '-o', 'gone', '--worker', 'x']))\n"
        "from MASAMSlicerLib.workerprocess import requireSlicersOwn\n"
        "requireSlicersOwn()\n"
    )
    done = run_harness(code, module_path)
    if "No module named 'PySide6'" in done.stderr or "slicer-core" in done.stderr:
        pytest.skip("3D Slicer's core or PySide6 is not installed")
    counts, reasons, code_of_batch = done.stdout.splitlines()
    ran, skipped, problems = counts.split(" ", 2)
    assert ran == skipped
    assert int(ran) > 10
    assert problems == "[]"
    assert "SimpleITK" in reasons
    assert code_of_batch == "1"
    assert "Not installed in Slicer's Python: SimpleITK." in done.stderr
    assert "PythonSlicer -m pip install SimpleITK" in done.stderr


def test_every_file_that_the_manual_checks_name_is_there(module_path: Path) -> None:
    """Names in code style that end like files, below the module, its library or the project."""
    text = (module_path / "BY_HAND.md").read_text("utf-8")
    named = set(re.findall(r"`([\w./]+\.(?:py|txt|ui|md|json))`", text))
    assert len(named) >= 3
    places = (module_path, module_path / "MASAMSlicerLib", module_path.parent)
    assert [n for n in sorted(named) if not any((p / n).is_file() for p in places)] == []
