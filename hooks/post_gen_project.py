"""Finish a service that cookiecutter has just written; the work is in finish.py.

This file is rendered before it runs, so it takes the answers as one literal and does nothing else: text from an
answer anywhere else would be code.
"""

import json
import sys
from pathlib import Path

ANSWERS = json.loads(<<cookiecutter|jsonify|pprint>>)

sys.path.insert(0, ANSWERS["__template_folder"])
from hooks import finish

sys.exit(finish.run(Path.cwd(), ANSWERS))
