"""How well a set of models draws: figures, gates and a report. Torch is imported by the submodules."""
