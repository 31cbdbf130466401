//! Messages that are too long, passed over before anybody keeps them.
//!
//! The library below ends a connection at a message beyond its limit, and a source that says the same
//! again on the next connection would never be got past. So what comes in goes through here first: frames
//! are followed by their headers alone, and in the place of a message that is too long stands a pong that
//! says how long it was. A pong may stand between any two frames, and nobody is misled by one: whoever
//! sends it could as well send the long message.

use std::mem;

use bytes::{Buf as _, BytesMut};
use sha2::{Digest as _, Sha256};
use tokio::io::ReadBuf;

/// How the pong begins that stands for a message.
const MARK: &[u8; 8] = b"too long";
/// After so many bytes of a message that is passed over an empty pong says that the other side lives.
const LIFE: u64 = 1024 * 1024;
/// The longest control frame (RFC 6455, section 5.5).
const LONGEST_CONTROL: u64 = 125;

const LAST: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const PONG: u8 = LAST | 0xa;

/// The bytes of one connection on their way to the library.
pub(super) struct Skim {
    /// The longest message that goes through.
    limit: u64,
    /// The longest that is passed over; the library refuses what is longer.
    most: u64,
    at: At,
    /// What came of a header.
    header: Vec<u8>,
    message: Message,
    out: BytesMut,
}

/// What comes next.
enum At {
    /// The answer to the handshake: its first line so far, and how much of its end.
    Head { line: Vec<u8>, newlines: u8 },
    /// The header of a frame.
    Header,
    /// What a frame holds: so many bytes are left, and whether it is its message's last.
    Payload { left: u64, to: To, is_last: bool },
    /// Whatever it is, the library shall judge it.
    Raw,
}

#[derive(Clone, Copy)]
enum To {
    Through,
    Message,
}

/// A message that did not come in one frame, or is too long.
enum Message {
    None,
    /// Kept together until it is whole: at most as much as the limit.
    Collected {
        first: u8,
        payload: Vec<u8>,
    },
    Skipped {
        bytes: u64,
        hash: Sha256,
    },
}

/// What stands in for a message.
pub(super) struct Skipped {
    pub(super) bytes: u64,
    pub(super) sha256: [u8; 32],
}

impl Skipped {
    /// What a pong says, if it is one of those made here.
    pub(super) fn read(pong: &[u8]) -> Option<Self> {
        let (bytes, sha256) = pong.strip_prefix(MARK)?.split_first_chunk()?;
        Some(Self {
            bytes: u64::from_be_bytes(*bytes),
            sha256: sha256.try_into().ok()?,
        })
    }
}

impl Skim {
    pub(super) fn new(limit: usize, most: u64) -> Self {
        Self {
            limit: limit as u64,
            most,
            at: At::Head {
                line: Vec::new(),
                newlines: 0,
            },
            header: Vec::new(),
            message: Message::None,
            out: BytesMut::new(),
        }
    }

    /// Gives as much as there is and fits; whether there was anything.
    pub(super) fn give(&mut self, to: &mut ReadBuf<'_>) -> bool {
        let length = self.out.len().min(to.remaining());
        to.put_slice(&self.out[..length]);
        self.out.advance(length);
        length > 0
    }

