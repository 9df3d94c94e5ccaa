"""Training of the embedded models: data, loops and figures. Torch is imported by the submodules."""
