//! What driver and supervisor say to each other: frames of a length and fields, on a stream socket.
//!
//! Names and values are bytes, as the system has them. Two descriptors travel with each [`Request::Spawn`], in the order of the
//! requests. The two ends are always the same binary, so there is no version.

use zeroize::{Zeroize, Zeroizing};

/// From the driver.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Request {
    Spawn(Spawn),
    /// SIGTERM now, SIGKILL after the grace period.
    Stop {
        id: u64,
        grace_ms: u64,
    },
}

/// What to start. The write ends of its stdout and stderr come along.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Spawn {
    /// The driver's number for it.
    pub id: u64,
    /// Absolute, so that nothing is searched here.
    pub program: Vec<u8>,
    /// What the program is called and its arguments.
    pub argv: Vec<Vec<u8>>,
    /// `NAME=VALUE` entries as the system takes them, each with a zero byte at its end. May hold secrets: wiped after use.
    pub env: Zeroizing<Vec<u8>>,
    /// Absolute.
    pub dir: Vec<u8>,
}

/// From the supervisor.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Reply {
    /// It is up, out of the terminal's reach, and inherits orphans.
    Ready,
    NotStarted {
        id: u64,
        errno: i32,
    },
    /// It ended, and nothing of it is left.
    Ended {
        id: u64,
        end: End,
        stopped: bool,
    },
}

/// How a process ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Exited(i32),
    Signalled(i32),
}

/// A frame that announces more is not ours: the system allows 2 MiB of arguments and environment, rarely more.
pub const FRAME_MAX_BYTES: usize = 64 << 20;

const LEN_BYTES: usize = 4;

impl Request {
    pub fn encode(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Encoder::with_room(self.room());
        match self {
            Self::Spawn(spawn) => {
                out.number(0);
                out.number(spawn.id);
                out.bytes(&spawn.program);
                out.number(spawn.argv.len() as u64);
                spawn.argv.iter().for_each(|arg| out.bytes(arg));
                out.bytes(&spawn.env);
                out.bytes(&spawn.dir);
            }
            Self::Stop { id, grace_ms } => {
                out.number(1);
                out.number(*id);
                out.number(*grace_ms);
            }
        }
        Zeroizing::new(out.finish())
    }

    /// As many bytes as it takes at most: growing would leave copies behind.
    fn room(&self) -> usize {
        const FIELDS: usize = 16 * 8;
        match self {
            Self::Stop { .. } => FIELDS,
            Self::Spawn(spawn) => {
                let args: usize = spawn.argv.iter().map(|arg| arg.len() + 8).sum();
                FIELDS + spawn.program.len() + args + spawn.env.len() + spawn.dir.len()
            }
        }
    }

    pub fn decode(frame: &[u8]) -> Option<Self> {
        let mut fields = Decoder { rest: frame };
        let request = match fields.number()? {
            0 => Self::Spawn(Spawn {
                id: fields.number()?,
                program: fields.bytes()?,
                argv: fields.list(Decoder::bytes)?,
                env: fields.bytes()?.into(),
                dir: fields.bytes()?,
            }),
            1 => Self::Stop {
                id: fields.number()?,
                grace_ms: fields.number()?,
            },
            _ => return None,
        };
        fields.rest.is_empty().then_some(request)
    }
}

impl Reply {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Encoder::new();
        match *self {
            Self::Ready => out.number(0),
            Self::NotStarted { id, errno } => {
                out.number(1);
                out.number(id);
                out.number(u64::from(errno.unsigned_abs()));
            }
            Self::Ended { id, end, stopped } => {
                out.number(2);
                out.number(id);
                let (kind, code) = match end {
                    End::Exited(code) => (0, code),
                    End::Signalled(signal) => (1, signal),
                };
                out.number(kind);
                out.number(u64::from(code.unsigned_abs()));
                out.number(u64::from(stopped));
            }
        }
        out.finish()
    }

    pub fn decode(frame: &[u8]) -> Option<Self> {
        let mut fields = Decoder { rest: frame };
        let reply = match fields.number()? {
            0 => Self::Ready,
            1 => Self::NotStarted {
                id: fields.number()?,
                errno: i32::try_from(fields.number()?).ok()?,
            },
            2 => {
                let id = fields.number()?;
                let kind = fields.number()?;
                let code = i32::try_from(fields.number()?).ok()?;
                let end = if kind == 0 {
                    End::Exited(code)
                } else {
                    End::Signalled(code)
                };
                Self::Ended {
                    id,
                    end,
                    stopped: fields.number()? != 0,
                }
            }
            _ => return None,
        };
        fields.rest.is_empty().then_some(reply)
    }
}

