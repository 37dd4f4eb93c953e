#!/usr/bin/env python3
"""Draw the bundled sample of reviews: make_sample.py aclImdb_v1.tar.gz

Writes train.csv, unsup.csv and test.csv beside this script and prints their sizes and SHA-256,
which belong in ../imdb.toml. Nothing but Python's standard library is needed. The draw depends on
the reviews' names alone (the order of a salted hash), so every run, on any version of Python and
from any copy of the archive, writes the same bytes.
"""

import csv
import hashlib
import pathlib
import sys
import tarfile

SALT = "ulmfit sample 1"
# Short reviews only: a few epochs over them fit in minutes on two cores.
MAX_WORDS = 200
# (file, folders of the archive by label, reviews from each folder)
PARTS = [
    ("train.csv", {"neg": "train/neg", "pos": "train/pos"}, 400),
    ("unsup.csv", {None: "train/unsup"}, 1200),
    ("test.csv", {"neg": "test/neg", "pos": "test/pos"}, 200),
]


def read(archive):
    """The reviews by folder: {"train/neg": {"0_3.txt": text, ...}, ...}."""
    folders = {folder: {} for _, sources, _ in PARTS for folder in sources.values()}
    with tarfile.open(archive, "r|gz") as entries:
        for entry in entries:
            parts = pathlib.PurePosixPath(entry.name).parts
            folder = "/".join(parts[-3:-1])
            if entry.isfile() and folder in folders and parts[-1].endswith(".txt"):
                folders[folder][parts[-1]] = entries.extractfile(entry).read().decode("utf-8")
    return folders


def rank(folder, name):
    return hashlib.sha256(f"{SALT}/{folder}/{name}".encode()).hexdigest()


def main(archive):
    folders = read(archive)
    here = pathlib.Path(__file__).parent
    # A text that occurs twice in the archive is drawn at most once, in whichever part.
    seen = set()
    for file, sources, count in PARTS:
        rows = []
        for label, folder in sources.items():
            drawn = 0
            for name in sorted(folders[folder], key=lambda name: rank(folder, name)):
                text = folders[folder][name]
                if drawn == count:
                    break
                if len(text.split()) <= MAX_WORDS and text not in seen:
                    seen.add(text)
                    rows.append((rank(folder, name), text, label))
                    drawn += 1
            assert drawn == count, f"{folder} has only {drawn} of {count} reviews"
        rows.sort()  # by hash, so the labels are mixed
        with open(here / file, "w", newline="", encoding="utf-8") as out:
            writer = csv.writer(out, lineterminator="\n")
            writer.writerow(["text"] if None in sources else ["text", "label"])
            writer.writerows([text] if label is None else [text, label] for _, text, label in rows)
        data = (here / file).read_bytes()
        words = sum(len(text.split()) for _, text, _ in rows)
        print(f"{file}: {len(rows)} reviews, {words} words, {len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
