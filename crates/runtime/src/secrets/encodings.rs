//! The forms in which a secret turns up: as it is, and as programs write it for JSON, URLs, shells, in base64 and in
//! hexadecimal.
//!
//! Promise: of base64 all three alignments, with the letters that the secret alone decides. Absent: compression and
//! ciphers, which nobody can see through.

use std::collections::BTreeSet;

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use zeroize::Zeroizing;

/// Lines of a secret with several are secrets of their own from this length on.
const LINE_MIN_BYTES: usize = 16;

/// What JavaScript's `encodeURIComponent` keeps.
const COMPONENT: &AsciiSet = &STRICT.remove(b'!').remove(b'*').remove(b'\'').remove(b'(').remove(b')');
/// What RFC 3986 keeps.
const STRICT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// What a path keeps.
const PATH: &AsciiSet = &STRICT.remove(b'/');
/// What forms keep.
const FORM: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'*');

/// The forms of one secret. Those of the second list are looked for as if there were no line breaks: programs wrap them.
pub struct Forms {
    pub plain: Vec<Zeroizing<Vec<u8>>>,
    pub wrapped: Vec<Zeroizing<Vec<u8>>>,
}

impl Forms {
    pub fn of(secret: &str) -> Self {
        let mut plain = BTreeSet::new();
        let mut wrapped = BTreeSet::new();
        add(secret, &mut plain, &mut wrapped);
        // a key of several lines is often printed line by line
        for line in secret.lines().filter(|_| secret.contains('\n')) {
            let line = line.trim();
            if line.len() >= LINE_MIN_BYTES && !line.starts_with("-----") {
                add(line, &mut plain, &mut wrapped);
            }
        }
        Self {
            plain: plain.into_iter().map(Zeroizing::new).collect(),
            wrapped: wrapped.into_iter().map(Zeroizing::new).collect(),
        }
    }
}

fn add(secret: &str, plain: &mut BTreeSet<Vec<u8>>, wrapped: &mut BTreeSet<Vec<u8>>) {
    let texts = [
        secret.to_owned(),
        json(secret, |_| false),
        json(secret, |c| !c.is_ascii()),
        json(secret, |c| !c.is_ascii() || matches!(c, '<' | '>' | '&')),
        json(secret, |_| false).replace('/', "\\/"),
        json(secret, |c| !c.is_ascii()).replace('/', "\\/"),
        secret.replace('\'', "'\\''"),
        backslashed(secret),
        html(secret),
    ];
    plain.extend(texts.map(String::into_bytes));
    for set in [NON_ALPHANUMERIC, COMPONENT, STRICT, PATH, FORM] {
        let upper = utf8_percent_encode(secret, set).to_string();
        plain.insert(lower_escapes(&upper).into_bytes());
        plain.insert(upper.into_bytes());
    }
    let form = utf8_percent_encode(secret, FORM).to_string().replace("%20", "+");
    plain.insert(lower_escapes(&form).into_bytes());
    plain.insert(form.into_bytes());

    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    wrapped.insert(hex.to_uppercase().into_bytes());
    wrapped.insert(hex.into_bytes());
    for before in 0..3 {
        wrapped.insert(base64(&STANDARD_NO_PAD, secret, before));
        wrapped.insert(base64(&URL_SAFE_NO_PAD, secret, before));
    }
}

/// The letters that `secret` decides where `before` other bytes come before it.
fn base64(engine: &impl base64::Engine, secret: &str, before: usize) -> Vec<u8> {
    let mut bytes = Zeroizing::new(vec![0; before]);
    bytes.extend_from_slice(secret.as_bytes());
    let letters = Zeroizing::new(engine.encode(&*bytes).into_bytes());
    let first = (before * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    letters[first..last].to_vec()
}

/// As JSON writes it, with `\u` for the characters that are asked for.
fn json(secret: &str, escaped: impl Fn(char) -> bool) -> String {
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    let mut out = String::new();
    for c in inner.chars() {
        if escaped(c) {
            let mut units = [0; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// As `printf %q` writes it.
fn backslashed(secret: &str) -> String {
    let mut out = String::new();
    for c in secret.chars() {
        if c.is_ascii() && !c.is_ascii_alphanumeric() && !matches!(c, '-' | '_' | '.' | '/' | ':' | '@' | '%' | '+') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn html(secret: &str) -> String {
    secret
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
        .replace('\'', "&#39;")
}

/// `%2F` as `%2f`.
fn lower_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut escape = 0_u8;
    for c in text.chars() {
        if c == '%' {
            escape = 3;
        }
        out.push(if escape > 0 { c.to_ascii_lowercase() } else { c });
        escape = escape.saturating_sub(1);
    }
    out
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn has(secret: &str, text: &str) -> bool {
        let forms = Forms::of(secret);
        let squeezed = text.replace('\n', "");
        let found = |forms: &[Zeroizing<Vec<u8>>], text: &str| {
            forms.iter().any(|form| {
                text.as_bytes()
                    .windows(form.len())
                    .any(|window| window == form.as_slice())
            })
        };
        found(&forms.plain, text) || found(&forms.wrapped, &squeezed)
    }

    #[test]
    fn base64_is_known_at_every_alignment() {
        let secret = "s3cr3t/pa+ss&w0rd";
        for before in ["", "x", "xy", "xyz", "user:"] {
            for after in ["", "1", "12", "123"] {
                let text = STANDARD_NO_PAD.encode(format!("{before}{secret}{after}"));
                assert!(has(secret, &text), "{before} {after}: {text}");
            }
        }
    }

    #[test]
    fn what_other_programs_write_is_known() {
        let secret = "pä\"ss/w<o>rd's 1%";
        for written in [
            // encodeURIComponent, quote, quote_plus, curl
            "p%C3%A4%22ss%2Fw%3Co%3Erd's%201%25",
            "p%C3%A4%22ss/w%3Co%3Erd%27s%201%25",
            "p%C3%A4%22ss%2Fw%3Co%3Erd%27s+1%25",
            "p%c3%a4%22ss%2fw%3co%3erd%27s%201%25",
            // serde, Python, Go, PHP
            r#"pä\"ss/w<o>rd's 1%"#,
            r#"p\u00e4\"ss/w<o>rd's 1%"#,
            r#"p\u00e4\"ss/w\u003co\u003erd's 1%"#,
            r#"p\u00e4\"ss\/w<o>rd's 1%"#,
            // a shell that quotes, printf %q
            r#"pä"ss/w<o>rd'\''s 1%"#,
            r#"pä\"ss/w\<o\>rd\'s\ 1%"#,
            "70c3a42273732f773c6f3e726427732031\n25",
        ] {
            assert!(has(secret, written), "{written}");
        }
    }

    #[test]
    fn lines_of_a_key_are_secrets_but_its_frame_is_not() {
        let key = "-----BEGIN KEY-----\nMIIEvQIBADANBgkqhkiG9w0\nshort\n-----END KEY-----";
        assert!(has(key, "the line MIIEvQIBADANBgkqhkiG9w0 alone"));
        assert!(!has(key, "-----BEGIN KEY-----"));
    }
}
