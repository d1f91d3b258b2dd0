//! Where a space stands between two tokens of one line.

use crate::grammar::Tok;
use crate::token::Kind;

/// What decides about the gap before `next`.
pub(super) struct Gap<'a> {
    pub before_previous: Option<Tok<'a>>,
    pub previous: Tok<'a>,
    pub next: Tok<'a>,
    /// The colon `previous` is that of an attribute (`kind:research`, `scope:run`).
    pub attribute: bool,
    /// `previous` is the hyphen of a list item or a sign.
    pub sign: Sign,
}

/// What a hyphen or another token before the gap is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Item,
    Unary,
    Other,
}

/// Words after which an operand begins although they look like names.
pub(super) fn before_operand(token: Tok<'_>, before: Option<Tok<'_>>) -> bool {
    match token.text {
        // `x.as` is a name like any other
        _ if before.is_some_and(|token| token.kind == Kind::Dot) => false,
        "when" | "by" | "of" | "as" | "matches" | "then" | "fails" => true,
        // `task where (…)`, but `xs | where(…)`.
        "where" => before.is_some_and(|token| token.kind == Kind::Name),
        _ => false,
    }
}

/// Whether an operand has ended with `token`, so that what follows continues it.
pub(super) fn operand_ends(token: Tok<'_>, before: Option<Tok<'_>>) -> bool {
    token.kind.ends_operand() && !(token.kind == Kind::Name && before_operand(token, before))
}

pub(super) fn space(gap: &Gap<'_>) -> bool {
    use Kind::*;
    let (previous, next) = (gap.previous.kind, gap.next.kind);
    match (previous, next) {
        (_, Comma | Colon | RParen | RBracket | Question) => false,
        (LParen | LBracket, _) => false,
        (LBrace, RBrace) => false,
        (_, DotDot) | (DotDot, _) => false,
        (Dot, _) => false,
        (Colon, _) => !gap.attribute,
        // together they would be an arrow
        (Minus, _) => gap.sign != Sign::Unary || gap.next.text.starts_with('>'),
        (_, Dot) => !operand_ends(gap.previous, gap.before_previous),
        (_, LParen | LBracket) => {
            !operand_ends(gap.previous, gap.before_previous) || matches!(previous, Question | Int)
        }
        _ => true,
    }
}
