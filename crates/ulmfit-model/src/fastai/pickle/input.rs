//! The bytes of a pickle, taken from the front.

#[derive(Debug)]
pub(super) struct Input<'a> {
    pub(super) rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(super) fn byte(&mut self) -> Result<u8, String> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        let (front, rest) = self.rest.split_first_chunk().ok_or_else(ends_early)?;
        self.rest = rest;
        Ok(*front)
    }

    /// So many bytes, which are there.
    pub(super) fn take(&mut self, length: usize) -> Result<&'a [u8], String> {
        let split = self.rest.split_at_checked(length);
        let (front, rest) = split.ok_or_else(ends_early)?;
        self.rest = rest;
        Ok(front)
    }

    pub(super) fn text(&mut self, length: usize) -> Result<&'a str, String> {
        let text = std::str::from_utf8(self.take(length)?);
        text.map_err(|_| "has a string that is not UTF-8".to_owned())
    }

    /// The text up to the end of the line.
    pub(super) fn line(&mut self) -> Result<&'a str, String> {
        let end = self.rest.iter().position(|&byte| byte == b'\n');
        let line = self.text(end.ok_or_else(ends_early)?)?;
        self.take(1)?;
        Ok(line)
    }

    /// A whole number of any length, lowest byte first, with its sign in the highest bit.
    pub(super) fn long(&mut self) -> Result<i128, String> {
        /// `PyTorch`'s own mark has ten bytes.
        const LONGEST: usize = 16;
        let length = usize::from(self.byte()?);
        let bytes = self.take(length)?;
        if length > LONGEST {
            return Err(format!("has a whole number of {length} bytes"));
        }
        let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut filled = [if is_negative { 0xff } else { 0 }; LONGEST];
        filled[..length].copy_from_slice(bytes);
        Ok(i128::from_le_bytes(filled))
    }

    /// The announced length of what follows, which is not more than there is.
    pub(super) fn frame(&mut self) -> Result<(), String> {
        let length = u64::from_le_bytes(self.array()?);
        if length > self.rest.len() as u64 {
            return Err(ends_early());
        }
        Ok(())
    }
}

fn ends_early() -> String {
    "ends in the middle; it may be truncated: copy it again".to_owned()
}
