"""What linear models and heads find in the states of a frozen language model, with few labels.

usage: frozen_features.py ULMFIT MODEL ARCHIVE

ULMFIT is the program, MODEL a language model of `ulmfit finetune`, ARCHIVE `aclImdb_v1.tar.gz`. 1,500 training reviews
lend labels, of which each draw takes some, half of each class; 1,500 other training reviews measure. No test review is read.
Needs what requirements.txt lists.
"""

import argparse
import json
import struct
import subprocess
import tarfile
import tempfile
from pathlib import Path

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

REVIEWS, BATCH, PENALTY, HEAD_EPOCHS = 1500, 32, 0.01, [1, 5, 10, 30]
DRAWS = {100: 8, 500: 3, 1400: 1}


def reviews(archive):
    """Texts and labels, the same ones each time."""
    found = []
    with tarfile.open(archive) as tar:
        for member in tar:
            parts = member.name.split("/")
            if len(parts) == 4 and parts[1] == "train" and parts[2] in ("neg", "pos"):
                found.append((member.name, tar.extractfile(member).read().decode(), parts[2] == "pos"))
    found.sort()
    order = np.random.RandomState(0).permutation(len(found))[: 2 * REVIEWS]
    return [" ".join(found[i][1].split()) for i in order], np.array([found[i][2] for i in order], dtype=int)


