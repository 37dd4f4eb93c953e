"""Trains a small fastai language model step by step on what `ulmfit finetune` trains on, from the same weights.

usage: fastai_steps.py prepare|initial|train FOLDER [options]

One document of words that need no splitting, so that both sides have the same tokens in the same order. In FOLDER, with U for
`ulmfit` and P for this script with its Python:

  P prepare FOLDER --texts lm-train.jsonl      # of `cargo xtask parity`: train.jsonl, valid.jsonl, recipe.toml, vocab.pkl
  P initial FOLDER                             # initial.pth
  U import initial.pth --vocab vocab.pkl -o initial.safetensors
  U finetune train.jsonl --recipe recipe.toml --pretrained initial.safetensors --run ours
  U evaluate ours/model.safetensors valid.jsonl
  P train FOLDER --initial

Without --initial and --pretrained each side starts from its own weights, by --seed; --dropout, --batch-size and --epochs go
into `prepare`, for the recipe, and into `train`.
"""

import argparse
import collections
import json
import pickle
import re
from pathlib import Path

import torch
from fastai.text.all import (
    AWD_LSTM, CrossEntropyLossFlat, DataLoaders, L, LMDataLoader, LMLearner, ProgressCallback, TensorText,
    awd_lstm_lm_config, awd_lstm_lm_split, get_language_model, set_seed,
)
from fastai_losses import Losses

SPECIAL = "xxunk xxpad xxbos xxeos xxfld xxrep xxwrep xxup xxmaj".split()
SEQUENCE, STEPS = 70, 4800

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("action", choices=["prepare", "initial", "train"])
parser.add_argument("folder", type=Path)
parser.add_argument("--texts", type=Path)
parser.add_argument("--initial", action="store_true")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--dropout", type=float, default=0.0)
parser.add_argument("--batch-size", type=int, default=16)
parser.add_argument("--epochs", type=int, default=1)
arguments = parser.parse_args()
folder = arguments.folder


def prepare():
    folder.mkdir(parents=True, exist_ok=True)
    words = []
    with arguments.texts.open() as lines:
        for line in lines:
            words += re.findall("[a-z]+", json.loads(line)["text"].lower())
            if len(words) > 700_000:
                break
    frequent = [word for word, _ in collections.Counter(words).most_common(1985)]
    kept = set(frequent)
    words = [word for word in words if word in kept]
    n_train = SEQUENCE * STEPS
    for name, part in ("train", words[:n_train]), ("valid", words[n_train : n_train + 40_000]):
        (folder / f"{name}.jsonl").write_text(json.dumps({"text": " ".join(part)}) + "\n")
    pickle.dump(SPECIAL + frequent, (folder / "vocab.pkl").open("wb"))
    recipe = Path(__file__).parents[2] / "recipes/fastai-parity.toml"
    pretrain = re.search(r"(?s)\[pretrain\].*?(?=# Not used)", recipe.read_text()).group()
    text = re.sub(r"(?s)\[finetune\].*?(?=# As text_classifier)", pretrain.replace("[pretrain", "[finetune"), recipe.read_text())
    for name, value in {
        "keep_pretrained": "true", "min_freq": 1, "d_embedding": 40, "d_hidden": 64, "dropout_multiplier": arguments.dropout,
        "batch_size": arguments.batch_size, "epochs": arguments.epochs,
    }.items():
        text = re.sub(rf"(?m)^{name} = \S+", f"{name} = {value}", text)
    (folder / "recipe.toml").write_text(text)


def model():
    set_seed(arguments.seed)
    config = awd_lstm_lm_config | {"emb_sz": 40, "n_hid": 64}
    for name in ("output_p", "hidden_p", "input_p", "embed_p", "weight_p"):
        # Not zero, for which fastai's weight dropout fails under PyTorch 2.11.
        config[name] = config[name] * arguments.dropout or (1e-30 if name == "weight_p" else 0.0)
    return get_language_model(AWD_LSTM, len(vocab()), config=config)


def vocab():
    return pickle.load((folder / "vocab.pkl").open("rb"))


def loader(name):
    places = {word: place for place, word in enumerate(vocab())}
    text = json.loads((folder / f"{name}.jsonl").read_text())["text"]
    ids = TensorText([places["xxbos"]] + [places[word] for word in text.split()])
    return LMDataLoader(L([ids]), bs=arguments.batch_size, seq_len=SEQUENCE, shuffle=False, num_workers=0)


def train():
    started = model()
    if arguments.initial:
        started.load_state_dict(torch.load(folder / "initial.pth"))
    losses = Losses()
    learner = LMLearner(
        DataLoaders(loader("train"), loader("valid")), started, loss_func=CrossEntropyLossFlat(),
        splitter=awd_lstm_lm_split, alpha=2.0, beta=1.0, cbs=losses,
    )
    learner.remove_cb(ProgressCallback)
    with learner.no_logging():
        learner.fit_one_cycle(arguments.epochs, 5e-3, moms=(0.8, 0.7, 0.8))
    print(json.dumps({"training": losses.means(), "validation": learner.validate()[0]}))


if arguments.action == "prepare":
    prepare()
elif arguments.action == "initial":
    torch.save(model().state_dict(), folder / "initial.pth")
else:
    train()
