//! Text in a picture: how wide it may be, where its lines break, and how it is escaped.
//!
//! Nobody knows which font will draw it, so widths are generous estimates. Absent: places.

/// Lines of a title at most.
const LINES_MAX: usize = 3;

/// About how wide text is, for letters of that size.
pub fn width(text: &str, size: f64) -> f64 {
    text.chars().map(width_of).sum::<f64>() * size
}

fn width_of(c: char) -> f64 {
    match c {
        'i' | 'j' | 'l' | 'I' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | '(' | ')' | '[' | ']' => 0.32,
        ' ' | 'f' | 't' | 'r' | '-' | '"' | '/' => 0.4,
        'm' | 'w' | 'M' | 'W' | '@' | '%' => 0.92,
        'A'..='Z' | '&' | '×' => 0.7,
        '\u{0300}'..='\u{036f}' => 0.0,
        '\u{1100}'.. if !matches!(c, '\u{2000}'..='\u{2bff}') => 1.05,
        _ => 0.58,
    }
}

/// Lines no wider than `room`; words that are too long are broken, what does not fit ends in `…`.
pub fn wrapped(text: &str, size: f64, room: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = String::new();
    for word in text.split_whitespace().flat_map(|word| pieces(word, size, room)) {
        let longer = if line.is_empty() {
            word.clone()
        } else {
            format!("{line} {word}")
        };
        if line.is_empty() || width(&longer, size) <= room {
            line = longer;
        } else {
            lines.push(std::mem::replace(&mut line, word));
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    if lines.len() > LINES_MAX {
        lines.truncate(LINES_MAX);
        if let Some(last) = lines.last_mut() {
            while width(last, size) + width("…", size) > room && last.pop().is_some() {}
            *last = format!("{}…", last.trim_end());
        }
    }
    lines
}

/// A word in parts that each fit.
fn pieces(word: &str, size: f64, room: f64) -> Vec<String> {
    let mut parts = vec![String::new()];
    for c in word.chars() {
        let wide = parts.last().map_or(0.0, |part| width(part, size)) + width_of(c) * size;
        match parts.last_mut() {
            Some(part) if wide <= room || part.is_empty() => part.push(c),
            _ => parts.push(c.to_string()),
        }
    }
    parts
}

/// As text of XML: control characters that it cannot hold are left out.
pub fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' | '\t' => escaped.push(' '),
            c if crate::printer::is_control(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {}
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_breaks_at_spaces_and_ends_in_dots() {
        assert_eq!(wrapped("one two", 10.0, 1000.0), ["one two"]);
        assert_eq!(wrapped("one two", 10.0, 20.0), ["one", "two"]);
        let long = wrapped(&"word ".repeat(50), 10.0, 60.0);
        assert_eq!(long.len(), LINES_MAX);
        assert!(long[2].ends_with('…'), "{long:?}");
        assert!(wrapped("", 10.0, 10.0).is_empty());
    }

    #[test]
    fn a_word_without_spaces_is_broken() {
        let lines = wrapped(&"x".repeat(30), 10.0, 100.0);
        assert!(lines.len() > 1);
        assert!(lines.iter().all(|line| width(line, 10.0) <= 100.0), "{lines:?}");
    }

    #[test]
    fn nothing_leaves_the_text() {
        assert_eq!(escaped("<a b=\"c\">&\u{0}\u{1b}\n"), "&lt;a b=&quot;c&quot;&gt;&amp; ");
    }
}
