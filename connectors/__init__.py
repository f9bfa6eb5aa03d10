"""How each vendor is spoken to: one contract (`base`), one set of errors, one package per vendor."""
