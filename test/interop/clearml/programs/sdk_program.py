"""What the suite's Python programs share: arguments in, one JSON document out. They use the SDK as any user would, unmodified.

A program is started with one argument, the path of a JSON file that holds its order; the document goes to the path in
INTEROP_ANSWER, so that what the SDK prints disturbs nobody.
"""

import json
import os
import sys


def order():
    """What the suite asks for."""
    with open(sys.argv[1], encoding="utf-8") as file:
        return json.load(file)


def answer(document):
    """Tells the suite what was done or seen. Once; a later call replaces the earlier."""
    path = os.environ["INTEROP_ANSWER"]
    with open(path + ".new", "w", encoding="utf-8") as file:
        json.dump(document, file, default=str)
    os.replace(path + ".new", path)
