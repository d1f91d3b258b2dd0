//! What a journal is written to: a file, or in simulations something that fails as disks do.

use std::fs::File;
use std::io::{self, Write};

/// Bytes that only grow at their end, but for a torn one that is cut.
pub trait Medium: Send {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Makes what was appended survive a loss of power.
    fn sync(&mut self) -> io::Result<()>;

    fn set_len(&mut self, len: u64) -> io::Result<()>;
}

/// Opened to append.
impl Medium for File {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        Self::set_len(self, len)
    }
}
