//! The text of a document, and where its lines start: offsets to the protocol's positions and back.
//!
//! A position beyond the end of its line, or of the document, means that end; one inside a character means the
//! character's start. So every position is one in the text, whatever the client sends. Lines end as the protocol has it: at
//! `\n`, `\r\n` and a `\r` alone. dsl-syntax's `LineIndex` is for texts that stay as they are; this one is edited in place.

use std::ops::Range;

/// What the protocol counts in a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) enum Encoding {
    Utf8,
    /// What every client can do.
    #[default]
    Utf16,
}

/// A place as the protocol has it: line and column from 0, the column in units of an [`Encoding`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Place {
    pub line: u32,
    pub column: u32,
}

#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Text {
    text: String,
    /// Offsets of the lines' first bytes; the first is 0.
    line_starts: Vec<usize>,
}

impl Text {
    pub(crate) fn new(text: String) -> Self {
        let line_starts = std::iter::once(0).chain(starts_in(&text, 1..text.len() + 1)).collect();
        Self { text, line_starts }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    /// Replaces a range that starts and ends at characters. Costs what is changed and a walk over the lines below it.
    pub(crate) fn replace(&mut self, range: Range<usize>, new: &str) {
        // Whether a line starts at an offset shows in the bytes around it, so it may do so anew at both ends of what is
        // replaced.
        let first = self.line_starts.partition_point(|start| *start < range.start).max(1);
        let end = self.line_starts.partition_point(|start| *start <= range.end).max(1);
        for start in &mut self.line_starts[end..] {
            *start = *start - range.len() + new.len();
        }
        self.text.replace_range(range.clone(), new);
        let changed = range.start.max(1)..range.start + new.len() + 1;
        self.line_starts.splice(first..end, starts_in(&self.text, changed));
    }

    /// The offset of a place; the nearest one before it if there is no such place.
    pub(crate) fn offset(&self, place: Place, encoding: Encoding) -> usize {
        let Some(start) = self.line_starts.get(place.line as usize) else {
            return self.text.len();
        };
        let line = self.line(place.line as usize);
        let mut left = place.column as usize;
        for (at, char) in line.char_indices() {
            let units = encoding.units(char);
            if left < units {
                return start + at;
            }
            left -= units;
        }
        start + line.len()
    }

    /// The place of an offset; beyond the end, the end.
    pub(crate) fn place(&self, offset: usize, encoding: Encoding) -> Place {
        let offset = floor_char_boundary(&self.text, offset);
        let line = self.line_starts.partition_point(|start| *start <= offset) - 1;
        self.place_in(line, offset, encoding)
    }

    fn place_in(&self, line: usize, offset: usize, encoding: Encoding) -> Place {
        let before = &self.text[self.line_starts[line]..offset];
        let column: usize = match encoding {
            Encoding::Utf8 => before.len(),
            Encoding::Utf16 => before.chars().map(char::len_utf16).sum(),
        };
        Place {
            line: line as u32,
            column: column as u32,
        }
    }

    /// The places of offsets that come in order: each costs the way from the one before.
    pub(crate) fn walk(&self, encoding: Encoding) -> Walk<'_> {
        Walk {
            text: self,
            encoding,
            line: 0,
        }
    }

    /// A line without its end.
    fn line(&self, line: usize) -> &str {
        let end = self.line_starts.get(line + 1).copied().unwrap_or(self.text.len());
        let line = &self.text[self.line_starts[line]..end];
        let end = ["\r\n", "\n", "\r"].into_iter().find_map(|end| line.strip_suffix(end));
        end.unwrap_or(line)
    }
}

/// See [`Text::walk`].
pub(crate) struct Walk<'t> {
    text: &'t Text,
    encoding: Encoding,
    /// Of the offset before.
    line: usize,
}

impl Walk<'_> {
    /// The same as [`Text::place`]; only slower, if the offset lies above the one before.
    pub(crate) fn place(&mut self, offset: usize) -> Place {
        let starts = &self.text.line_starts;
        let offset = floor_char_boundary(&self.text.text, offset);
        if starts[self.line] > offset {
            self.line = 0;
        }
        while starts.get(self.line + 1).is_some_and(|start| *start <= offset) {
            self.line += 1;
        }
        self.text.place_in(self.line, offset, self.encoding)
    }
}

