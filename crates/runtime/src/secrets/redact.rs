//! Taking secrets out of text, also where a form of one is split over reads.
//!
//! Promise: no byte of a form of a secret is passed on, however the text is cut; what cannot be a part of one is passed
//! on at once. At most as much as the longest form is held back. Absent: what the forms are ([`super::encodings`]).

use std::borrow::Cow;
use std::io::{self, Read};
use std::sync::Arc;

use aho_corasick::AhoCorasick;
use engine::secret::redacted;
use ir::value::{FileRef, Value};
use zeroize::{Zeroize, Zeroizing};

use super::encodings::Forms;

/// Knows all forms of the secrets of a run.
#[derive(Default)]
pub struct Redactor {
    plain: Option<Needles>,
    /// Forms that programs break into lines: looked for in the text without line breaks.
    wrapped: Option<Needles>,
    /// What stands for each secret.
    marks: Vec<String>,
}

struct Needles {
    automaton: AhoCorasick,
    forms: Vec<Zeroizing<Vec<u8>>>,
    /// Whose form it is.
    owners: Vec<usize>,
    by_first: Vec<Vec<usize>>,
    len_max: usize,
}

/// A part of a text that is a form of a secret, or several that overlap.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
    /// Absent: it goes on from what was taken out before.
    owner: Option<usize>,
}

impl Redactor {
    pub fn new<'a>(secrets: impl Iterator<Item = (&'a str, &'a str)>) -> Self {
        let (mut plain, mut wrapped, mut marks) = (Vec::new(), Vec::new(), Vec::new());
        for (owner, (name, value)) in secrets.enumerate() {
            let forms = Forms::of(value);
            plain.extend(forms.plain.into_iter().map(|form| (form, owner)));
            wrapped.extend(forms.wrapped.into_iter().map(|form| (form, owner)));
            marks.push(redacted(name));
        }
        Self {
            plain: Needles::new(plain),
            wrapped: Needles::new(wrapped),
            marks,
        }
    }

    /// Whether there is anything to take out.
    pub fn is_idle(&self) -> bool {
        self.marks.is_empty()
    }

    pub fn text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        if self.is_idle() {
            return Cow::Borrowed(text);
        }
        let redacted = self.bytes(text.as_bytes());
        if redacted == text.as_bytes() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(String::from_utf8(redacted).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into()))
    }

    fn bytes(&self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len());
        self.emit(text, 0, text.len(), &mut out);
        out
    }

    /// All text of a value. Values are nested at most 100 deep, so this may recurse.
    pub fn value(&self, value: Value) -> Value {
        if self.is_idle() {
            return value;
        }
        match value {
            Value::String(text) => Value::String(self.text(&text).into()),
            Value::File(file) => Value::File(FileRef {
                path: self.text(&file.path).into(),
                ..file
            }),
            Value::List(items) => Value::List(items.into_iter().map(|item| self.value(item)).collect()),
            Value::Record(fields) => Value::Record(
                fields
                    .into_iter()
                    .map(|(name, field)| (self.text(&name).into(), self.value(field)))
                    .collect(),
            ),
            other => other,
        }
    }

    /// Passes on `text[..until]`, of which `covered` bytes were taken out before; returns how many bytes behind `until`
    /// were, too.
    fn emit(&self, text: &[u8], covered: usize, until: usize, out: &mut Vec<u8>) -> usize {
        let mut at = 0;
        for span in self.spans(text, covered) {
            if span.start >= until {
                break;
            }
            out.extend_from_slice(&text[at..span.start]);
            if let Some(owner) = span.owner {
                out.extend_from_slice(self.marks[owner].as_bytes());
            }
            at = span.end;
        }
        if at < until {
            out.extend_from_slice(&text[at..until]);
        }
        at.saturating_sub(until)
    }

    /// In order, and none overlaps another.
    fn spans(&self, text: &[u8], covered: usize) -> Vec<Span> {
        let mut found = Vec::new();
        if covered > 0 {
            found.push(Span {
                start: 0,
                end: covered,
                owner: None,
            });
        }
        if let Some(needles) = &self.plain {
            needles.find(text, |start, end, owner| {
                found.push(Span {
                    start,
                    end,
                    owner: Some(owner),
                })
            });
        }
        if let Some(needles) = &self.wrapped {
            let squeezed = Squeezed::new(text);
            needles.find(&squeezed.bytes, |start, end, owner| {
                found.push(Span {
                    start: squeezed.at[start],
                    end: squeezed.at[end - 1] + 1,
                    owner: Some(owner),
                });
            });
        }
        found.sort_by_key(|span| (span.start, span.owner.is_some(), std::cmp::Reverse(span.end)));
        let mut merged: Vec<Span> = Vec::new();
        for span in found {
            match merged.last_mut() {
                Some(last) if span.start < last.end => last.end = last.end.max(span.end),
                _ => merged.push(span),
            }
        }
        merged
    }

    /// Where the end of a text begins that may go on as a form of a secret.
    fn open_end(&self, text: &[u8]) -> usize {
        let plain = self.plain.as_ref().map_or(text.len(), |needles| needles.open_end(text));
        let Some(needles) = &self.wrapped else { return plain };
        // no more than the longest form is looked at, and its line breaks
        let from = end_without_breaks(text, needles.len_max);
        let squeezed = Squeezed::new(&text[from..]);
        let at = needles.open_end(&squeezed.bytes);
        plain.min(squeezed.at.get(at).map_or(text.len(), |at| from + at))
    }
}

