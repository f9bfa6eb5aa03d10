"""What means what: which vendor field is which canonical field, and which plan a deal turns into.

`model` holds the data, `load` reads it from YAML, `translate` applies it to records, `templates` makes plans of deals.
Called by `sync`. Nothing here calls a vendor, looks at a clock or keeps state; only `load` and `schema` touch files.
"""
