//! Tokens: what the lexer cuts text into, trivia included, so that the token vector holds every byte of the text.
//!
//! Indentation is not a token: a [`Line`] says how deep its first token stands, and the layout compares those numbers.

use std::ops::Range;

/// One token; `start..end` are byte offsets in the lexed text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Token {
    pub kind: Kind,
    pub start: u32,
    pub end: u32,
}

impl Token {
    pub const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $variant:ident $text:literal),* $(,)?) => {
        /// What a token is.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[repr(u8)]
        pub enum Kind { $($(#[$doc])* $variant),* }

        impl Kind {
            /// All kinds, in order: `ALL[kind as usize] == kind`.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];
            /// How a message names the kind: the token in backticks where it is always written alike.
            pub const fn describe(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

kinds! {
    // Trivia.
    /// Spaces, tabs, carriage returns.
    Space "a space",
    Comment "a comment",
    /// `## text` on a line of its own.
    Doc "a doc comment",
    /// A whole blank line with its line end.
    Blank "a blank line",
    /// A line end that ends no clause: after a comment, or inside brackets.
    Eol "a line end",
    /// The line end that ends a clause; empty at the end of the text.
    Newline "the end of the line",

    // Words.
    Name "a name",
    True "`true`",
    False "`false`",
    None "`none`",
    And "`and`",
    Or "`or`",
    Not "`not`",
    In "`in`",
    Is "`is`",
    If "`if`",
    Else "`else`",

    // Literals.
    Int "a number",
    Float "a number",
    Quantity "a quantity",
    Money "an amount of money",
    Ratio "a ratio",
    Version "a version",
    Regex "a regular expression",
    /// `role/release`
    Principal "a principal",
    /// The opening quote.
    StrStart "a string",
    /// Text between quotes and interpolations, escapes as written.
    StrText "text",
    /// The closing quote; empty where it is missing.
    StrEnd "`\"`",
    /// `{{` in a string.
    InterpStart "`{{`",
    InterpEnd "`}}`",
    /// The lines of a raw block, from the start of the first to the end of the last.
    Raw "a raw block",

    // Punctuation.
    LParen "`(`",
    RParen "`)`",
    LBracket "`[`",
    RBracket "`]`",
    LBrace "`{`",
    RBrace "`}`",
    Comma "`,`",
    Colon "`:`",
    Dot "`.`",
    DotDot "`..`",
    Question "`?`",
    Coalesce "`??`",
    Bar "`|`",
    Plus "`+`",
    Minus "`-`",
    Star "`*`",
    Slash "`/`",
    Percent "`%`",
    Assign "`=`",
    EqEq "`==`",
    NotEq "`!=`",
    Lt "`<`",
    Le "`<=`",
    Gt "`>`",
    Ge "`>=`",
    Arrow "`->`",
    /// Text that is no token; an error says why.
    Bad "unknown text",
}

impl Kind {
    /// Carries no meaning for the parser.
    pub const fn is_trivia(self) -> bool {
        matches!(self, Self::Space | Self::Comment | Self::Doc | Self::Blank | Self::Eol)
    }

    /// The words that are reserved in expressions.
    pub const fn is_reserved(self) -> bool {
        matches!(
            self,
            Self::True
                | Self::False
                | Self::None
                | Self::And
                | Self::Or
                | Self::Not
                | Self::In
                | Self::Is
                | Self::If
                | Self::Else
        )
    }

    /// A name, or a reserved word where only a name can stand (after a dot, before a colon).
    pub const fn is_word(self) -> bool {
        matches!(self, Self::Name) || self.is_reserved()
    }

    /// After such a token an operand has ended: a `/` divides, and starts no regular expression.
    pub(crate) const fn ends_operand(self) -> bool {
        matches!(
            self,
            Self::Name
                | Self::True
                | Self::False
                | Self::None
                | Self::Int
                | Self::Float
                | Self::Quantity
                | Self::Money
                | Self::Ratio
                | Self::Version
                | Self::Regex
                | Self::Principal
                | Self::StrEnd
                | Self::RParen
                | Self::RBracket
                | Self::RBrace
                | Self::Question
                | Self::Bad
        )
    }

    /// The bracket that closes this one.
    pub(crate) const fn closer(self) -> Option<Self> {
        match self {
            Self::LParen => Some(Self::RParen),
            Self::LBracket => Some(Self::RBracket),
            Self::LBrace => Some(Self::RBrace),
            _ => None,
        }
    }

    pub(crate) const fn is_closer(self) -> bool {
        matches!(self, Self::RParen | Self::RBracket | Self::RBrace)
    }
}

/// What a line holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineKind {
    /// A clause or a header, with its continuation lines or its raw block.
    Code,
    Comment,
    Doc,
    Blank,
}

/// A logical line: a clause with everything that continues it, or one line of trivia.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    pub kind: LineKind,
    /// Columns before the first token; a tab counts as two.
    pub indent: u32,
    /// Its tokens, trivia included.
    pub tokens: Range<u32>,
}

/// Text cut into tokens and lines.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Lexed {
    pub tokens: Vec<Token>,
    pub lines: Vec<Line>,
    /// Mistakes inside tokens: unterminated strings, unknown units, tabs.
    pub errors: Vec<crate::ast::SyntaxError>,
}