impl Needles {
    fn new(forms: Vec<(Zeroizing<Vec<u8>>, usize)>) -> Option<Self> {
        let (forms, owners): (Vec<_>, Vec<_>) = forms.into_iter().unzip();
        let len_max = forms.iter().map(|form| form.len()).max()?;
        let automaton = AhoCorasick::new(forms.iter().map(|form| form.as_slice())).ok()?;
        let mut by_first = vec![Vec::new(); 256];
        for (index, form) in forms.iter().enumerate() {
            by_first[usize::from(form[0])].push(index);
        }
        Some(Self {
            automaton,
            forms,
            owners,
            by_first,
            len_max,
        })
    }

    fn find(&self, text: &[u8], mut found: impl FnMut(usize, usize, usize)) {
        for it in self.automaton.find_overlapping_iter(text) {
            found(it.start(), it.end(), self.owners[it.pattern().as_usize()]);
        }
    }

    /// The first place from which the rest of the text is the beginning of a form, and not all of it.
    fn open_end(&self, text: &[u8]) -> usize {
        let from = text.len().saturating_sub(self.len_max - 1);
        (from..text.len())
            .find(|&at| {
                let rest = &text[at..];
                self.by_first[usize::from(rest[0])]
                    .iter()
                    .any(|&form| self.forms[form].len() > rest.len() && self.forms[form].starts_with(rest))
            })
            .unwrap_or(text.len())
    }
}

fn is_break(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

/// Where the last `count` bytes of a text begin, line breaks not counted.
fn end_without_breaks(text: &[u8], count: usize) -> usize {
    let kept = (0..text.len()).rev().filter(|&at| !is_break(text[at]));
    kept.take(count).last().unwrap_or(text.len())
}

/// A text without line breaks, and where its bytes were.
struct Squeezed {
    bytes: Zeroizing<Vec<u8>>,
    at: Vec<usize>,
}

impl Squeezed {
    fn new(text: &[u8]) -> Self {
        let kept = || (0..).zip(text).filter(|(_, byte)| !is_break(**byte));
        Self {
            bytes: Zeroizing::new(kept().map(|(_, byte)| *byte).collect()),
            at: kept().map(|(at, _)| at).collect(),
        }
    }
}

/// A stream from which secrets are taken out.
pub struct Redacting {
    redactor: Arc<Redactor>,
    /// What may be the beginning of a form.
    held: Zeroizing<Vec<u8>>,
    /// So many bytes of it belong to what was taken out already.
    covered: usize,
}

impl Redacting {
    pub fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            redactor,
            held: Zeroizing::new(Vec::new()),
            covered: 0,
        }
    }

    /// The part that can be passed on now.
    pub fn push<'t>(&mut self, bytes: &'t [u8]) -> Cow<'t, [u8]> {
        if self.redactor.is_idle() {
            return Cow::Borrowed(bytes);
        }
        self.held.extend_from_slice(bytes);
        let until = self.redactor.open_end(&self.held);
        Cow::Owned(self.pass_on(until))
    }

    /// What was held back: nothing follows.
    pub fn finish(&mut self) -> Vec<u8> {
        self.pass_on(self.held.len())
    }

    fn pass_on(&mut self, until: usize) -> Vec<u8> {
        let mut out = Vec::with_capacity(until);
        self.covered = self.redactor.emit(&self.held, self.covered, until, &mut out);
        let rest = Zeroizing::new(self.held[until..].to_vec());
        self.held.zeroize();
        self.held.extend_from_slice(&rest);
        out
    }
}

