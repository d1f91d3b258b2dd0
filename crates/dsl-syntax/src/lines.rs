//! Bytes to text, and offsets to lines and columns.

use std::fmt;

use crate::FILE_BYTES_MAX;

/// May stand before the text of a file.
pub const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Why bytes are no plan text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DecodeError {
    /// The first byte that is no UTF-8: its offset in the file, and in what follows a byte order mark.
    NotUtf8 {
        offset: usize,
        text_offset: usize,
    },
    FileTooLarge {
        bytes: usize,
    },
}

impl DecodeError {
    /// The diagnostic rule it breaks.
    pub const fn rule(self) -> &'static str {
        match self {
            Self::NotUtf8 { .. } => "not-utf8",
            Self::FileTooLarge { .. } => "file-too-large",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotUtf8 { offset, .. } => write!(f, "byte {offset} is not UTF-8, expected a text file in UTF-8"),
            Self::FileTooLarge { bytes } => {
                write!(f, "the file has {bytes} bytes, expected at most {FILE_BYTES_MAX}")
            }
        }
    }
}

impl std::error::Error for DecodeError {}

/// The text of a file. A byte order mark at its start is left out of the text.
pub fn decode(bytes: &[u8]) -> Result<&str, DecodeError> {
    if bytes.len() > FILE_BYTES_MAX {
        return Err(DecodeError::FileTooLarge { bytes: bytes.len() });
    }
    let rest = bytes.strip_prefix(BYTE_ORDER_MARK.as_bytes()).unwrap_or(bytes);
    std::str::from_utf8(rest).map_err(|error| DecodeError::NotUtf8 {
        offset: bytes.len() - rest.len() + error.valid_up_to(),
        text_offset: error.valid_up_to(),
    })
}

/// Where the lines of a text start. Lines and columns count from 0.
///
/// A place costs the same however long its line is: all of a text may stand on one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LineIndex {
    text: Box<str>,
    starts: Vec<u32>,
    /// What stands before every [`BYTES_A_MARK`]th byte.
    marks: Vec<Passed>,
}

const BYTES_A_MARK: usize = 256;

/// Characters, and UTF-16 units, up to some place.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
struct Passed {
    chars: u32,
    units: u32,
}

impl Passed {
    /// With more bytes, whether or not they end inside of a character.
    fn with(self, bytes: &[u8]) -> Self {
        let count = |is: fn(&u8) -> bool| bytes.iter().filter(|byte| is(byte)).count() as u32;
        let chars = count(|byte| byte & 0xc0 != 0x80);
        let pairs = count(|byte| *byte >= 0xf0);
        Self {
            chars: self.chars + chars,
            units: self.units + chars + pairs,
        }
    }
}

impl LineIndex {
    pub fn new(text: &str) -> Self {
        let ends = text
            .bytes()
            .enumerate()
            .filter(|(_, byte)| *byte == b'\n')
            .map(|(at, _)| at as u32 + 1);
        let marks = text
            .as_bytes()
            .chunks(BYTES_A_MARK)
            .scan(Passed::default(), |passed, bytes| {
                let before = *passed;
                *passed = passed.with(bytes);
                Some(before)
            });
        Self {
            starts: std::iter::once(0).chain(ends).collect(),
            marks: marks.collect(),
            text: text.into(),
        }
    }

    /// The number of lines; text that ends in a line feed has an empty last one.
    pub fn len(&self) -> u32 {
        self.starts.len() as u32
    }

    /// Never: even empty text has a line.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// The line that `offset` is in.
    pub fn line(&self, offset: u32) -> u32 {
        self.starts.partition_point(|start| *start <= offset) as u32 - 1
    }

    /// The offset of a line's first byte; of the text's end for lines beyond it.
    pub fn line_start(&self, line: u32) -> u32 {
        self.starts
            .get(line as usize)
            .copied()
            .unwrap_or(self.text.len() as u32)
    }

    /// A line without its line end.
    pub fn line_text(&self, line: u32) -> &str {
        let text = &self.text[self.line_start(line) as usize..self.line_start(line + 1) as usize];
        let text = text.strip_suffix('\n').unwrap_or(text);
        text.strip_suffix('\r').unwrap_or(text)
    }

