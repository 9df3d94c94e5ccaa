"""``python -m engine``: the command line, see engine.cli.main."""

import os
import sys

from engine.cli.main import main

if __name__ == "__main__":
    # Model libraries look for updates on the network unless they are told that there is none.
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_OFFLINE", "1")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")  # notes to programmers
    os.environ.setdefault("DIFFUSERS_VERBOSITY", "error")
    sys.exit(main())
