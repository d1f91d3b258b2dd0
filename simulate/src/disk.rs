//! A disk that fails as disks do: writes are torn, what was not synced is lost, syncs fail, there is no room, bits flip.
//!
//! Clones are the same disk. Absent: time.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use store::Medium;

use crate::generate::Rng;

#[derive(Clone, Default)]
pub struct Disk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// What the system holds of the file.
    bytes: Vec<u8>,
    /// So much of it is there after a loss of power.
    synced: usize,
    /// The next operation fails in this way.
    fault: Option<Fault>,
}

/// How the next write or sync goes wrong; the driver does not survive it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    /// The driver dies between the write and the sync.
    DieBeforeSync,
    /// It dies in the middle of the write.
    DieWhileWriting { written: usize },
    /// There is room for so many bytes.
    Full { room: usize },
    /// The system reports that it could not sync.
    FailedSync,
}

impl Disk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }

    pub fn fail_next(&self, fault: Fault) {
        self.state().fault = Some(fault);
    }

    /// Everything that was written would survive a loss of power.
    pub fn is_synced(&self) -> bool {
        let state = self.state();
        state.synced == state.bytes.len()
    }

    /// What the driver left is on disk by the time somebody looks.
    pub fn settle(&self) {
        let mut state = self.state();
        state.synced = state.bytes.len();
        state.fault = None;
    }

    /// The power goes: of what was not synced some is there, none, or its end without its middle.
    pub fn lose_power(&self, rng: &mut Rng) {
        let mut state = self.state();
        let synced = state.synced;
        let kept = synced + rng.below(state.bytes.len() - synced + 1);
        state.bytes.truncate(kept);
        if kept > synced && rng.percent(30) {
            let hole = synced + rng.below(kept - synced);
            let end = hole + rng.below(kept - hole + 1);
            state.bytes[hole..end].fill(0);
        }
        drop(state);
        self.settle();
    }

    /// Turns one bit of the first bytes over; says where.
    pub fn flip(&self, rng: &mut Rng, within: usize) -> Option<usize> {
        let mut state = self.state();
        let within = within.min(state.bytes.len());
        let at = (within > 0).then(|| rng.below(within))?;
        state.bytes[at] ^= 1 << rng.below(8);
        Some(at)
    }

    pub fn set(&self, bytes: Vec<u8>) {
        self.state().bytes = bytes;
        self.settle();
    }
}

impl Medium for Disk {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.state();
        match state.fault {
            Some(Fault::DieWhileWriting { written }) => {
                state.bytes.extend_from_slice(&bytes[..written.min(bytes.len())]);
                Err(io::Error::other("the driver died"))
            }
            Some(Fault::Full { room }) => {
                state.bytes.extend_from_slice(&bytes[..room.min(bytes.len())]);
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => {
                state.bytes.extend_from_slice(bytes);
                Ok(())
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.state();
        match state.fault {
            Some(Fault::DieBeforeSync) => Err(io::Error::other("the driver died")),
            Some(Fault::FailedSync) => Err(io::Error::other("the disk could not sync")),
            _ => {
                state.synced = state.bytes.len();
                Ok(())
            }
        }
    }

    fn set_len(&mut self, len: u64) -> io::Result<()> {
        let mut state = self.state();
        let len = usize::try_from(len).map_err(io::Error::other)?;
        state.bytes.truncate(len);
        state.synced = state.synced.min(len);
        Ok(())
    }
}
