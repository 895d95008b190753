from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest
from setuptools import find_packages

ROOT = Path(__file__).parent.parent
PACKAGES = ("classify", "digitize", "papertrace")

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")

MAY_IMPORT = {
    "digitize": set(),
    "classify": {
        "digitize.api",
        "digitize.geometry.rectify",
        "digitize.leads",
        "digitize.records",
        "digitize.render.figure",
    },
    "papertrace/__init__.py": {"classify", "digitize", "papertrace.cli"},
    "papertrace/__main__.py": {"papertrace.cli"},
    "papertrace/synth": {"digitize.records"},
    "papertrace/datasets": {"classify.statements", "digitize.pages.page", "digitize.records"},
    "papertrace/metrics": {"classify.records", "digitize.records"},
    "papertrace/cli": {"classify", "digitize"},
    "papertrace/training": {"classify", "digitize", "papertrace.datasets", "papertrace.metrics", "papertrace.synth"},
    "papertrace/benchmarks": {"classify", "digitize", "papertrace"},
    "pipeline.py": {"papertrace.cli"},
}
"""What each may import of the project's other parts."""

ROOMS = {
    "digitize": (
        *("version", "records", "files", "pages", "geometry", "ink", "ocr", "tracing", "layout", "refine", "strips"),
        *("vector", "export", "render", "leads", "api", "deidentify", "__init__"),
    ),
    "classify": (
        *("statements", "records", "exclusive", "wording", "contradictions", "measure", "signal", "picture", "beats"),
        *("explanation", "notebook", "interpretation", "readers", "__init__"),
    ),
}
"""Rooms of a package in the order of a page's way; each imports only itself and those before it."""


def sources(part: str) -> list[Path]:
    return [ROOT / part] if part.endswith(".py") else sorted((ROOT / part).rglob("*.py"))


def imported(file: Path) -> set[str]:
    """Modules that a file imports anywhere; ``from a import b`` counts as ``a.b`` where that is a module."""
    modules = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: imports are absolute"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                is_module = (ROOT / inner.replace(".", "/")).with_suffix(".py").exists()
                modules.add(inner if is_module else str(node.module))
    return modules


def test_packages_exist_and_are_found():
    include = SETUP["options.packages.find"]["include"].split()
    found = find_packages(str(ROOT), include=include)
    assert {package.split(".")[0] for package in found} == set(PACKAGES)
    for part in PACKAGES:
        folders = {file.parent for file in sources(part)}
        assert {".".join(folder.relative_to(ROOT).parts) for folder in folders} <= set(found)
    assert "py_modules" not in SETUP["options"], "pipeline.py is the repository's, no module of the wheel"


def test_package_data_covers_what_is_not_python():
    covered = {
        file
        for package, patterns in SETUP["options.package_data"].items()
        for pattern in patterns.split(",")
        for file in (ROOT / package.replace(".", "/")).glob(pattern.strip())
    }
    results = ROOT / "papertrace" / "benchmarks" / "results"
    for part in PACKAGES:
        others = {
            file
            for file in (ROOT / part).rglob("*")
            if file.is_file() and file.suffix not in (".py", ".pyc") and not file.name.startswith(".")
        }
        assert {file for file in others if not file.is_relative_to(results)} <= covered


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_parts_import_only_what_they_may(part):
    own = part.removesuffix(".py").replace("/", ".")
    assert sources(part)
    for file in sources(part):
        for module in imported(file):
            if module.split(".")[0] in {*PACKAGES, "pipeline", "tests"}:
                allowed = any(f"{module}.".startswith(f"{name}.") for name in {own, *MAY_IMPORT[part]})
                assert allowed, f"{file.relative_to(ROOT)} imports {module}"


def test_every_part_has_its_rules():
    parts = {part for part in PACKAGES if part != "papertrace"}
    parts |= {f"papertrace/{folder.parent.name}" for folder in (ROOT / "papertrace").glob("*/__init__.py")}
    parts |= {f"papertrace/{file.name}" for file in (ROOT / "papertrace").glob("*.py")}
    assert parts | {"pipeline.py"} == set(MAY_IMPORT)


@pytest.mark.parametrize("package", ROOMS)
def test_rooms_import_only_those_before_them(package):
    order = ROOMS[package].index
    for file in sources(package):
        room = file.relative_to(ROOT / package).with_suffix("").parts[0]
        for module in imported(file):
            if module.startswith(f"{package}."):
                assert order(module.split(".")[1]) <= order(room), f"{file.relative_to(ROOT)} imports {module}"


