//! Texts with numbers in them, built in `const fn`: the same words stop a build at compile time and describe
//! an error at run time.

/// A short text. What does not fit is cut off.
#[derive(Clone, Copy)]
pub(crate) struct Message {
    bytes: [u8; Self::CAPACITY],
    length: usize,
}

impl Message {
    const CAPACITY: usize = 192;

    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; Self::CAPACITY],
            length: 0,
        }
    }

    pub(crate) const fn text(mut self, text: &str) -> Self {
        let mut rest = text.as_bytes();
        while let Some((&byte, tail)) = rest.split_first() {
            self = self.byte(byte);
            rest = tail;
        }
        self
    }

    const fn byte(mut self, byte: u8) -> Self {
        if self.length < Self::CAPACITY {
            self.bytes[self.length] = byte;
            self.length += 1;
        }
        self
    }

    pub(crate) const fn number(self, number: u64) -> Self {
        let mut divisor = 1;
        while number / divisor >= 10 {
            divisor *= 10;
        }
        let mut message = self;
        while divisor > 0 {
            message = message.byte(b'0' + (number / divisor % 10) as u8);
            divisor /= 10;
        }
        message
    }

    pub(crate) const fn count(self, count: usize) -> Self {
        self.number(count as u64)
    }

    pub(crate) const fn signed(self, number: isize) -> Self {
        self.long(number as i64)
    }

    pub(crate) const fn long(self, number: i64) -> Self {
        let message = if number < 0 { self.text("-") } else { self };
        message.number(number.unsigned_abs())
    }

    pub(crate) const fn as_str(&self) -> &str {
        let text = match self.bytes.split_at_checked(self.length) {
            Some((text, _)) => text,
            None => &[],
        };
        match core::str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_written() {
        let message = Message::new()
            .text("a ")
            .count(0)
            .text(" ")
            .number(u64::MAX)
            .text(" ")
            .signed(-105);
        assert_eq!(message.as_str(), "a 0 18446744073709551615 -105");
    }

    #[test]
    fn an_overlong_text_is_cut() {
        let message = Message::new().text("0123456789").text(&"x".repeat(300));
        assert_eq!(message.as_str().len(), Message::CAPACITY);
    }
}
