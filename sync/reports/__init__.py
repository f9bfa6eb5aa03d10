"""Reports that people send: what they say is decided per audience, how they look per format."""
