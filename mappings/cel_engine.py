"""The CEL library's engine without the command line that comes with it. Used by `mappings.conditions` only.

`import cel` loads the library's own command line too, and with it a toolkit for terminals: sixteen megabytes that every
process would carry for nothing. So the engine, one compiled module, is loaded from beside it. Whoever imports `cel` as
usual gets the very same module.
"""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import EXTENSION_SUFFIXES, ModuleSpec
from pathlib import Path
from types import ModuleType

_NAME = "cel.cel"


def load() -> ModuleType:
    """Return the engine; raises ImportError when the library is not installed or lies elsewhere than it did."""
    if _NAME in sys.modules:
        return sys.modules[_NAME]
    spec = _spec()
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module
    assert spec.loader
    spec.loader.exec_module(module)
    return module


def _spec() -> ModuleSpec:
    package = importlib.util.find_spec("cel")
    for folder in (package and package.submodule_search_locations) or ():
        for suffix in EXTENSION_SUFFIXES:
            file = Path(folder) / f"cel{suffix}"
            if file.is_file() and (spec := importlib.util.spec_from_file_location(_NAME, file)):
                return spec
    raise ImportError("The package common-expression-language is not installed as it should be: install it again.")
