//! Damage to bytes that were whole.

use arbitrary::Arbitrary;

/// One change of a file.
#[derive(Arbitrary, Clone, Debug)]
pub enum Damage {
    /// Bytes in place of others.
    Put(u32, Vec<u8>),
    /// Bytes in between.
    Insert(u32, Vec<u8>),
    /// So many bytes less.
    Cut(u32, u16),
    /// The end is missing.
    End(u32),
    /// A part comes again.
    Again(u32, u16),
}

impl Damage {
    /// Changes a file, all of it when several changes are to be made.
    pub fn apply(all: &[Self], bytes: &mut Vec<u8>) {
        for damage in all.iter().take(8) {
            damage.apply_one(bytes);
        }
    }

    fn apply_one(&self, bytes: &mut Vec<u8>) {
        let place = |at: &u32| *at as usize % (bytes.len() + 1);
        match self {
            Self::Put(at, new) => {
                let at = place(at);
                let end = (at + new.len()).min(bytes.len());
                bytes.splice(at..end, new.iter().copied());
            }
            Self::Insert(at, new) => {
                let at = place(at);
                bytes.splice(at..at, new.iter().copied());
            }
            Self::Cut(at, length) => {
                let at = place(at);
                let end = (at + usize::from(*length)).min(bytes.len());
                bytes.drain(at..end);
            }
            Self::End(at) => bytes.truncate(place(at)),
            Self::Again(at, length) => {
                let at = place(at);
                let end = (at + usize::from(*length)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                bytes.splice(at..at, part);
            }
        }
    }
}
