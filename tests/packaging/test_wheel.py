"""The wheel: exactly our packages and their data, and a console script that works wherever it is started."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import orjson
import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("connectors", "mappings", "sync", "simulator")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that nothing is left behind in the checkout, and without reaching for any index."""
    copy, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "LICENSE", "README.md"):
        shutil.copy(ROOT / file, copy / file)
    subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pip",
                "--disable-pip-version-check",
                "wheel",
                "--quiet",
                "--no-deps",
                "--no-index",
            ),
            *("--no-build-isolation", "--wheel-dir", out, copy),
        ],
        check=True,
        timeout=600,
    )
    (made,) = out.glob("*.whl")
    return made


@pytest.fixture(scope="module")
def script(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Installed into an environment of its own that borrows the dependencies of this one."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    (site,) = home.glob("lib/python*/site-packages")
    # A plain path line: the editable installation that may be there is not followed from here.
    (site / "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", python, "install", "--quiet"),
            *("--no-deps", "--no-index", "--ignore-installed", wheel),
        ],
        check=True,
        timeout=600,
    )
    return home / "bin" / "closedwon"


def run(script: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([script, *words], cwd=folder, capture_output=True, text=True, timeout=600, check=False)


def test_the_wheel_holds_our_packages_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.partition("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(PACKAGES)
    expected = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {name for name in names if ".dist-info/" not in name} == expected


@pytest.mark.parametrize(
    "name",
    [
        "mappings/default.yaml",
        "mappings/mappings.schema.json",
        "mappings/template.schema.json",
        "mappings/templates/saas_onboarding.yaml",
        "mappings/templates/carrier_order.yaml",
        "sync/store/migrations/env.py",
        "sync/store/migrations/versions/v0001_first_tables.py",
    ],
)
def test_the_wheel_holds_what_is_read_at_run_time(wheel: Path, name: str) -> None:
    assert name in zipfile.ZipFile(wheel).namelist()


def test_the_wheel_holds_the_licence_and_registers_by_one_name(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (info,) = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
    assert info.startswith("closedwon-")
    assert "Apache License" in archive.read(f"{info}/licenses/LICENSE").decode()
    points = archive.read(f"{info}/entry_points.txt").decode()
    assert "closedwon = sync.cli:main" in points
    assert "[closedwon.connectors]" in points


def test_the_wheel_names_no_machine_and_no_index(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    for name in archive.namelist():
        if ".dist-info/" in name:
            text = archive.read(name).decode()
            assert str(ROOT) not in text
            assert "--index" not in text


def test_the_script_works_from_an_empty_folder(script: Path, tmp_path: Path) -> None:
    done = run(script, tmp_path, "demo", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert orjson.loads(done.stdout)["duplicates"] == 0


def test_the_script_is_the_wheels_own(script: Path, tmp_path: Path) -> None:
    python = script.parent / "python"
    code = "import sync, connectors, mappings, simulator; print(sync.__file__)"
    done = subprocess.run([python, "-I", "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert Path(done.stdout.strip()).is_relative_to(script.parents[1])


def test_the_script_heeds_no_modules_of_our_names_where_it_is_started(script: Path, tmp_path: Path) -> None:
    for package in ("connectors", "mappings", "simulator"):
        (tmp_path / package).mkdir()
        (tmp_path / package / "__init__.py").write_text("raise SystemExit('hostile')", encoding="utf-8")
    (tmp_path / "sync.py").write_text("raise SystemExit('hostile')", encoding="utf-8")
    done = run(script, tmp_path, "--version")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("closedwon ")
    done = run(script, tmp_path, "doctor")  # imports everything, and then misses its configuration
    assert (done.returncode, "config.yaml:1:1: the file cannot be read" in done.stderr) == (3, True)
