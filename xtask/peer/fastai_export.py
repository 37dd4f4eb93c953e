#!/usr/bin/env python3
"""What `ulmfit export` writes, loaded by fastai: both give the same answers to the same texts.

usage: fastai_export.py ULMFIT MODEL TEXTS.jsonl

ULMFIT is the binary, MODEL a language model or a classifier, and TEXTS.jsonl has {"text": ...} a line. Of a language
model the mean loss of its tokens is compared, of a classifier each probability. Ends with 1 above 1e-4.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import torch
from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_clas_config, awd_lstm_lm_config
from fastai.text.models.core import get_language_model, get_text_classifier

ulmfit, model, texts = sys.argv[1:]
torch.set_grad_enabled(False)


def run(*arguments):
    return subprocess.run([ulmfit, *arguments], check=True, capture_output=True, text=True).stdout


def load_safetensors(path):
    """As safetensors.torch.load_file does, which need not be installed."""
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    types = {"F32": torch.float32, "I64": torch.int64}
    tensors = {}
    for name, info in json.loads(data[8:end]).items():
        if name != "__metadata__":
            start, stop = (end + offset for offset in info["data_offsets"])
            tensors[name] = torch.frombuffer(bytearray(data[start:stop]), dtype=types[info["dtype"]]).view(info["shape"])
    return tensors


def load(module, path, prefix):
    """Loads the weights strictly. The embedding has one name in the file and several in the module."""
    weights = load_safetensors(path)
    for alias in [f"{prefix}encoder_dp.emb.weight", "1.decoder.weight"]:
        if alias in module.state_dict():
            weights[alias] = weights[f"{prefix}encoder.weight"]
    module.load_state_dict(weights, strict=True)
    module.eval()
    module.reset()


with tempfile.TemporaryDirectory() as folder:
    exported = pathlib.Path(folder, "exported")
    run("export", model, "-o", str(exported))
    description = json.loads((exported / "ulmfit.json").read_text())
    ids = [json.loads(line)["ids"] for line in run("tokenize", texts, "--model", model, "--ids", "--jsonl").splitlines()]
    (kind, settings), = description["kind"].items()
    sizes = settings["config"]["encoder"]
    named = dict(emb_sz=sizes["d_embedding"], n_hid=sizes["d_hidden"], n_layers=sizes["n_layers"])
    if kind == "language-model":
        theirs = get_language_model(AWD_LSTM, sizes["vocab_size"], config=dict(awd_lstm_lm_config, **named), drop_mult=0.0)
        load(theirs, exported / "model.safetensors", "0.")
        encoder = AWD_LSTM(sizes["vocab_size"], sizes["d_embedding"], sizes["d_hidden"], sizes["n_layers"])
        load(encoder, exported / "encoder.safetensors", "")
        stream = torch.tensor([token for document in ids for token in document])
        logits = theirs(stream[None, :-1])[0][0]
        loss = torch.nn.functional.cross_entropy(logits, stream[1:]).item()
        ours = json.loads(run("evaluate", model, texts, "--json"))["loss"]
        difference = abs(ours - loss)
        print(f"loss of {len(stream) - 1} tokens: {ours:.6f} here, {loss:.6f} in fastai")
    else:
        config = settings["config"]
        theirs = get_text_classifier(AWD_LSTM, sizes["vocab_size"], config["n_classes"], seq_len=config["bptt"],
                                     config=dict(awd_lstm_clas_config, **named), drop_mult=0.5,
                                     lin_ftrs=[config["d_head"]], ps=[0.1], max_len=config["max_len"])
        for block in theirs[1].layers:
            for layer in block:
                if isinstance(layer, torch.nn.Linear):    # fastai 2 leaves out the biases, which we have
                    layer.bias = torch.nn.Parameter(torch.zeros(layer.out_features))
        load(theirs, exported / "model.safetensors", "0.module.")
        ours = [json.loads(line)["probabilities"] for line in run("predict", model, texts).splitlines()]
        difference = 0.0
        for document, answer in zip(ids, ours):
            theirs.reset()
            probabilities = theirs(torch.tensor([document]))[0].softmax(1)[0].tolist()
            here = [answer[label] for label in settings["labels"]]
            difference = max([difference, *(abs(one - other) for one, other in zip(here, probabilities))])
        print(f"probabilities of {len(ids)} documents: {difference:.2e} apart at most")
sys.exit(difference > 1e-4)