impl Encoding {
    fn units(self, char: char) -> usize {
        match self {
            Self::Utf8 => char.len_utf8(),
            Self::Utf16 => char.len_utf16(),
        }
    }
}

/// The start of the character at `offset`.
pub(crate) fn floor_char_boundary(text: &str, offset: usize) -> usize {
    (0..=offset.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or_default()
}

/// Offsets in a range, none of them 0, at which a line starts.
fn starts_in(text: &str, range: Range<usize>) -> impl Iterator<Item = usize> {
    let bytes = text.as_bytes();
    range.filter(|&at| match bytes.get(at - 1) {
        Some(b'\n') => true,
        Some(b'\r') => bytes.get(at) != Some(&b'\n'),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(line: u32, column: u32) -> Place {
        Place { line, column }
    }

    #[test]
    fn columns_are_counted_in_the_encoding() {
        let text = Text::new("a😀é\r\nb".to_owned());
        for (encoding, after_face, after_e) in [(Encoding::Utf16, 3, 4), (Encoding::Utf8, 5, 7)] {
            assert_eq!(text.offset(place(0, after_face), encoding), 5);
            assert_eq!(text.offset(place(0, after_e), encoding), 7);
            assert_eq!(text.place(5, encoding), place(0, after_face));
            assert_eq!(text.place(9, encoding), place(1, 0));
        }
    }

    #[test]
    fn places_outside_the_text_are_moved_into_it() {
        let text = Text::new("a😀\r\nb".to_owned());
        assert_eq!(text.offset(place(0, 99), Encoding::Utf16), 5, "before the line's end");
        assert_eq!(text.offset(place(0, 2), Encoding::Utf16), 1, "inside a character");
        assert_eq!(text.offset(place(1, u32::MAX), Encoding::Utf16), 8);
        assert_eq!(text.offset(place(u32::MAX, 0), Encoding::Utf16), 8);
        assert_eq!(text.place(3, Encoding::Utf16), place(0, 1));
        assert_eq!(text.place(1000, Encoding::Utf16), place(1, 1));
        assert_eq!(Text::new(String::new()).offset(place(3, 3), Encoding::Utf8), 0);
    }

    #[test]
    fn a_walk_gives_the_places_of_offsets_in_any_order() {
        let text = Text::new("a😀é\r\nb\n\nccc".to_owned());
        let mut walk = text.walk(Encoding::Utf16);
        for offset in (0..20).chain([3, 0, 12, 9]) {
            assert_eq!(walk.place(offset), text.place(offset, Encoding::Utf16), "{offset}");
        }
    }

    #[test]
    fn a_carriage_return_ends_a_line_unless_a_line_feed_follows() {
        let mut text = Text::new("a\rb\r\nc".to_owned());
        assert_eq!(text.place(2, Encoding::Utf16), place(1, 0));
        assert_eq!(text.place(5, Encoding::Utf16), place(2, 0));
        assert_eq!(text.offset(place(0, 9), Encoding::Utf16), 1, "before the line's end");
        assert_eq!(text.offset(place(1, 9), Encoding::Utf16), 3, "before both of its bytes");
        text.replace(2..2, "\n");
        assert_eq!(text.place(3, Encoding::Utf16), place(1, 0), "the two are one end now");
    }

    #[test]
    fn a_text_after_edits_is_the_text_made_anew() {
        let mut text = Text::new("task a\n  run: |\n    echo 😀\n".to_owned());
        let pieces = [
            "",
            "\n",
            "\r",
            "x",
            "é\n\n",
            "\r\n",
            "\r\r",
            "😀",
            "task b\n  needs: a\n",
        ];
        let mut random = 12_345_usize;
        for _ in 0..2_000 {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let bound = text.as_str().len() + 1;
            let (a, b) = ((random >> 20) % bound, (random >> 33) % bound);
            let from = floor_char_boundary(text.as_str(), a.min(b));
            let to = floor_char_boundary(text.as_str(), a.max(b).min(a.min(b) + 9));
            text.replace(from..to.max(from), pieces[(random >> 48) % pieces.len()]);
            assert_eq!(text, Text::new(text.as_str().to_owned()));
        }
    }
}
