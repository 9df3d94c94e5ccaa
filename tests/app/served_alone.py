"""The program in a process of its own, with the fake engine: ``python -m tests.app.served_alone``.

For tests that kill it. Templates and models are not needed.
"""

import sys

from app.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], "tests.app.fake_engine:opened"))
