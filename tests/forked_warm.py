"""What the server of `forked` has done before it forks: import all there is, read the mapping and the templates."""

from __future__ import annotations

import sync.demo.stage
import sync.work.draining  # noqa: F401
from connectors.registry import installed, load
from mappings.load import DEFAULT_MAPPINGS, DEFAULT_TEMPLATES, load_mappings, load_templates

for name in installed():
    load(name)
load_templates(DEFAULT_TEMPLATES, load_mappings(DEFAULT_MAPPINGS))