/// Collects bytes until frames are whole.
#[derive(Default)]
pub struct Frames {
    buffer: Vec<u8>,
    taken: usize,
}

impl Frames {
    pub fn push(&mut self, bytes: &[u8]) {
        // secrets may have been among them
        self.buffer[..self.taken].zeroize();
        self.buffer.drain(..self.taken);
        self.taken = 0;
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame; `Err` where the stream holds none of ours.
    pub fn next_frame(&mut self) -> Result<Option<&[u8]>, BadFrame> {
        let rest = &self.buffer[self.taken..];
        let Some((head, body)) = rest.split_first_chunk::<LEN_BYTES>() else {
            return Ok(None);
        };
        let len = u32::from_le_bytes(*head) as usize;
        if len > FRAME_MAX_BYTES {
            return Err(BadFrame);
        }
        if body.len() < len {
            return Ok(None);
        }
        let start = self.taken + LEN_BYTES;
        self.taken = start + len;
        Ok(Some(&self.buffer[start..start + len]))
    }
}

/// The other end does not speak this protocol.
#[derive(Debug)]
pub struct BadFrame;

struct Encoder {
    out: Vec<u8>,
}

impl Encoder {
    fn new() -> Self {
        Self::with_room(LEN_BYTES)
    }

    fn with_room(room: usize) -> Self {
        let mut out = Vec::with_capacity(room.max(LEN_BYTES));
        out.resize(LEN_BYTES, 0);
        Self { out }
    }

    fn number(&mut self, number: u64) {
        self.out.extend_from_slice(&number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.out.extend_from_slice(bytes);
    }

    fn finish(mut self) -> Vec<u8> {
        let len = (self.out.len() - LEN_BYTES) as u32;
        self.out[..LEN_BYTES].copy_from_slice(&len.to_le_bytes());
        self.out
    }
}

struct Decoder<'a> {
    rest: &'a [u8],
}

impl Decoder<'_> {
    fn number(&mut self) -> Option<u64> {
        let (head, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(u64::from_le_bytes(*head))
    }

    fn bytes(&mut self) -> Option<Vec<u8>> {
        let len = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(bytes.to_vec())
    }

    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let len = self.number()?;
        (0..len).map(|_| item(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_replies_survive_the_wire_in_any_pieces() {
        let requests = [
            Request::Spawn(Spawn {
                id: 7,
                program: b"/bin/sh".to_vec(),
                argv: vec![b"sh".to_vec(), b"-c".to_vec(), vec![0xff; 70_000]],
                env: b"A=\0B=b\0".to_vec().into(),
                dir: b"/".to_vec(),
            }),
            Request::Stop {
                id: u64::MAX,
                grace_ms: 0,
            },
        ];
        let bytes: Vec<u8> = requests.iter().flat_map(|request| request.encode().to_vec()).collect();
        let mut frames = Frames::default();
        let mut seen = Vec::new();
        for piece in bytes.chunks(999) {
            frames.push(piece);
            while let Some(frame) = frames.next_frame().expect("ours") {
                seen.push(Request::decode(frame).expect("whole"));
            }
        }
        assert_eq!(seen, requests);
        for reply in [
            Reply::Ready,
            Reply::NotStarted { id: 1, errno: 2 },
            Reply::Ended {
                id: 3,
                end: End::Signalled(9),
                stopped: true,
            },
        ] {
            let bytes = reply.encode();
            assert_eq!(Reply::decode(&bytes[LEN_BYTES..]), Some(reply));
        }
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let mut frames = Frames::default();
        frames.push(b"GET / HTTP/1.1");
        assert!(frames.next_frame().is_err());
        assert_eq!(Request::decode(&[9; 64]), None);
        assert_eq!(Request::decode(b""), None);
    }
}
