//! Pickles that mean harm, as bytes.

use super::read;

/// The reason for which a pickle is refused.
fn refusal(bytes: &[u8]) -> String {
    read(bytes).expect_err("it is refused")
}

#[test]
fn every_call_but_those_of_tensors_is_refused_by_name() {
    for (bytes, name) in [
        // os.system("id"), by protocols 2 and 4.
        (
            &b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R."[..],
            "os.system",
        ),
        (
            b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x02id\x85R.",
            "os.system",
        ),
        (b"\x80\x02cposix\nsystem\n.", "posix.system"),
        (b"\x80\x02cbuiltins\neval\n.", "builtins.eval"),
        (b"\x80\x02c__builtin__\ngetattr\n.", "__builtin__.getattr"),
        (b"\x80\x02cnumpy\nload\n.", "numpy.load"),
        (
            b"\x80\x02ctorch.storage\n_load_from_bytes\n.",
            "torch.storage._load_from_bytes",
        ),
        (b"\x80\x02ctorch\nload\n.", "torch.load"),
        (
            b"\x80\x02ccollections\nOrderedDict.fromkeys\n.",
            "collections.OrderedDict.fromkeys",
        ),
        (b"\x80\x02cfastai.learner\nLearner\n.", "learn.save_encoder"),
    ] {
        let reason = refusal(bytes);
        assert!(reason.contains(name), "{reason}");
    }
    // A name of control characters is shown as such, and not at any length.
    let reason = refusal(&[b"\x80\x02c\x1b[2J", &[b'a'; 5000][..], b"\nb\n."].concat());
    assert!(
        reason.contains("\\u{1b}[2J") && reason.len() < 300,
        "{reason}"
    );
}

#[test]
fn other_opcodes_are_refused_by_name() {
    for (bytes, name) in [
        (&b"\x80\x02(ios\nsystem\n."[..], "INST"),
        (b"\x80\x02(cos\nsystem\no.", "os.system"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02N2.", "DUP"),
        (b"\x80\x02N0.", "POP"),
        (b"\x80\x02I1\n.", "INT"),
        (b"\x80\x02\x8b\xff\xff\xff\x7f.", "LONG4"),
        (
            b"\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\x7f.",
            "BINUNICODE8",
        ),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
        (b"\xf0.", "0xf0"),
        (b"\x80\x01N.", "protocol 1"),
        (b"\x80\x06N.", "protocol 6"),
    ] {
        let reason = refusal(bytes);
        assert!(reason.contains(name), "{reason}");
    }
}

#[test]
fn lengths_are_compared_with_what_is_there() {
    for bytes in [
        &b""[..],
        b"\x80",
        b"\x80\x02",
        b"\x80\x02X\xff\xff\xff\x7f.",
        b"\x80\x02X\xff\xff\xff\xffabc.",
        b"\x80\x02B\xff\xff\xff\xffabc.",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\xffN.",
        b"\x80\x02\x8a\xff\0.",
        b"\x80\x02G\0.",
        b"\x80\x02cos",
    ] {
        let reason = refusal(bytes);
        assert!(reason.contains("it may be truncated"), "{reason}");
    }
    let reason = refusal(&[&b"\x80\x02\x8a\xff"[..], &[1; 255], b"."].concat());
    assert!(reason.contains("a whole number of 255 bytes"), "{reason}");
}

#[test]
fn the_stack_and_the_notes_are_only_what_was_put_there() {
    for bytes in [
        &b"\x80\x02."[..],
        b"\x80\x02a.",
        b"\x80\x02]a.",
        b"\x80\x02]e.",
        b"\x80\x02N\x86.",
        b"\x80\x02N(\x85.",
        b"\x80\x02](.",
        b"\x80\x02]t.",
        b"\x80\x02}(Nu.",
        b"\x80\x02NNs.",
        b"\x80\x02NNa.",
        b"\x80\x02N)R.",
        b"\x80\x02h\x05.",
        b"\x80\x02j\xff\xff\xff\xff.",
        b"\x80\x02q\0.",
        b"\x80\x02NQ.",
        b"\x80\x02N\x85Q.",
        b"\x80\x02ccollections\ndefaultdict\nNN\x86R.",
        b"\x80\x02c__builtin__\nint\n)R.",
        b"\x80\x02ctorch\nFloatStorage\n)R.",
        b"\x80\x02NNb.",
        b"\x80\x04NN\x93.",
        b"\x80\x02X\x01\0\0\0\xff.",
    ] {
        let reason = refusal(bytes);
        assert!(!reason.is_empty());
    }
    // A note with the largest number is one note.
    assert!(read(b"\x80\x02Nr\xff\xff\xff\xffj\xff\xff\xff\xff\x86.").is_ok());
}

#[test]
fn depth_and_sharing_cost_nothing() {
    // A list in a list in a list, and so on.
    let mut deep = b"\x80\x02".to_vec();
    deep.extend(std::iter::repeat_n(b']', 300_000));
    deep.extend(std::iter::repeat_n(b'a', 299_999));
    deep.push(b'.');
    assert!(read(&deep).is_ok());
    // A tuple of two times the tuple before, fifty times: 2^50 values, were it written out.
    let mut shared = b"\x80\x02N".to_vec();
    for _ in 0..50 {
        shared.extend(b"q\0h\0\x86");
    }
    shared.push(b'.');
    assert!(read(&shared).is_ok());
    // A list that is in itself.
    assert!(read(b"\x80\x02]q\0h\0a.").is_ok());
    let mut marks = b"\x80\x02".to_vec();
    marks.extend(std::iter::repeat_n(b'(', 300));
    assert!(refusal(&marks).contains("nested more than"));
    let many = [&b"\x80\x02("[..], &vec![b'N'; (1 << 22) + 1], b"t."].concat();
    assert!(refusal(&many).contains("holds more than"));
}