@pytest.mark.parametrize("package", ROOMS)
def test_a_package_has_no_import_circle(package):
    dotted = {file: ".".join(file.relative_to(ROOT).with_suffix("").parts) for file in sources(package)}
    files = {module.removesuffix(".__init__"): file for file, module in dotted.items()}
    left = {module: imported(file) & set(files) - {module} for module, file in files.items()}
    while free := [module for module, others in left.items() if not others & set(left)]:
        for module in free:
            del left[module]
    assert not left


def distributions_in(lines: str) -> set[str]:
    return {re.match(r"[\w-]+", line)[0] for line in lines.split("\n") if line[:1].isalpha()}


def test_dependencies_are_what_is_imported():
    always = distributions_in(SETUP["options"]["install_requires"])
    extra = distributions_in(SETUP["options.extras_require"]["formats"])
    assert not always & extra
    stated = always | extra
    distributions = {"cv2": "opencv-python-headless", "skimage": "scikit-image", "PIL": "pillow"}
    ours = {*PACKAGES, "pipeline"}
    needed = set()
    for part in (*PACKAGES, "pipeline.py"):
        for file in sources(part):
            for module in imported(file):
                top = module.split(".")[0]
                if top not in sys.stdlib_module_names and top not in ours:
                    needed.add(distributions.get(top, top.replace("_", "-")))
    assert needed <= stated, needed - stated
    # rapidocr is there for a file that it carries.
    assert stated - needed == {"rapidocr"}, stated - needed


def test_extras_are_imported_only_where_they_are_needed():
    """Nothing of an extra is imported with a module: it may not be installed."""
    extra = distributions_in(SETUP["options.extras_require"]["formats"])
    for part in (*PACKAGES, "pipeline.py"):
        for file in sources(part):
            if {module.split(".")[0] for module in imported(file)} & extra:
                code = f"import sys, {'.'.join(file.relative_to(ROOT).with_suffix('').parts)}; print(*sys.modules)"
                loaded = subprocess.run(
                    [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
                )
                assert not extra & set(loaded.stdout.split()), file


def test_other_programs_and_papertrace_share_nothing():
    """One of them is under the GPL."""
    theirs = {module.split(".")[0] for file in sources("other_programs") for module in imported(file)}
    theirs -= {*sys.stdlib_module_names, *(file.stem for file in sources("other_programs"))}
    assert {"ecg", "ecg_plot", "pmecg"} <= theirs and not theirs & {*PACKAGES, "pipeline", "tests"}
    assert not re.search("ecg.plot|pmecg", (ROOT / "setup.cfg").read_text(encoding="utf-8"))
    for part in (*PACKAGES, "pipeline.py", "tests"):
        for file in sources(part):
            tops = {module.split(".")[0] for module in imported(file)}
            assert not tops & {"ecg", "ecg_plot", "pmecg", "other_programs"}, file.relative_to(ROOT)


def test_every_dependency_has_a_range():
    stated = SETUP["options"]["install_requires"] + SETUP["options.extras_require"]["formats"]
    lines = [line for line in stated.split("\n") if line and not line.startswith("#")]
    for line in lines:
        assert re.fullmatch(r"[\w-]+(>=[\d.]+,<[\d.]+|==[\d.]+)", line), line


def test_every_dependency_was_looked_at():
    """A new one has a line in the list of what could use the network."""
    listed = set(re.findall(r"^\| ([\w-]+)", (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8"), re.MULTILINE))
    stated = SETUP["options"]["install_requires"] + SETUP["options.extras_require"]["formats"]
    assert distributions_in(stated) == listed - {"package", "---"}


def test_readme_commands_are_those_of_the_continuous_integration():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    run = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    commands = re.findall(r"^python3 -m venv .*$", readme, flags=re.MULTILINE)
    assert len(commands) == 3
    job, without_cuda, tests = commands
    assert re.search(r"torch==\S+", without_cuda)[0] in (ROOT / "setup.cfg").read_text(encoding="utf-8")
    assert tests in run.splitlines()
    page = re.search(r"pipeline\.py (samples/\S+) --out \S+$", job)
    assert page and (ROOT / page[1]).is_file()


def test_every_sample_that_the_readme_names_exists():
    for sample in re.findall(r"samples/[\w./-]+\w", (ROOT / "README.md").read_text(encoding="utf-8")):
        assert (ROOT / sample).exists(), sample


def test_the_changelog_knows_this_version():
    from digitize.version import __version__

    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_tests_import_from_helpers_and_not_from_each_other():
    for file in sources("tests"):
        others = {module for module in imported(file) if module.split(".")[-1].startswith("test_")}
        assert not others, f"{file.relative_to(ROOT)} imports {others}"
