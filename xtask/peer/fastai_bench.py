#!/usr/bin/env python3
"""What fastai does on this machine, to be run in turn with `ulmfit bench`.

usage: fastai_bench.py train-lm|classify|predict|tokenize [options]

The work is what `ulmfit bench` does, on random tokens or on given texts: a training step is forward under fastai's
dropouts, cross-entropy with AR and TAR, backward, clipping and the update; a classification is forward alone.
"""

import glob
import os
import warnings
from collections import Counter

import measurement

warnings.filterwarnings("ignore")


def train_lm(options):
    import torch
    from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_lm_config
    from fastai.text.models.core import get_language_model
    from torch import nn

    set_up(torch, options)
    model = get_language_model(AWD_LSTM, options.vocab, config=sizes(awd_lstm_lm_config, options)).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.8, 0.99), weight_decay=0.01)
    cross_entropy = nn.CrossEntropyLoss()
    tokens, targets = (torch.randint(options.vocab, (options.bs, options.bptt)) for _ in range(2))

    def step():
        logits, raw, dropped = model(tokens)
        loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
        loss = loss + 2 * dropped.square().mean() + (raw[:, 1:] - raw[:, :-1]).square().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 0.25)
        optimizer.step()

    step()
    seconds = measurement.timed(step, options.steps)
    params = sum(parameter.numel() for parameter in model.parameters())
    measurement.report("fastai", options, seconds, options.bs * options.bptt, params=params)


def classify(options):
    import torch
    from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_clas_config
    from fastai.text.models.core import get_text_classifier

    set_up(torch, options)
    config = sizes(awd_lstm_clas_config, options)
    # 72 is fastai's default for the length of a chunk.
    model = get_text_classifier(AWD_LSTM, options.vocab, options.classes, seq_len=72, config=config).eval()
    n_batches = max(1, options.docs // options.bs)
    # From 2: id 1 is padding to fastai, and would be skipped.
    batches = [torch.randint(2, options.vocab, (options.bs, options.doc_len)) for _ in range(n_batches)]

    def read(batches):
        for batch in batches:
            model.reset()
            model(batch)

    with torch.no_grad():
        read(batches[:1])
        seconds = measurement.timed(lambda: read(batches), options.steps)
    documents = n_batches * options.bs
    measurement.report("fastai", options, seconds, documents * options.doc_len, documents=documents)


def predict(options):
    import torch
    from fastai.text.core import SpacyTokenizer, TokenizeWithRules
    from fastai.text.data import Numericalize, make_vocab, pad_chunk
    from fastai.text.models.awdlstm import AWD_LSTM, awd_lstm_clas_config
    from fastai.text.models.core import get_text_classifier

    set_up(torch, options)
    texts = read_texts(options)
    tokenizer = TokenizeWithRules(SpacyTokenizer("en"))
    counts = Counter(token for text in tokenizer(texts) for token in text)
    numericalize = Numericalize(vocab=make_vocab(counts, max_vocab=options.vocab))
    config = sizes(awd_lstm_clas_config, options)
    vocab = len(numericalize.vocab)
    model = get_text_classifier(AWD_LSTM, vocab, options.classes, seq_len=72, config=config).eval()

    def read(texts):
        # As a learner's test loader does: sorted by length, padded in front to whole chunks.
        documents = sorted((numericalize(text) for text in tokenizer(texts)), key=len, reverse=True)
        for start in range(0, len(documents), options.bs):
            batch = documents[start : start + options.bs]
            longest = max(map(len, batch))
            model.reset()
            model(torch.stack([pad_chunk(document, seq_len=72, pad_len=longest) for document in batch]))

    with torch.no_grad():
        read(texts[:1])
        seconds = measurement.timed(lambda: read(texts), options.steps)
    measurement.report("fastai", options, seconds, sum(counts.values()), documents=len(texts))


def tokenize(options):
    from fastai.text.core import SpacyTokenizer, TokenizeWithRules

    texts = read_texts(options)
    tokenizer = TokenizeWithRules(SpacyTokenizer("en"))
    counts = []
    # It hands its results out one by one.
    seconds = measurement.timed(lambda: counts.append(sum(map(len, tokenizer(texts)))), options.steps)
    measurement.report("fastai", options, seconds, counts[-1], documents=len(texts))


def read_texts(options):
    texts = []
    for path in sorted(glob.glob(os.path.join(options.texts, "*.txt")))[: options.docs]:
        with open(path, encoding="utf8") as file:
            texts.append(file.read())
    return texts


def set_up(torch, options):
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)


def sizes(config, options):
    return {**config, "emb_sz": options.emb, "n_hid": options.hid, "n_layers": options.layers}


if __name__ == "__main__":
    parser = measurement.parser(["train-lm", "classify", "predict", "tokenize"])
    parser.add_argument("--texts", help="predict and tokenize: a folder of .txt files")
    options = parser.parse_args()
    if options.what in ("predict", "tokenize") and options.texts is None:
        parser.error(options.what + " needs --texts")
    {"train-lm": train_lm, "classify": classify, "predict": predict, "tokenize": tokenize}[options.what](options)