def tokens(ulmfit, model, texts):
    """In the order in which the model reads."""
    described = subprocess.run([ulmfit, "inspect", "--json", model], stdout=subprocess.PIPE, check=True).stdout
    step = -1 if json.loads(described)["members"][0]["direction"] == "backward" else 1
    lines = "\n".join(texts) + "\n"
    command = [ulmfit, "tokenize", "--quiet", "--model", model, "--ids"]
    printed = subprocess.run(command, input=lines.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    words = [line.split(" ") for line in printed.rstrip("\n").split("\n")]
    # A token may be a slash, or end with one, or have a space in it; its number follows the last slash.
    return [[int(word.rsplit("/", 1)[1]) for word in line if word.rsplit("/", 1)[-1].isdigit()][::step] for line in words]


def weights(ulmfit, model):
    with tempfile.TemporaryDirectory() as folder:
        exported = Path(folder) / "exported"
        subprocess.run([ulmfit, "export", model, "--output", exported], check=True, stdout=subprocess.DEVNULL)
        data = (exported / "encoder.safetensors").read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    tensors = {}
    for name, facts in json.loads(data[8 : 8 + length]).items():
        if name != "__metadata__":
            start, end = (8 + length + place for place in facts["data_offsets"])
            tensors[name] = torch.tensor(np.frombuffer(data[start:end], dtype=np.float32).reshape(facts["shape"]).copy())
    return tensors


def layers(tensors):
    made = []
    while (name := f"rnns.{len(made)}.") + "weight_hh_l0_raw" in tensors:
        recurrent = tensors[name + "weight_hh_l0_raw"]
        input_ = tensors[name + "module.weight_ih_l0"]
        layer = torch.nn.LSTM(input_.shape[1], recurrent.shape[1], batch_first=True).eval()
        layer.weight_hh_l0.data, layer.weight_ih_l0.data = recurrent, input_
        layer.bias_hh_l0.data = tensors[name + "module.bias_hh_l0"]
        layer.bias_ih_l0.data = tensors[name + "module.bias_ih_l0"]
        made.append(layer)
    return made


@torch.no_grad()
def pooled(documents, tensors):
    """For each layer, the embeddings first: last state, maximum and mean, a row a document."""
    embeddings, stack = tensors["encoder.weight"], layers(tensors)
    rows = [None] * len(documents)
    order = sorted(range(len(documents)), key=lambda index: len(documents[index]))
    for start in range(0, len(order), BATCH):
        batch = order[start : start + BATCH]
        lengths = torch.tensor([len(documents[index]) for index in batch])
        ids = torch.ones(len(batch), int(lengths.max()), dtype=torch.long)
        for row, index in enumerate(batch):
            ids[row, : len(documents[index])] = torch.tensor(documents[index])
        mask = (torch.arange(ids.shape[1]) < lengths[:, None])[:, :, None]
        states, parts = embeddings[ids], []
        for layer in [None, *stack]:
            if layer is not None:
                states, _ = layer(states)
            last = states[torch.arange(len(batch)), lengths - 1]
            highest = states.masked_fill(~mask, -1e9).max(1).values
            parts.append((last, highest, (states * mask).sum(1) / lengths[:, None]))
        for row, index in enumerate(batch):
            rows[index] = [[part[row].numpy() for part in layer] for layer in parts]
    return rows


def drawn(labels, count, seed):
    random = np.random.RandomState(seed)
    return np.concatenate([random.permutation(np.flatnonzero(labels == label))[: count // 2] for label in (0, 1)])


def linear(train, labels, test, truth):
    scale = StandardScaler().fit(train)
    model = LogisticRegression(C=PENALTY, max_iter=300).fit(scale.transform(train), labels)
    return model.score(scale.transform(test), truth)


def head(train, labels, test, truth, epochs, seed):
    """The classifier's head, by the recipe of few labels: batches of 8, one cycle up to 0.02."""
    torch.manual_seed(seed)
    width, size = train.shape[1], 8
    net = torch.nn.Sequential(
        torch.nn.BatchNorm1d(width), torch.nn.Dropout(0.2), torch.nn.Linear(width, 50, bias=False), torch.nn.ReLU(),
        torch.nn.BatchNorm1d(50), torch.nn.Dropout(0.1), torch.nn.Linear(50, 2),
    )
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.02, betas=(0.8, 0.99), eps=1e-7, weight_decay=0.01)
    steps = epochs * -(-len(train) // size)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=steps, pct_start=0.25, cycle_momentum=False)
    train, labels, test = torch.tensor(train), torch.tensor(labels), torch.tensor(test)
    for _ in range(epochs):
        for batch in torch.randperm(len(train)).split(size):
            loss = torch.nn.functional.cross_entropy(net(train[batch]), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    with torch.no_grad():
        return (net.eval()(test).argmax(1).numpy() == truth).mean()


def shown(accuracies):
    spread = f" ± {100 * np.std(accuracies, ddof=1):.1f}" if len(accuracies) > 1 else ""
    return f"{100 * np.mean(accuracies):.1f}{spread} %"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ["ulmfit", "model", "archive"]:
        parser.add_argument(name)
    arguments = parser.parse_args()
    texts, labels = reviews(arguments.archive)
    rows = pooled(tokens(arguments.ulmfit, arguments.model, texts), weights(arguments.ulmfit, arguments.model))
    last, mean = len(rows[0]) - 1, 2
    features = {
        "last layer: last state, maximum and mean": [(last, 0), (last, 1), (last, 2)],
        "last layer: mean": [(last, mean)],
        "layer before it: mean": [(last - 1, mean)],
        "all layers: means": [(layer, mean) for layer in range(1, last + 1)],
        "embeddings: mean": [(0, mean)],
    }
    truth, labels = labels[REVIEWS:], labels[:REVIEWS]
    print("| features |" + "".join(f" {count} labels |" for count in DRAWS))
    for name, places in features.items():
        values = np.stack([np.concatenate([row[layer][pool] for layer, pool in places]) for row in rows])
        train, test = values[:REVIEWS], values[REVIEWS:]
        cells = []
        for count, draws in DRAWS.items():
            picks = [drawn(labels, count, seed) for seed in range(draws)]
            cells.append(shown([linear(train[pick], labels[pick], test, truth) for pick in picks]))
        print(f"| {name} | " + " | ".join(cells) + " |", flush=True)
        if name.startswith("last layer: last"):
            concatenated = train, test
    train, test = concatenated
    count = min(DRAWS)
    for epochs in HEAD_EPOCHS:
        picks = [drawn(labels, count, seed) for seed in range(DRAWS[count])]
        accuracies = [head(train[pick], labels[pick], test, truth, epochs, seed) for seed, pick in enumerate(picks)]
        print(f"the head with {count} labels, after {epochs} epochs: {shown(accuracies)}", flush=True)


if __name__ == "__main__":
    main()
