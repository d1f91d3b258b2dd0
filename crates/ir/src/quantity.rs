//! Quantities as text: durations, sizes, money, ratios and times, read and written the way the language writes them.
//!
//! Reading is exact: `1.5s` is 1500 ms, `1.5ms` is refused, nothing is rounded. What is written is read back as the same
//! quantity. Absent: lexing; the text is the quantity alone.

use jiff::Timestamp;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

const DURATION_UNITS: &[(&str, i64)] = &[
    ("w", 604_800_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1000),
    ("ms", 1),
];

const DECIMAL_SIZES: &[(&str, i64)] = &[
    ("TB", 1_000_000_000_000),
    ("GB", 1_000_000_000),
    ("MB", 1_000_000),
    ("KB", 1000),
];

const BINARY_SIZES: &[(&str, i64)] = &[("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];

const BYTES: (&str, i64) = ("B", 1);

/// Milliseconds of `250ms 30s 5m 4h 2d 1w`.
pub fn parse_duration(text: &str) -> Result<i64, String> {
    let units = DURATION_UNITS.iter().copied();
    scaled(text, units)
        .ok_or_else(|| format!("`{text}` is not a duration, expected one as `30s`, `5m` or `4h`"))?
        .map_err(|problem| match problem {
            Scale::Fraction => format!("`{text}` is not a whole number of milliseconds"),
            Scale::Overflow => format!("`{text}` is too long a duration"),
        })
}

/// Bytes of `500B 10KB 50MB 2GiB`.
pub fn parse_size(text: &str) -> Result<i64, String> {
    let units = DECIMAL_SIZES.iter().chain(BINARY_SIZES).copied().chain([BYTES]);
    scaled(text, units)
        .ok_or_else(|| format!("`{text}` is not a size, expected one as `500B`, `10KB` or `2GiB`"))?
        .map_err(|problem| match problem {
            Scale::Fraction => format!("`{text}` is not a whole number of bytes"),
            Scale::Overflow => format!("`{text}` is too large a size"),
        })
}

/// Dollars of `$10.00`; the sign of the dollar may be missing, as it is where amounts are rendered.
pub fn parse_money(text: &str) -> Result<Decimal, String> {
    let (minus, amount) = text.strip_prefix('-').map_or(("", text), |amount| ("-", amount));
    let amount = amount.strip_prefix('$').unwrap_or(amount);
    decimal(&format!("{minus}{amount}"))
        .ok_or_else(|| format!("`{text}` is not an amount of money, expected one as `$10.00`"))
}

/// The fraction that `80%` is: 0.8.
pub fn parse_ratio(text: &str) -> Result<f64, String> {
    let ratio = text
        .strip_suffix('%')
        .and_then(decimal)
        .and_then(|percent| percent.checked_div(Decimal::ONE_HUNDRED));
    // Through text, so that 80% is the float that `0.8` is.
    ratio
        .and_then(|ratio| ratio.to_string().parse().ok())
        .ok_or_else(|| format!("`{text}` is not a ratio, expected one as `80%`"))
}

/// Milliseconds since the epoch of an RFC 3339 time.
pub fn parse_time(text: &str) -> Result<i64, String> {
    text.parse::<Timestamp>()
        .map(|time| time.as_millisecond())
        .map_err(|_| format!("`{text}` is not a time, expected one as `2026-11-21T09:30:00Z`"))
}

/// `5m`, `90s`: in the largest unit that leaves no fraction.
pub fn render_duration(ms: i64) -> String {
    if ms == 0 {
        return "0s".to_owned();
    }
    in_units(ms, DURATION_UNITS).unwrap_or_else(|| format!("{ms}ms"))
}

/// `50MB`, `2GiB`, `1234B`: in the largest unit that leaves no fraction, decimal ones first.
pub fn render_size(bytes: i64) -> String {
    if bytes == 0 {
        return "0B".to_owned();
    }
    in_units(bytes, DECIMAL_SIZES)
        .or_else(|| in_units(bytes, BINARY_SIZES))
        .unwrap_or_else(|| format!("{bytes}B"))
}

/// `10.00`: at least two digits after the point, more where there are more.
pub fn render_money(dollars: Decimal) -> String {
    let mut dollars = dollars.normalize();
    if dollars.scale() < 2 {
        dollars.rescale(2);
    }
    dollars.to_string()
}

/// RFC 3339, UTC; a time beyond what the calendar covers as milliseconds.
pub fn render_time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| format!("{ms}ms"), |time| time.to_string())
}

/// A float as short as it reads back: `30`, `0.8`, `1e300`.
pub fn render_float(float: f64) -> String {
    const PLAIN: std::ops::Range<f64> = 1e-5..1e16;
    if float == 0.0 || PLAIN.contains(&float.abs()) {
        format!("{float}")
    } else {
        format!("{float:e}")
    }
}

fn in_units(amount: i64, units: &[(&str, i64)]) -> Option<String> {
    units
        .iter()
        .find(|(_, factor)| amount % factor == 0)
        .map(|(unit, factor)| format!("{}{unit}", amount / factor))
}

enum Scale {
    Fraction,
    Overflow,
}

/// The number times its unit; `None` if the text is not a number and one of the units.
fn scaled<'a>(text: &str, mut units: impl Iterator<Item = (&'a str, i64)>) -> Option<Result<i64, Scale>> {
    let end = text.find(|c: char| c.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(end);
    let (_, factor) = units.find(|(name, _)| *name == unit)?;
    let number = decimal(number)?;
    let Some(amount) = number.checked_mul(Decimal::from(factor)) else {
        return Some(Err(Scale::Overflow));
    };
    if !amount.fract().is_zero() {
        return Some(Err(Scale::Fraction));
    }
    Some(amount.to_i64().ok_or(Scale::Overflow))
}

/// Digits with at most one point between them, underscores between digits, perhaps a minus.
fn decimal(text: &str) -> Option<Decimal> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let shaped = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits.ends_with(|c: char| c.is_ascii_digit())
        && digits
            .bytes()
            .all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'_')
        && digits.bytes().filter(|byte| *byte == b'.').count() <= 1;
    // Exact: a number with more digits than a decimal holds is refused, not rounded.
    shaped
        .then(|| Decimal::from_str_exact(&text.replace('_', "")).ok())
        .flatten()
}