    /// Line and column, counted in characters.
    pub fn line_col(&self, offset: u32) -> (u32, u32) {
        let (line, start, end) = self.around(offset);
        (line, end.chars - start.chars)
    }

    /// Line and column, counted in UTF-16 units as editors do.
    pub fn line_utf16(&self, offset: u32) -> (u32, u32) {
        let (line, start, end) = self.around(offset);
        (line, end.units - start.units)
    }

    /// The offset of a line and a column in characters; columns beyond the line are its end.
    pub fn offset(&self, line: u32, column: u32) -> u32 {
        self.seek(line, column, |_| 1)
    }

    /// The offset of a line and a column in UTF-16 units; inside a pair of units it is the character's start.
    pub fn offset_utf16(&self, line: u32, column: u32) -> u32 {
        self.seek(line, column, |c| c.len_utf16() as u32)
    }

    /// The line of an offset, and what has passed at its start and at the offset.
    fn around(&self, offset: u32) -> (u32, Passed, Passed) {
        let mut end = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let line = self.line(end as u32);
        (line, self.passed(self.line_start(line) as usize), self.passed(end))
    }

    fn passed(&self, offset: usize) -> Passed {
        let mark = offset / BYTES_A_MARK;
        match self.marks.get(mark) {
            Some(passed) => passed.with(&self.text.as_bytes()[mark * BYTES_A_MARK..offset]),
            // the end of a text of whole chunks
            None => self.marks.last().map_or_else(Passed::default, |last| {
                last.with(&self.text.as_bytes()[(self.marks.len() - 1) * BYTES_A_MARK..offset])
            }),
        }
    }

    fn seek(&self, line: u32, column: u32, width: impl Fn(char) -> u32) -> u32 {
        let start = self.line_start(line);
        if line >= self.len() {
            return start;
        }
        let mut passed = 0;
        for (at, char) in self.line_text(line).char_indices() {
            passed += width(char);
            if passed > column {
                return start + at as u32;
            }
        }
        start + self.line_text(line).len() as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_survive_the_way_there_and_back() {
        let text = "a\r\nβ𝄞c\n\n";
        let index = LineIndex::new(text);
        assert_eq!(index.len(), 4);
        for (offset, _) in text.char_indices().filter(|(_, c)| *c != '\r' && *c != '\n') {
            let offset = offset as u32;
            let (line, column) = index.line_col(offset);
            assert_eq!(index.offset(line, column), offset);
            let (line, column) = index.line_utf16(offset);
            assert_eq!(index.offset_utf16(line, column), offset);
        }
        assert_eq!(index.line_utf16(9), (1, 3));
        assert_eq!(
            index.offset_utf16(1, 2),
            index.offset_utf16(1, 1),
            "inside a surrogate pair"
        );
        assert_eq!(index.offset_utf16(1, 99), 10);
        assert_eq!(index.offset(99, 0), text.len() as u32);
    }

    #[test]
    fn columns_are_counted_over_marks() {
        let text = "aβ𝄞".repeat(BYTES_A_MARK);
        let index = LineIndex::new(&text);
        for (column, (offset, _)) in text.char_indices().enumerate() {
            assert_eq!(index.line_col(offset as u32), (0, column as u32));
            let units: usize = text[..offset].chars().map(char::len_utf16).sum();
            assert_eq!(index.line_utf16(offset as u32), (0, units as u32));
        }
        let whole = LineIndex::new(&"x".repeat(BYTES_A_MARK));
        assert_eq!(whole.line_col(BYTES_A_MARK as u32), (0, BYTES_A_MARK as u32));
    }

    #[test]
    fn bytes_are_refused_with_their_place() {
        assert_eq!(
            decode(b"ab\xff"),
            Err(DecodeError::NotUtf8 {
                offset: 2,
                text_offset: 2
            })
        );
        assert_eq!(decode("\u{feff}task a".as_bytes()), Ok("task a"));
        let large = vec![b' '; FILE_BYTES_MAX + 1];
        assert_eq!(decode(&large), Err(DecodeError::FileTooLarge { bytes: large.len() }));
    }
}
