//! What the language calls equal, smaller and larger.
//!
//! Equality is structural and total: unlike kinds differ, an int and a float are equal when they are the same number.
//! Order exists within a kind only. Texts are ordered by character, except that two versions are ordered as versions.

use std::cmp::Ordering;

use super::Value;

impl Value {
    /// `==` of the language.
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Int(int), Self::Float(float)) | (Self::Float(float), Self::Int(int)) => {
                int_float(*int, *float) == Some(Ordering::Equal)
            }
            (Self::List(a), Self::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Self::Record(a), Self::Record(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|((k, a), (l, b))| k == l && a.same(b))
            }
            _ => self == other,
        }
    }

    /// `<` and its kin: `None` when the two have no order.
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Int(a), Self::Int(b))
            | (Self::Duration(a), Self::Duration(b))
            | (Self::Size(a), Self::Size(b))
            | (Self::Time(a), Self::Time(b)) => Some(a.cmp(b)),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b),
            (Self::Int(int), Self::Float(float)) => int_float(*int, *float),
            (Self::Float(float), Self::Int(int)) => int_float(*int, *float).map(Ordering::reverse),
            (Self::Money(a), Self::Money(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::String(a), Self::String(b)) => match (version(a), version(b)) {
                (Some(a), Some(b)) => Some(a.cmp(&b)),
                _ => Some(a.cmp(b)),
            },
            _ => None,
        }
    }

    /// Like [`Value::compare`], but texts by character whatever they look like: a consistent order for sorting texts of
    /// which only some are versions.
    pub fn compare_as_text(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::String(a), Self::String(b)) => Some(a.cmp(b)),
            _ => self.compare(other),
        }
    }

    /// Whether it is a text that is ordered as a version.
    pub fn is_version(&self) -> bool {
        matches!(self, Self::String(text) if version(text).is_some())
    }
}

/// Compares exactly: going through `f64` would call 2^53 + 1 and 2^53 equal.
fn int_float(int: i64, float: f64) -> Option<Ordering> {
    const TWO_63: f64 = 9_223_372_036_854_775_808.0;
    if float.is_nan() {
        return None;
    }
    if float >= TWO_63 {
        return Some(Ordering::Less);
    }
    if float < -TWO_63 {
        return Some(Ordering::Greater);
    }
    let whole = float.trunc();
    let by_whole = int.cmp(&(whole as i64));
    Some(by_whole.then_with(|| 0.0_f64.partial_cmp(&(float - whole)).unwrap_or(Ordering::Equal)))
}

/// The order of versions, as Semantic Versioning has it: numbers first, then a release is above its pre-releases.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Version<'a> {
    numbers: [u64; 3],
    release: bool,
    pre: Vec<PrePart<'a>>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum PrePart<'a> {
    Number(u64),
    Text(&'a str),
}

/// `1.2.0`, `1.2.0-rc.1`, `1.2.0+build`; anything else is no version.
fn version(text: &str) -> Option<Version<'_>> {
    let text = text.split_once('+').map_or(text, |(version, _)| version);
    let (numbers, pre) = text
        .split_once('-')
        .map_or((text, None), |(numbers, pre)| (numbers, Some(pre)));
    let mut parts = numbers.split('.');
    let mut number = || parts.next().and_then(natural);
    let numbers = [number()?, number()?, number()?];
    if parts.next().is_some() {
        return None;
    }
    let pre = match pre {
        None => Vec::new(),
        Some(pre) => pre.split('.').map(pre_part).collect::<Option<_>>()?,
    };
    Some(Version {
        numbers,
        release: pre.is_empty(),
        pre,
    })
}

fn natural(digits: &str) -> Option<u64> {
    if digits.bytes().all(|byte| byte.is_ascii_digit()) {
        digits.parse().ok()
    } else {
        None
    }
}

fn pre_part(text: &str) -> Option<PrePart<'_>> {
    let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    fits.then(|| natural(text).map_or(PrePart::Text(text), PrePart::Number))
}

/// Whether the text is a version as the language writes it.
pub(crate) fn is_version(text: &str) -> bool {
    version(text).is_some()
}
