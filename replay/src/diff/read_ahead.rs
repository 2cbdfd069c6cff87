//! Reads the output of a process ahead of who needs it, so that the process does not wait whenever the other one is slower:
//! a pipe alone holds 64 KiB.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

/// Bytes that are read at once.
pub(super) const BLOCK_BYTES: usize = 1 << 18;
/// Blocks that are read ahead; then the process waits.
const MAX_BLOCKS: usize = 32;

/// What a thread reads from a process.
pub(super) struct ReadAhead {
    blocks: Receiver<io::Result<Vec<u8>>>,
    block: Vec<u8>,
    read: usize,
}

impl ReadAhead {
    /// Starts the thread. It ends with the output, with an error, or when nobody reads it any more.
    ///
    /// # Errors
    /// The system has no thread left.
    pub(super) fn of(mut output: impl Read + Send + 'static) -> io::Result<Self> {
        let (sender, blocks) = sync_channel(MAX_BLOCKS);
        thread::Builder::new().name("read-ahead".to_owned()).spawn(move || {
            loop {
                let block = read_block(&mut output);
                let is_last = !matches!(&block, Ok(block) if !block.is_empty());
                if sender.send(block).is_err() || is_last {
                    break;
                }
            }
        })?;
        Ok(Self { blocks, block: Vec::new(), read: 0 })
    }
}

/// A full block, or what is left; empty at the end.
fn read_block(output: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut block = Vec::with_capacity(BLOCK_BYTES);
    output.by_ref().take(BLOCK_BYTES as u64).read_to_end(&mut block)?;
    Ok(block)
}

impl Read for ReadAhead {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.read == self.block.len() {
            // The thread sends an empty block before it ends.
            self.block = self.blocks.recv().unwrap_or_else(|_| Ok(Vec::new()))?;
            self.read = 0;
        }
        let count = into.len().min(self.block.len() - self.read);
        into[..count].copy_from_slice(&self.block[self.read..self.read + count]);
        self.read += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_arrive_in_order() {
        let bytes: Vec<u8> = (0..3 * BLOCK_BYTES + 17).map(|i| (i % 251) as u8).collect();
        let mut read = Vec::new();
        ReadAhead::of(io::Cursor::new(bytes.clone())).expect("a thread").read_to_end(&mut read).expect("no error");
        assert!(read == bytes);
    }

    #[test]
    fn an_error_arrives_behind_what_was_read() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("broken"))
            }
        }
        let mut ahead = ReadAhead::of(io::Cursor::new(vec![7; BLOCK_BYTES]).chain(Broken)).expect("a thread");
        let mut block = vec![0; BLOCK_BYTES];
        ahead.read_exact(&mut block).expect("the block before");
        assert_eq!(ahead.read(&mut block).expect_err("an error").to_string(), "broken");
    }
}
