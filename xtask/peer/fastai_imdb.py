#!/usr/bin/env python3
"""fastai's ULMFiT on part of the IMDb reviews, small and from scratch: the learner that ours is held against.

usage: fastai_imdb.py ARCHIVE --sample FOLDER [options]     writes the documents of every stage, as JSON lines
       fastai_imdb.py ARCHIVE --train [options]             trains on them, and prints a JSON line after each stage
       fastai_imdb.py ARCHIVE --from-scratch N [options]    trains the classifier alone, on random weights for N epochs

ARCHIVE is aclImdb_v1.tar.gz. The language model reads unlabeled reviews and those of the classifier's training set, of
which fastai's own random splitter holds 3 % out.
"""

import argparse
import json
import os
import random
import sys
import tarfile
import time
import warnings

warnings.filterwarnings("ignore")
HELD_OUT = 0.03


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("archive")
    parser.add_argument("--sample", metavar="FOLDER")
    parser.add_argument("--train", action="store_true")
    parser.add_argument("--from-scratch", metavar="N", type=int, default=0)
    sizes = dict(lm_docs=10000, labeled=5000, test=2500, emb=200, hid=512, vocab=10000, bs=64, bptt=70)
    for name, value in dict(sizes, sample_seed=0, seed=0, threads=2).items():
        parser.add_argument("--" + name.replace("_", "-"), type=int, default=value)
    options = parser.parse_args()
    if [options.train, bool(options.sample), options.from_scratch > 0].count(True) != 1:
        parser.error("one of --sample, --train and --from-scratch")
    return options


def reviews(archive):
    """All texts by split and class, in the order of their paths."""
    texts = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = member.name.split("/")
            if len(parts) == 4 and parts[3].endswith(".txt"):
                texts[tuple(parts[1:])] = tar.extractfile(member).read().decode("utf8")
    split = lambda *wanted: [texts[key] for key in sorted(texts) if key[:2] == wanted]
    return {key: split(*key) for key in sorted({key[:2] for key in texts})}


def sample(options):
    """Labeled documents for training and for the test, and the language model's, with those it holds out."""
    import torch

    texts, rng = reviews(options.archive), random.Random(options.sample_seed)

    def labeled(split, count):
        documents = [(text, name) for name in ("pos", "neg") for text in texts[split, name]]
        rng.shuffle(documents)
        return documents[:count]

    train, test = labeled("train", options.labeled), labeled("test", options.test)
    unlabeled = texts["train", "unsup"]
    rng.shuffle(unlabeled)
    general = unlabeled[: options.lm_docs] + [text for text, _ in train]
    # What fastai's RandomSplitter does with this seed.
    torch.manual_seed(options.sample_seed)
    order = torch.randperm(len(general)).tolist()
    held_out = int(HELD_OUT * len(general))
    return {
        "lm-train": [(general[i], None) for i in order[held_out:]],
        "lm-valid": [(general[i], None) for i in order[:held_out]],
        "train": train,
        "test": test,
    }


def write(parts, folder):
    os.makedirs(folder, exist_ok=True)
    for name, documents in parts.items():
        with open(os.path.join(folder, name + ".jsonl"), "w", encoding="utf8") as file:
            for text, label in documents:
                row = {"text": text} if label is None else {"text": text, "label": label}
                file.write(json.dumps(row, ensure_ascii=False) + "\n")


def frame(**parts):
    """A table of fastai's: the second part is for validation."""
    import pandas

    rows = [(text, label, place == 1) for place, part in enumerate(parts.values()) for text, label in part]
    return pandas.DataFrame(rows, columns=["text", "label", "is_valid"])


def begin(options):
    """The documents, and what prints a line after a stage."""
    import torch
    from fastai.text import all as fastai

    fastai.set_seed(options.seed)
    torch.set_num_threads(options.threads)
    parts, begun = sample(options), time.time()

    def say(stage, learner, steps, **more):
        loss, valid, *rest = (float(value) for value in learner.recorder.values[-1])
        row = {"stage": stage, "steps": steps, "wall_s": time.time() - begun, "train_loss": loss, "valid_loss": valid}
        print(json.dumps(row | {"accuracy": rest[0]} | more), flush=True)

    return parts, say


def classifier_of(options, parts, **more):
    """The classifier on random weights, with its labeled documents."""
    from fastai.text import all as fastai

    documents = fastai.TextDataLoaders.from_df(
        frame(train=parts["train"], test=parts["test"]),
        text_col="text",
        label_col="label",
        valid_col="is_valid",
        bs=options.bs,
        **more,
    )
    config = fastai.awd_lstm_clas_config | {"emb_sz": options.emb, "n_hid": options.hid}
    learner = fastai.text_classifier_learner(
        documents, fastai.AWD_LSTM, config=config, pretrained=False, drop_mult=0.5, metrics=fastai.accuracy
    )
    return learner, len(documents.train)


def from_scratch(options):
    from fastai_losses import Losses

    parts, say = begin(options)
    learner, steps = classifier_of(options, parts)
    learner.add_cb(Losses())
    learner.unfreeze()
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(options.from_scratch, 5e-3)
    say("from scratch", learner, options.from_scratch * steps, training=learner.losses.means())


def train(options):
    from fastai.text import all as fastai
    from fastai_losses import Losses

    parts, say = begin(options)
    block = fastai.DataBlock(
        blocks=fastai.TextBlock.from_df("text", is_lm=True, max_vocab=options.vocab, seq_len=options.bptt),
        get_x=fastai.ColReader("text"),
        splitter=fastai.ColSplitter(),
    )
    stream = block.dataloaders(frame(train=parts["lm-train"], valid=parts["lm-valid"]), bs=options.bs, seq_len=options.bptt)
    config = fastai.awd_lstm_lm_config | {"emb_sz": options.emb, "n_hid": options.hid}
    learner = fastai.language_model_learner(
        stream, fastai.AWD_LSTM, config=config, pretrained=False, drop_mult=0.3, metrics=[fastai.accuracy], cbs=Losses()
    )
    with learner.no_bar(), learner.no_logging():
        learner.fit_one_cycle(1, 5e-3, moms=(0.8, 0.7, 0.8))
    say("language model", learner, len(stream.train), training=learner.losses.means())
    learner.save_encoder("peer-encoder")

    learner, steps = classifier_of(options, parts, text_vocab=stream.vocab)
    learner.load_encoder("peer-encoder")
    rates = lambda top: slice(top / 2.6**4, top)
    with learner.no_bar(), learner.no_logging():
        learner.freeze()
        learner.fit_one_cycle(1, 2e-2)
        say("head", learner, steps)
        learner.freeze_to(-2)
        learner.fit_one_cycle(1, rates(1e-2))
        say("last two groups", learner, steps)
        learner.unfreeze()
        learner.fit_one_cycle(2, rates(5e-3))
        say("all groups", learner, 2 * steps)


def main():
    options = arguments()
    if options.sample:
        write(sample(options), options.sample)
    elif options.train:
        train(options)
    else:
        from_scratch(options)


if __name__ == "__main__":
    sys.exit(main())
