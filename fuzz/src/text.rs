//! Texts of what rules and tokenizers react to, of anything else, and of long repetitions.

use arbitrary::{Arbitrary, Unstructured};

/// What rules and tokenizers look for.
const PIECES: [&str; 96] = [
    "a",
    "no",
    "NO",
    "The",
    "I",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\u{a0}",
    "\u{1c}",
    "\u{85}",
    "\u{3000}",
    "'",
    "’",
    "\"",
    "n't",
    "'s",
    "'S",
    ".",
    "..",
    "...",
    "…",
    "-",
    "--",
    "—",
    "~",
    "&",
    "&amp;",
    "amp;",
    "&#",
    "&#x",
    "&#39;",
    "&lt",
    "&notin",
    ";",
    "1",
    "22",
    "333",
    "km",
    "m²",
    "$",
    "US$",
    "€",
    "/",
    "\\",
    "\\n",
    "\\\"",
    "#",
    "@",
    "www.",
    ".com",
    "http",
    "://",
    ":",
    ")",
    "(",
    ":)",
    "<3",
    "8-D",
    "°c.",
    "i'm",
    "U.S.",
    "?",
    "!",
    ",",
    "=",
    "+",
    "*",
    "^",
    "%",
    "😀",
    "👩\u{200d}",
    "🏽",
    "🇩",
    "\u{fe0f}",
    "é",
    "e\u{301}",
    "\u{301}",
    "İ",
    "Σ",
    "ß",
    "ﬁ",
    "\0",
    "\u{ad}",
    "क\u{94d}",
    "שלום",
    "日本",
    "ก",
    "▁",
    "xxmaj",
    "xxrep",
    "xxbos ",
    "<br />",
    "<unk>",
];

/// Most bytes of one text. Quadratic work shows at this size.
const LONGEST: usize = 1 << 16;

/// A text out of a fuzzer's bytes.
#[derive(Clone)]
pub struct Text(pub String);

impl<'b> Arbitrary<'b> for Text {
    fn arbitrary(bytes: &mut Unstructured<'b>) -> arbitrary::Result<Self> {
        let mut text = String::new();
        while !bytes.is_empty() && text.len() < LONGEST {
            match bytes.arbitrary::<u8>()? {
                at @ 0..=191 => text.push_str(PIECES[usize::from(at) % PIECES.len()]),
                192..=223 => text.push(bytes.arbitrary()?),
                224..=239 => text.push_str(bytes.arbitrary()?),
                // The last pieces again, and again.
                240..=251 => {
                    let length = usize::from(bytes.arbitrary::<u8>()? % 24) + 1;
                    let start = text.char_indices().rev().nth(length - 1);
                    let unit = text[start.map_or(0, |(at, _)| at)..].to_owned();
                    let times = usize::from(bytes.arbitrary::<u16>()? % 8192);
                    let room = (LONGEST - text.len()) / unit.len().max(1);
                    text.push_str(&unit.repeat(times.min(room)));
                }
                _ => break,
            }
        }
        Ok(Self(text))
    }
}

/// A few characters.
#[derive(Clone, Debug)]
pub struct Short(pub String);

impl<'b> Arbitrary<'b> for Short {
    fn arbitrary(bytes: &mut Unstructured<'b>) -> arbitrary::Result<Self> {
        let mut text = String::new();
        for _ in 0..bytes.arbitrary::<u8>()? % 6 {
            match bytes.arbitrary::<u8>()? {
                at @ 0..=159 => text.push_str(PIECES[usize::from(at) % PIECES.len()]),
                at @ 160..=223 => text.push(char::from(b'a' + at % 4)),
                _ => text.push(bytes.arbitrary()?),
            }
        }
        Ok(Self(text))
    }
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// A few texts that a tokenizer out of a file has to take.
pub fn texts(own: &Text) -> [&str; 4] {
    [
        &own.0,
        "",
        "xxbos xxmaj the ﬁlm's  1/2 ½ a\u{301} 日本 😀 ⅷ ｆｕｌｌ, no?\n",
        "aaaa    \u{a0}abab xxrep 3 !    <s> <0x0A> ▁▁ ",
    ]
}
