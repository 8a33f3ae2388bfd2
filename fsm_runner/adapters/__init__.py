"""The adapters: one package for each third-party service that drivers use."""
