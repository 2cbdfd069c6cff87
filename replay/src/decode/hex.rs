//! Hex as people and logs write it: either case, with or without spaces between bytes.

/// Not a hex digit, or half a byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotHex;

/// Replaces `out` with the bytes that `text` spells.
pub(super) fn decode(text: &[u8], out: &mut Vec<u8>) -> Result<(), NotHex> {
    out.clear();
    let mut rest = text;
    loop {
        match rest {
            [] => return Ok(()),
            [space, after @ ..] if space.is_ascii_whitespace() => rest = after,
            [high, low, after @ ..] => {
                let (high, low) = (VALUE[usize::from(*high)], VALUE[usize::from(*low)]);
                if high | low > 0x0F {
                    return Err(NotHex);
                }
                out.push(high << 4 | low);
                rest = after;
            }
            [_] => return Err(NotHex),
        }
    }
}

/// The value of each digit; above 15 for everything else.
const VALUE: [u8; 256] = {
    let mut table = [0xFF; 256];
    let mut value = 0;
    while value < 16 {
        table[b"0123456789abcdef"[value] as usize] = value as u8;
        table[b"0123456789ABCDEF"[value] as usize] = value as u8;
        value += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(text: &str) -> Result<Vec<u8>, NotHex> {
        let mut out = vec![9];
        decode(text.as_bytes(), &mut out).map(|()| out)
    }

    #[test]
    fn either_case_and_spaces_between_bytes() {
        assert_eq!(bytes("01aBCd"), Ok(vec![0x01, 0xAB, 0xCD]));
        assert_eq!(bytes(" 01 aB\tCd "), Ok(vec![0x01, 0xAB, 0xCD]));
        assert_eq!(bytes(""), Ok(vec![]));
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["0", "0g", "g0", "0x01", "01 2", "0 1", "é0"] {
            assert_eq!(bytes(text), Err(NotHex), "{text}");
        }
    }
}
