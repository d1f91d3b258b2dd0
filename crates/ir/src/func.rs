//! The functions of the language: one table with name, signature and documentation, read by the checker, the
//! evaluator, completion and the reference. How each works is in the modules below, by area.

mod call;
mod data;
mod lists;
mod numbers;
mod text;
mod units;
pub(crate) mod world;

use serde::{Deserialize, Serialize};

use call::Args;
pub(crate) use call::call;

macro_rules! funcs {
    ($($variant:ident $name:literal $signature:literal $doc:literal;)*) => {
        /// A function of the language.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        pub enum Func { $(#[serde(rename = $name)] $variant),* }

        impl Func {
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
            /// For people: `len(x: string | list | map | record) -> int`.
            pub const fn signature(self) -> &'static str {
                match self { $(Self::$variant => $signature),* }
            }
            pub const fn doc(self) -> &'static str {
                match self { $(Self::$variant => $doc),* }
            }
        }
    };
}

funcs! {
    Len "len" "len(x: string | list[T] | map[T]) -> int" "how many characters, items or keys";
    Lower "lower" "lower(s: string) -> string" "in lower case";
    Upper "upper" "upper(s: string) -> string" "in upper case";
    Trim "trim" "trim(s: string) -> string" "without white space at both ends";
    Slug "slug" "slug(s: string) -> string" "lower-case letters, digits and single hyphens";
    Truncate "truncate" "truncate(s: string, n: int) -> string" "at most the first n characters";
    Split "split" "split(s: string, by: string) -> list[string]" "the parts between separators";
    Join "join" "join(xs: list[string], by: string) -> string" "the parts with a separator between them";
    Replace "replace" "replace(s: string, old: string, new: string) -> string" "with every `old` replaced";
    Contains "contains" "contains(x: string | list[T], y: string | T) -> bool" "whether y is in x";
    StartsWith "starts_with" "starts_with(s: string, prefix: string) -> bool" "whether s starts with the prefix";
    EndsWith "ends_with" "ends_with(s: string, suffix: string) -> bool" "whether s ends with the suffix";
    Lines "lines" "lines(s: string) -> list[string]" "the lines without their ends; of an empty string none";
    Words "words" "words(s: string) -> list[string]" "the parts between white space";
    Format "format" "format(template: string, ...) -> string" "fills each `{}` with the next argument";
    Json "json" "json(s: string) -> json" "parses JSON";
    Yaml "yaml" "yaml(s: string) -> json" "parses YAML";
    Csv "csv" "csv(s: string) -> list[map[string]]" "parses comma-separated values with a header line";
    Int "int" "int(x: string | float | int) -> int" "reads or truncates to an integer";
    Float "float" "float(x: string | int | float) -> float" "reads or converts to a float";
    String "string" "string(x: T) -> string" "renders a value as text";
    Min "min" "min(xs: list[T]) -> T?" "the smallest item; none of an empty list";
    Max "max" "max(xs: list[T]) -> T?" "the largest item; none of an empty list";
    Abs "abs" "abs(x: T) -> T" "without its sign";
    Round "round" "round(x: float, digits: int = 0) -> float" "to the nearest, halves away from zero";
    Floor "floor" "floor(x: float) -> int" "the largest integer not above x";
    Ceil "ceil" "ceil(x: float) -> int" "the smallest integer not below x";
    Keys "keys" "keys(m: map[T]) -> list[string]" "the keys in order";
    Values "values" "values(m: map[T]) -> list[T]" "the values in the order of their keys";
    Get "get" "get(m: map[T], key: string) -> T?" "the value of a key, if it is there";
    Merge "merge" "merge(a: map[T], b: map[T]) -> map[T]" "both, where b wins";
    Range "range" "range(from: int, to: int) -> list[int]" "from, from + 1, … to - 1";
    Zip "zip" "zip(a: list[A], b: list[B]) -> list[{left: A, right: B}]" "pairs, as long as the shorter";
    First "first" "first(xs: list[T]) -> T?" "the first item";
    Last "last" "last(xs: list[T]) -> T?" "the last item";
    Where "where" "where(xs: list[T], cond: bool of it) -> list[T]" "the items for which the condition holds";
    Map "map" "map(xs: list[T], f: U of it) -> list[U]" "the expression of each item";
    SortBy "sort_by" "sort_by(xs: list[T], key: U of it) -> list[T]" "in order of the key; equal keys keep their order";
    Any "any" "any(xs: list[T], cond: bool of it) -> bool" "whether the condition holds for some item";
    All "all" "all(xs: list[T], cond: bool of it) -> bool" "whether the condition holds for every item";
    Count "count" "count(xs: list[T], cond: bool of it) -> int" "for how many items the condition holds";
    Sum "sum" "sum(xs: list[T], f: U of it) -> U" "the sum of numbers, durations, sizes or money; the expression may be left out";
    Uuid "uuid" "uuid(salt: string) -> string" "an identifier of this run and the salt; a replay sees the same";
    Hash "hash" "hash(path: path | file) -> string" "the BLAKE3 digest of a file, observed and recorded";
    File "file" "file(path: path) -> file" "stores a file as an artifact; a pattern gives a list";
    Exists "exists" "exists(path: path) -> bool" "whether a file or folder is there, observed and recorded";
    Bytes "bytes" "bytes(x: size) -> int" "a size in bytes";
    Kilobytes "kilobytes" "kilobytes(x: size) -> float" "a size in units of 1000 bytes";
    Megabytes "megabytes" "megabytes(x: size) -> float" "a size in units of 1000² bytes";
    Gigabytes "gigabytes" "gigabytes(x: size) -> float" "a size in units of 1000³ bytes";
    Ms "ms" "ms(x: duration) -> int" "a duration in milliseconds";
    Seconds "seconds" "seconds(x: duration) -> float" "a duration in seconds";
    Minutes "minutes" "minutes(x: duration) -> float" "a duration in minutes";
    Hours "hours" "hours(x: duration) -> float" "a duration in hours";
    Days "days" "days(x: duration) -> float" "a duration in days";
    Dollars "dollars" "dollars(x: money) -> float" "an amount in dollars";
}

impl Func {
    /// The function of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|func| func.name() == name)
    }

    /// How many arguments it takes: at least, and at most unless any number.
    pub const fn arity(self) -> (usize, Option<usize>) {
        match self {
            Self::Format => (1, None),
            Self::Replace => (3, Some(3)),
            Self::Round | Self::Sum => (1, Some(2)),
            Self::Truncate
            | Self::Split
            | Self::Join
            | Self::Contains
            | Self::StartsWith
            | Self::EndsWith
            | Self::Get
            | Self::Merge
            | Self::Range
            | Self::Zip
            | Self::Where
            | Self::Map
            | Self::SortBy
            | Self::Any
            | Self::All
            | Self::Count => (2, Some(2)),
            _ => (1, Some(1)),
        }
    }

    /// Takes an expression about each item as its second argument.
    pub const fn per_item(self) -> bool {
        matches!(
            self,
            Self::Where | Self::Map | Self::SortBy | Self::Any | Self::All | Self::Count | Self::Sum
        )
    }

    /// Looks at the world: only in `output`, `expect`, `requires`, `checks`.
    pub const fn observes(self) -> bool {
        matches!(self, Self::Hash | Self::File | Self::Exists)
    }
}