/// A reader whose text has no secrets.
pub struct Redacted<R> {
    inner: R,
    stream: Redacting,
    ready: Vec<u8>,
    taken: usize,
    ended: bool,
}

const READ_BYTES: usize = 1 << 16;

impl<R: Read> Redacted<R> {
    pub fn new(inner: R, redactor: Arc<Redactor>) -> Self {
        Self {
            inner,
            stream: Redacting::new(redactor),
            ready: Vec::new(),
            taken: 0,
            ended: false,
        }
    }
}

impl<R: Read> Read for Redacted<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.stream.redactor.is_idle() {
            return self.inner.read(out);
        }
        while self.taken == self.ready.len() && !self.ended {
            let mut buffer = Zeroizing::new(vec![0; READ_BYTES]);
            let n = self.inner.read(&mut buffer)?;
            self.ended = n == 0;
            self.ready = if self.ended {
                self.stream.finish()
            } else {
                self.stream.push(&buffer[..n]).into_owned()
            };
            self.taken = 0;
        }
        let n = (self.ready.len() - self.taken).min(out.len());
        out[..n].copy_from_slice(&self.ready[self.taken..self.taken + n]);
        self.taken += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "tok-4f9a/+secret";

    fn redactor() -> Arc<Redactor> {
        Arc::new(Redactor::new(
            [("token", TOKEN), ("longer", "tok-4f9a/+secret-and-more")].into_iter(),
        ))
    }

    fn in_pieces(text: &[u8], size: usize) -> String {
        let mut stream = Redacting::new(redactor());
        let mut out = Vec::new();
        for piece in text.chunks(size) {
            out.extend_from_slice(&stream.push(piece));
        }
        out.extend(stream.finish());
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn however_it_is_cut_the_result_is_the_same() {
        use base64::Engine as _;
        let encoded = base64::engine::general_purpose::STANDARD.encode(format!("user:{TOKEN}"));
        let (line, wrapped) = encoded.split_at(13);
        let text = format!("a {TOKEN}{TOKEN} b {TOKEN}-and-more c\n{line}\n{wrapped} tok-4f9 end");
        let whole = redactor().text(&text).into_owned();
        assert!(
            whole.starts_with("a [secret:token][secret:token] b [secret:"),
            "{whole}"
        );
        assert!(whole.ends_with(" tok-4f9 end"), "{whole}");
        assert_eq!(whole.matches("[secret:").count(), 4, "{whole}");
        assert!(!whole.contains("-and-more"), "{whole}");
        for size in 1..=text.len() {
            assert_eq!(in_pieces(text.as_bytes(), size), whole, "in pieces of {size}");
        }
        let mut read = String::new();
        Redacted::new(text.as_bytes(), redactor())
            .read_to_string(&mut read)
            .expect("read");
        assert_eq!(read, whole);
    }

    #[test]
    fn what_cannot_be_a_secret_is_not_held_back() {
        let mut stream = Redacting::new(redactor());
        assert_eq!(&*stream.push(b"waiting for the server\n"), b"waiting for the server\n");
        assert_eq!(&*stream.push(b"almost: tok-"), b"almost: ");
        assert_eq!(&*stream.push(b"ens\n"), b"tok-ens\n");
        assert_eq!(stream.finish(), b"");
    }

    #[test]
    fn a_secret_that_repeats_itself_is_never_held_for_ever() {
        let redactor = Arc::new(Redactor::new([("a", "aaaaaaaa")].into_iter()));
        let mut stream = Redacting::new(redactor);
        let mut out = Vec::new();
        for _ in 0..1000 {
            out.extend_from_slice(&stream.push(&[b'a'; 100]));
            assert!(stream.held.len() < 100);
        }
        out.extend_from_slice(&stream.push(b"b"));
        out.extend(stream.finish());
        assert_eq!(String::from_utf8(out).expect("text"), "[secret:a]b");
    }

    #[test]
    fn without_secrets_nothing_is_copied() {
        let mut stream = Redacting::new(Arc::default());
        assert!(matches!(stream.push(b"text"), Cow::Borrowed(b"text")));
        assert!(matches!(Redactor::default().text("text"), Cow::Borrowed("text")));
    }
}
