//! Types: `list[url](1..)?`, `shallow | deep`.

use chumsky::prelude::*;

use super::{Extra, Input, Rule, Tok, Want, dotted, just_kind, name, span};
use crate::ast::{Expr, ExprKind, Name, Refine, Span, Type, TypeKind, UnaryOp};
use crate::token::Kind;

/// A type without an enumeration at its outside, so that a bar after it is a pipe.
pub fn plain<'t>() -> Rule<'t, Type> {
    recursive(|inner| {
        let argument = either(inner).delimited_by(just_kind(Kind::LBracket), just_kind(Kind::RBracket));
        dotted()
            .labelled(Want::Type)
            .then(argument.or_not())
            .then(refinement().or_not())
            .then(just_kind(Kind::Question).or_not())
            .map_with(|(((name, arg), refine), optional), e| Type {
                kind: TypeKind::Named {
                    name,
                    arg: arg.map(Box::new),
                    refine,
                    optional: optional.is_some(),
                },
                span: span(e.span()),
            })
    })
    .boxed()
}

/// Any type.
pub fn any<'t>() -> Rule<'t, Type> {
    either(plain()).boxed()
}

/// `plain`, or an enumeration of two or more members.
fn either<'t>(
    plain: impl Parser<'t, Input<'t>, Type, Extra<'t>> + Clone + 't,
) -> impl Parser<'t, Input<'t>, Type, Extra<'t>> + Clone {
    let bar = || just_kind(Kind::Bar);
    let members = name()
        .then_ignore(bar())
        .then(name().separated_by(bar()).at_least(1).collect::<Vec<_>>());
    let enumeration = bar()
        .or_not()
        .ignore_then(members)
        .map_with(|(first, rest): (Name, Vec<Name>), e| Type {
            kind: TypeKind::Enum(std::iter::once(first).chain(rest).collect()),
            span: span(e.span()),
        });
    choice((enumeration, plain)).labelled(Want::Type)
}

/// `(3..200)`, `(/^[a-z]+$/)`
fn refinement<'t>() -> Rule<'t, Refine> {
    let range = bound()
        .or_not()
        .then_ignore(just_kind(Kind::DotDot))
        .then(bound().or_not())
        .map_with(|(lo, hi), e| Refine::Range {
            lo: lo.map(Box::new),
            hi: hi.map(Box::new),
            span: span(e.span()),
        });
    let regex = select! {
        Tok { kind: Kind::Regex, text } = e => Refine::Regex(Name { text: text[1..text.len() - 1].into(), span: span(e.span()) })
    };
    choice((regex, range))
        .delimited_by(just_kind(Kind::LParen), just_kind(Kind::RParen))
        .boxed()
}

fn bound<'t>() -> impl Parser<'t, Input<'t>, Expr, Extra<'t>> + Clone {
    just_kind(Kind::Minus)
        .map_with(|_, e| span(e.span()))
        .or_not()
        .then(super::expr::number())
        .map(|(minus, number): (Option<Span>, Expr)| match minus {
            Some(minus) => Expr {
                span: minus.cover(number.span),
                kind: ExprKind::Unary {
                    op: UnaryOp::Neg,
                    expr: Box::new(number),
                },
            },
            None => number,
        })
        .labelled(Want::Bound)
}
