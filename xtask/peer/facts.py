#!/usr/bin/env python3
"""Today's date, and the versions of packages: `null` for one that is not installed.

usage: facts.py PACKAGE...
"""

import datetime
import importlib.metadata
import json
import sys


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


today = datetime.datetime.now(datetime.timezone.utc).date()
print(json.dumps({"date": today.isoformat(), "versions": {package: version(package) for package in sys.argv[1:]}}))
