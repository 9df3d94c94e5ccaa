import sys

from app.studies.cli import main

sys.exit(main(sys.argv[1:]))