    /// Takes what came.
    pub(super) fn take(&mut self, mut came: &[u8]) {
        while let Some((first, rest)) = came.split_first() {
            match &mut self.at {
                At::Head { .. } => {
                    self.head(*first);
                    came = rest;
                }
                At::Header => {
                    self.header.push(*first);
                    came = rest;
                    if let Some(length) = length(&self.header) {
                        let header = mem::take(&mut self.header);
                        self.begin(&header, length);
                    }
                }
                At::Payload { left, .. } => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX).min(came.len());
                    let (payload, rest) = came.split_at(here);
                    self.payload(payload);
                    came = rest;
                }
                At::Raw => {
                    self.out.extend_from_slice(came);
                    return;
                }
            }
        }
    }

    /// One byte of the answer to the handshake: frames follow only if it is the right one.
    fn head(&mut self, byte: u8) {
        self.out.extend_from_slice(&[byte]);
        let At::Head { line, newlines } = &mut self.at else {
            return;
        };
        match byte {
            b'\n' => *newlines += 1,
            b'\r' => {}
            _ => *newlines = 0,
        }
        // "HTTP/1.1 101"
        if line.len() < 12 {
            line.push(byte);
        }
        if *newlines == 2 {
            self.at = match line.ends_with(b" 101") {
                true => At::Header,
                false => At::Raw,
            };
        }
    }

    /// A frame begins.
    fn begin(&mut self, header: &[u8], length: u64) {
        let (first, second) = (header[0], header[1]);
        let is_last = first & LAST != 0;
        let is_strange = first & RESERVED != 0 || second & MASKED != 0;
        let to = match first & OPCODE {
            _ if is_strange => None,
            0x8.. => (length <= LONGEST_CONTROL).then_some(To::Through),
            0 => self.goes_on(length),
            _ => self.starts(first, length),
        };
        let Some(to) = to else {
            return self.leave(header);
        };
        if let To::Through = to {
            self.out.extend_from_slice(header);
        }
        self.at = At::Payload {
            left: length,
            to,
            is_last,
        };
        self.payload(&[]);
    }

    /// A message starts with this frame; none if the library shall refuse it.
    fn starts(&mut self, first: u8, length: u64) -> Option<To> {
        let Message::None = self.message else {
            return None;
        };
        if length > self.limit {
            if length > self.most {
                return None;
            }
            let (bytes, hash) = (0, Sha256::new());
            self.message = Message::Skipped { bytes, hash };
            return Some(To::Message);
        }
        if first & LAST != 0 {
            return Some(To::Through);
        }
        let payload = Vec::new();
        self.message = Message::Collected { first, payload };
        Some(To::Message)
    }

    /// A message goes on with a frame so long; none if the library shall refuse it.
    fn goes_on(&mut self, length: u64) -> Option<To> {
        match &mut self.message {
            Message::None => return None,
            Message::Skipped { bytes, .. } => {
                if bytes.saturating_add(length) > self.most {
                    return None;
                }
            }
            Message::Collected { payload, .. } => {
                let bytes = payload.len() as u64;
                let whole = bytes.saturating_add(length);
                if whole > self.limit {
                    if whole > self.most {
                        return None;
                    }
                    let hash = Sha256::new_with_prefix(payload);
                    self.message = Message::Skipped { bytes, hash };
                }
            }
        }
        Some(To::Message)
    }

    /// A part of what a frame holds.
    fn payload(&mut self, part: &[u8]) {
        let At::Payload { left, to, is_last } = &mut self.at else {
            return;
        };
        *left -= part.len() as u64;
        let (is_whole, to, is_last) = (*left == 0, *to, *is_last);
        match (to, &mut self.message) {
            (To::Through, _) => self.out.extend_from_slice(part),
            (To::Message, Message::Collected { payload, .. }) => payload.extend_from_slice(part),
            (To::Message, Message::Skipped { bytes, hash }) => {
                hash.update(part);
                let before = *bytes / LIFE;
                *bytes += part.len() as u64;
                if *bytes / LIFE > before {
                    self.put(PONG, &[]);
                }
            }
            (To::Message, Message::None) => {}
        }
        if is_whole {
            self.at = At::Header;
            if let (To::Message, true) = (to, is_last) {
                self.end();
            }
        }
    }

    /// A message is whole.
    fn end(&mut self) {
        match mem::replace(&mut self.message, Message::None) {
            Message::None => {}
            Message::Collected { first, payload } => self.put(first | LAST, &payload),
            Message::Skipped { bytes, hash } => {
                let sha256: [u8; 32] = hash.finalize().into();
                let said = [&MARK[..], &bytes.to_be_bytes(), &sha256].concat();
                self.put(PONG, &said);
            }
        }
    }

    /// From here on everything goes through as it comes, with what was kept back.
    fn leave(&mut self, header: &[u8]) {
        if let Message::Collected { first, payload } =
            mem::replace(&mut self.message, Message::None)
        {
            self.put(first, &payload);
        }
        self.out.extend_from_slice(header);
        self.at = At::Raw;
    }

    /// Gives a frame.
    fn put(&mut self, first: u8, payload: &[u8]) {
        self.out.extend_from_slice(&[first]);
        match (u8::try_from(payload.len()), u16::try_from(payload.len())) {
            (Ok(length @ ..126), _) => self.out.extend_from_slice(&[length]),
            (_, Ok(length)) => {
                self.out.extend_from_slice(&[126]);
                self.out.extend_from_slice(&length.to_be_bytes());
            }
            (_, Err(_)) => {
                self.out.extend_from_slice(&[127]);
                let length = payload.len() as u64;
                self.out.extend_from_slice(&length.to_be_bytes());
            }
        }
        self.out.extend_from_slice(payload);
    }
}

/// How long the frame is, once enough of its header has come.
fn length(header: &[u8]) -> Option<u64> {
    match header.get(1)? & !MASKED {
        126 => {
            let length = header.get(2..)?.first_chunk()?;
            Some(u16::from_be_bytes(*length).into())
        }
        127 => header
            .get(2..)?
            .first_chunk()
            .map(|length| u64::from_be_bytes(*length)),
        short => Some(short.into()),
    }
}

#[cfg(test)]
mod tests;
