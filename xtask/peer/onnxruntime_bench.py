#!/usr/bin/env python3
"""What ONNX Runtime does on this machine, to be run in turn with `ulmfit bench classify`.

usage: onnxruntime_bench.py classify [--int8] [options]

The network is a classifier of the same sizes: the embedding's lookup, the LSTM layers, last, max and mean over time, and one
linear layer to the classes, where ulmfit and fastai have a head of two (a part in ten thousand of the work). A document is read
in one go and not chunk by chunk. With --int8 the weights of the LSTM layers are in int8, quantized by onnxruntime.quantization's
`quantize_dynamic`; embedding, pooling and linear layer stay in float32.
"""

import logging
import multiprocessing
import pathlib
import tempfile

import measurement


def build(options, path):
    """Writes the network with random weights."""
    import numpy as np
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    random = np.random.default_rng(0)
    nodes, weights = [], []

    def weight(name, *shape):
        # A scale at which LSTMs are initialized: it keeps the states from saturating.
        values = random.uniform(-0.05, 0.05, shape).astype(np.float32)
        weights.append(numpy_helper.from_array(values, name))
        return name

    def integers(name, values):
        weights.append(numpy_helper.from_array(np.array(values, dtype=np.int64), name))
        return name

    nodes.append(helper.make_node("Gather", [weight("embedding", options.vocab, options.emb), "tokens"], ["x0"]))
    direction_axis = integers("direction_axis", [1])
    d_input = options.emb
    for layer in range(options.layers):
        d_hidden = options.emb if layer + 1 == options.layers else options.hid
        inputs = [
            f"x{layer}",
            weight(f"w{layer}", 1, 4 * d_hidden, d_input),
            weight(f"r{layer}", 1, 4 * d_hidden, d_hidden),
            weight(f"b{layer}", 1, 8 * d_hidden),
        ]
        nodes.append(helper.make_node("LSTM", inputs, [f"y{layer}"], f"lstm{layer}", hidden_size=d_hidden))
        # [seq, directions, batch, hidden] to [seq, batch, hidden]
        nodes.append(helper.make_node("Squeeze", [f"y{layer}", direction_axis], [f"x{layer + 1}"]))
        d_input = d_hidden
    output = f"x{options.layers}"
    time_axis = integers("time_axis", [0])
    nodes += [
        helper.make_node("Gather", [output, integers("last_step", -1)], ["last"], axis=0),
        helper.make_node("ReduceMax", [output, time_axis], ["max"], keepdims=0),
        helper.make_node("ReduceMean", [output, time_axis], ["mean"], keepdims=0),
        helper.make_node("Concat", ["last", "max", "mean"], ["pooled"], axis=1),
        helper.make_node("MatMul", ["pooled", weight("head", 3 * d_input, options.classes)], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "classifier",
        [helper.make_tensor_value_info("tokens", TensorProto.INT64, ["seq", "batch"])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", options.classes])],
        weights,
    )
    # An opset that has all of these in their present form, and its format.
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    onnx.checker.check_model(model)
    if not options.int8:
        onnx.save(model, path)
        return
    from onnxruntime.quantization import QuantType, quantize_dynamic

    # It advises to fuse operations first, of which there are none here.
    logging.getLogger().setLevel(logging.ERROR)
    quantize_dynamic(model, path, op_types_to_quantize=["LSTM"], weight_type=QuantType.QInt8)
    quantized = [node.op_type for node in onnx.load(path).graph.node].count("DynamicQuantizeLSTM")
    assert quantized == options.layers, f"{quantized} of {options.layers} layers were quantized"


def classify(options):
    import numpy as np
    import onnxruntime

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "classifier.onnx"
        # Built in a process of its own, whose memory is not what is measured.
        builder = multiprocessing.get_context("spawn").Process(target=build, args=(options, path))
        builder.start()
        builder.join()
        if builder.exitcode != 0:
            raise SystemExit("the network could not be built")
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = options.threads
        settings.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    random = np.random.default_rng(0)
    n_batches = max(1, options.docs // options.bs)
    batches = [random.integers(2, options.vocab, (options.doc_len, options.bs)) for _ in range(n_batches)]

    def read(batches):
        for batch in batches:
            session.run(["logits"], {"tokens": batch})

    read(batches[:1])
    seconds = measurement.timed(lambda: read(batches), options.steps)
    documents = n_batches * options.bs
    tool = "onnxruntime-int8" if options.int8 else "onnxruntime"
    measurement.report(tool, options, seconds, documents * options.doc_len, documents=documents)


if __name__ == "__main__":
    parser = measurement.parser(["classify"])
    parser.add_argument("--int8", action="store_true", help="the weights of the LSTM layers in int8")
    classify(parser.parse_args())
