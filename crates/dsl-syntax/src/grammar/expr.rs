//! Expressions, loosest first: `if else` · `??` · `or` · `and` · `not` · comparisons · pipe · `+ -` · `* / %` · `as` ·
//! unary `-` · `.field` and `[index]`.
//!
//! That comparisons do not chain, and how deep an expression may be, is checked on its tokens (see [`crate::parse`]).

use chumsky::input::InputRef;
use chumsky::pratt::{infix, left, postfix, prefix, right};
use chumsky::prelude::*;
use smol_str::SmolStr;

use super::{Extra, Fault, Input, Rule, Tok, Want, any_word, just_kind, name, span, string, types, word};
use crate::ast::{Arg, BinaryOp, Expr, ExprKind, IsWhat, Name, RecordKey, Selector, Span, Type, UnaryOp};
use crate::lexer::unit_from;
use crate::token::Kind;

/// Where an expression stands: in a policy, selectors and patterns are operands too.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Plan,
    Policy,
}

/// Where a hand-written rule reads.
type Reader<'t, 'p> = InputRef<'t, 'p, Input<'t>, Extra<'t>>;

/// What follows an operand and belongs to it.
enum Suffix {
    Field(Name),
    Index(Expr),
}

/// The folds stand inline because chumsky needs their lifetimes inferred in place.
pub fn expr<'t>(place: Place) -> Rule<'t, Expr> {
    recursive(move |expr| {
        let suffix = choice((
            symbol(Kind::Dot).ignore_then(any_word()).map(Suffix::Field),
            expr.clone()
                .delimited_by(symbol(Kind::LBracket), just_kind(Kind::RBracket))
                .map(Suffix::Index),
        ))
        .map_with(|suffix, e| (suffix, span(e.span())))
        .boxed();
        let pipe = symbol(Kind::Bar)
            .ignore_then(name().labelled(Want::Function))
            .then(arguments(expr.clone()).or_not())
            .map_with(|(func, args), e| (func, args.unwrap_or_default(), span(e.span())))
            .boxed();
        let cast = operator_token(|token| token.kind == Kind::Name && token.text == "as")
            .ignore_then(types::plain())
            .boxed();
        let condition = expr
            .clone()
            .delimited_by(symbol(Kind::If), just_kind(Kind::Else))
            .boxed();
        let sign = |kind| {
            just_kind(kind)
                .map_with(|_, e| span(e.span()))
                .labelled(Want::Expression)
        };
        let full = operand(expr, place).map(Box::new).pratt((
            postfix(
                12,
                suffix,
                |base: Box<Expr>, (suffix, at): (Suffix, Span), _: &mut _| {
                    let span = base.span.cover(at);
                    let kind = match suffix {
                        Suffix::Field(name) => ExprKind::Field { base, name },
                        Suffix::Index(index) => ExprKind::Index {
                            base,
                            index: Box::new(index),
                        },
                    };
                    Box::new(Expr { kind, span })
                },
            ),
            prefix(11, sign(Kind::Minus), |at: Span, rhs: Box<Expr>, _: &mut _| {
                unary(UnaryOp::Neg, at, rhs)
            }),
            postfix(10, cast, |base: Box<Expr>, ty: Type, _: &mut _| {
                let span = base.span.cover(ty.span);
                Box::new(Expr {
                    kind: ExprKind::Cast { expr: base, ty },
                    span,
                })
            }),
            infix(left(9), product(), |lhs, op, rhs, _: &mut _| binary(lhs, op, rhs)),
            infix(left(8), sum(), |lhs, op, rhs, _: &mut _| binary(lhs, op, rhs)),
            postfix(
                7,
                pipe,
                |lhs: Box<Expr>, (func, args, at): (Name, Vec<Arg>, Span), _: &mut _| {
                    let span = lhs.span.cover(at);
                    Box::new(Expr {
                        kind: ExprKind::Pipe { lhs, func, args },
                        span,
                    })
                },
            ),
            infix(left(6), comparison(), |lhs, op, rhs, _: &mut _| binary(lhs, op, rhs)),
            postfix(
                6,
                is_what(),
                |base: Box<Expr>, (not, what, at): (bool, IsWhat, Span), _: &mut _| {
                    let span = base.span.cover(at);
                    Box::new(Expr {
                        kind: ExprKind::Is { expr: base, not, what },
                        span,
                    })
                },
            ),
            prefix(5, sign(Kind::Not), |at: Span, rhs: Box<Expr>, _: &mut _| {
                unary(UnaryOp::Not, at, rhs)
            }),
            infix(
                left(4),
                operator(Kind::And, BinaryOp::And),
                |lhs, op, rhs, _: &mut _| binary(lhs, op, rhs),
            ),
            infix(left(3), operator(Kind::Or, BinaryOp::Or), |lhs, op, rhs, _: &mut _| {
                binary(lhs, op, rhs)
            }),
            infix(
                left(2),
                operator(Kind::Coalesce, BinaryOp::Coalesce),
                |lhs, op, rhs, _: &mut _| binary(lhs, op, rhs),
            ),
            infix(
                right(1),
                condition,
                |then: Box<Expr>, cond: Expr, otherwise: Box<Expr>, _: &mut _| {
                    let span = then.span.cover(otherwise.span);
                    let (then, cond, otherwise) = (then, Box::new(cond), otherwise);
                    Box::new(Expr {
                        kind: ExprKind::If { then, cond, otherwise },
                        span,
                    })
                },
            ),
        ));
        choice((simple(), full.map(|expr: Box<Expr>| *expr)))
    })
    .boxed()
}

// Operands are boxed while operators are tried on them, because chumsky moves them at every try.

fn unary(op: UnaryOp, at: Span, expr: Box<Expr>) -> Box<Expr> {
    Box::new(Expr {
        span: at.cover(expr.span),
        kind: ExprKind::Unary { op, expr },
    })
}

fn binary(lhs: Box<Expr>, (op, op_span): (BinaryOp, Span), rhs: Box<Expr>) -> Box<Expr> {
    let span = lhs.span.cover(rhs.span);
    Box::new(Expr {
        kind: ExprKind::Binary { op, op_span, lhs, rhs },
        span,
    })
}

// ---------- operators ----------

/// The first token of an operator. It has no label: a rule that looks at a token without naming it counts as waiting for
/// an operator, which saves a label's cost at every place where twelve operators could stand and none does.
fn operator_token<'t>(is: impl Fn(&Tok<'t>) -> bool + Clone) -> impl Parser<'t, Input<'t>, Tok<'t>, Extra<'t>> + Clone {
    any().filter(is)
}

fn symbol<'t>(kind: Kind) -> impl Parser<'t, Input<'t>, Tok<'t>, Extra<'t>> + Clone {
    operator_token(move |token| token.kind == kind)
}

fn operator<'t>(kind: Kind, op: BinaryOp) -> impl Parser<'t, Input<'t>, (BinaryOp, Span), Extra<'t>> + Clone {
    symbol(kind).map_with(move |_, e| (op, span(e.span())))
}

fn product<'t>() -> impl Parser<'t, Input<'t>, (BinaryOp, Span), Extra<'t>> + Clone {
    select! {
        Tok { kind: Kind::Star, .. } => BinaryOp::Mul,
        Tok { kind: Kind::Slash, .. } => BinaryOp::Div,
        Tok { kind: Kind::Percent, .. } => BinaryOp::Rem,
    }
    .map_with(|op, e| (op, span(e.span())))
}

fn sum<'t>() -> impl Parser<'t, Input<'t>, (BinaryOp, Span), Extra<'t>> + Clone {
    select! {
        Tok { kind: Kind::Plus, .. } => BinaryOp::Add,
        Tok { kind: Kind::Minus, .. } => BinaryOp::Sub,
    }
    .map_with(|op, e| (op, span(e.span())))
}

fn comparison<'t>() -> impl Parser<'t, Input<'t>, (BinaryOp, Span), Extra<'t>> + Clone {
    select! {
        Tok { kind: Kind::EqEq, .. } => BinaryOp::Eq,
        Tok { kind: Kind::NotEq, .. } => BinaryOp::Ne,
        Tok { kind: Kind::Lt, .. } => BinaryOp::Lt,
        Tok { kind: Kind::Le, .. } => BinaryOp::Le,
        Tok { kind: Kind::Gt, .. } => BinaryOp::Gt,
        Tok { kind: Kind::Ge, .. } => BinaryOp::Ge,
        Tok { kind: Kind::In, .. } => BinaryOp::In,
        Tok { kind: Kind::Name, text: "matches" } => BinaryOp::Matches,
    }
    .map_with(|op, e| (op, span(e.span())))
}

/// `is none`, `is not empty`
fn is_what<'t>() -> impl Parser<'t, Input<'t>, (bool, IsWhat, Span), Extra<'t>> + Clone {
    let what = select! {
        Tok { kind: Kind::None, .. } => IsWhat::None,
        Tok { kind: Kind::Name, text: "empty" } => IsWhat::Empty,
    }
    .labelled(Want::Empty);
    symbol(Kind::Is)
        .ignore_then(just_kind(Kind::Not).or_not())
        .then(what)
        .map_with(|(not, what), e| (not.is_some(), what, span(e.span())))
}

// ---------- operands ----------

fn operand<'t>(expr: impl Parser<'t, Input<'t>, Expr, Extra<'t>> + Clone + 't, place: Place) -> Rule<'t, Expr> {
    let text = string(expr.clone()).map(ExprKind::String);
    let named = name()
        .then(arguments(expr.clone()).or_not())
        .map(|(func, args)| match args {
            Some(args) => ExprKind::Call { func, args },
            None if func.text == "it" => ExprKind::It,
            None => ExprKind::Name(func.text),
        });
    let item_field = just_kind(Kind::Dot).ignore_then(any_word()).map(ExprKind::ItField);
    let list = expr
        .clone()
        .separated_by(just_kind(Kind::Comma))
        .allow_trailing()
        .collect()
        .delimited_by(just_kind(Kind::LBracket), just_kind(Kind::RBracket))
        .map(ExprKind::List);
    let paren = expr
        .clone()
        .delimited_by(just_kind(Kind::LParen), just_kind(Kind::RParen))
        .map(|inner| ExprKind::Paren(Box::new(inner)));
    let common = choice((named, literal(), text, record(expr.clone()), list, paren, item_field)).boxed();
    let kind = match place {
        Place::Plan => common,
        Place::Policy => choice((
            pattern(),
            selector(expr).map(|it| ExprKind::Selector(Box::new(it))),
            common,
        ))
        .boxed(),
    };
    kind.map_with(|kind, e| Expr {
        kind,
        span: span(e.span()),
    })
    .labelled(Want::Expression)
    .boxed()
}

/// A literal of one token.
fn literal<'t>() -> impl Parser<'t, Input<'t>, ExprKind, Extra<'t>> + Clone {
    custom(|inp: &mut Reader<'t, '_>| match inp.peek().and_then(literal_of) {
        Some(kind) => {
            inp.skip();
            Ok(kind)
        }
        None => Err(miss(inp)),
    })
}

/// What a token says alone. Text that the lexer has complained about is an operand too, so that one mistake is one error.
fn literal_of(token: Tok<'_>) -> Option<ExprKind> {
    let text = token.text;
    Some(match token.kind {
        Kind::None => ExprKind::None,
        Kind::True => ExprKind::Bool(true),
        Kind::False => ExprKind::Bool(false),
        Kind::Version => ExprKind::Version(digits(text)),
        Kind::Regex => ExprKind::Regex(SmolStr::new(&text[1..text.len() - 1])),
        Kind::Principal => ExprKind::Principal(SmolStr::new(text)),
        _ => return number_of(token),
    })
}

fn number_of(token: Tok<'_>) -> Option<ExprKind> {
    let text = token.text;
    Some(match token.kind {
        Kind::Int => ExprKind::Int(digits(text)),
        Kind::Float => ExprKind::Float(digits(text)),
        Kind::Quantity => quantity(text),
        Kind::Money => ExprKind::Money(digits(&text[1..])),
        Kind::Ratio => ExprKind::Ratio(digits(&text[..text.len() - 1])),
        Kind::Bad => ExprKind::Error,
        _ => return None,
    })
}

/// `5m` or `params.query` with nothing after it that could continue it: most expressions are that, and need not be held
/// against every operator. Whatever else stands there is left to the full rule.
fn simple<'t>() -> impl Parser<'t, Input<'t>, Expr, Extra<'t>> + Clone {
    custom(|inp: &mut Reader<'t, '_>| {
        let start = inp.save();
        let found = operand_alone(inp).filter(|_| inp.peek().is_none_or(ends_expression));
        found.ok_or_else(|| {
            inp.rewind(start);
            miss(inp)
        })
    })
}

fn operand_alone<'t>(inp: &mut Reader<'t, '_>) -> Option<Expr> {
    let start = inp.cursor();
    let token = inp.next()?;
    let kind = match token.kind {
        Kind::Name if token.text == "it" => ExprKind::It,
        Kind::Name => ExprKind::Name(SmolStr::new(token.text)),
        _ => literal_of(token)?,
    };
    let mut expr = Expr {
        kind,
        span: span(inp.span_since(&start)),
    };
    while inp.peek().is_some_and(|next| next.kind == Kind::Dot) {
        inp.skip();
        let start = inp.cursor();
        let name = inp.next().filter(|next| next.kind.is_word())?;
        let name = Name {
            text: SmolStr::new(name.text),
            span: span(inp.span_since(&start)),
        };
        let span = expr.span.cover(name.span);
        expr = Expr {
            kind: ExprKind::Field {
                base: Box::new(expr),
                name,
            },
            span,
        };
    }
    Some(expr)
}

/// After these no operator can follow. Names are not among them but for a few: the full rule words what is wrong with others.
fn ends_expression(next: Tok<'_>) -> bool {
    match next.kind {
        Kind::Comma | Kind::RParen | Kind::RBracket | Kind::RBrace | Kind::InterpEnd | Kind::Arrow | Kind::StrStart => {
            true
        }
        Kind::Name => matches!(next.text, "by" | "on" | "times" | "severity"),
        _ => false,
    }
}

/// The fault of a rule that says by its label what it expects.
fn miss<'t>(inp: &mut Reader<'t, '_>) -> Fault<'t> {
    let start = inp.cursor();
    let found = inp.next();
    Fault {
        span: inp.span_since(&start),
        found,
        expected: Default::default(),
    }
}

/// A number, a quantity or an amount of money.
pub fn number<'t>() -> impl Parser<'t, Input<'t>, Expr, Extra<'t>> + Clone {
    custom(|inp: &mut Reader<'t, '_>| {
        let start = inp.cursor();
        match inp.peek().and_then(number_of) {
            Some(kind) => {
                inp.skip();
                Ok(Expr {
                    kind,
                    span: span(inp.span_since(&start)),
                })
            }
            None => Err(miss(inp)),
        }
    })
}

fn digits(text: &str) -> SmolStr {
    if text.contains('_') {
        text.chars().filter(|c| *c != '_').collect()
    } else {
        SmolStr::new(text)
    }
}

fn quantity(text: &str) -> ExprKind {
    let split = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    match unit_from(&text[split..]) {
        Some(unit) => ExprKind::Quantity {
            number: digits(&text[..split]),
            unit,
        },
        None => ExprKind::Error,
    }
}

fn record<'t>(
    expr: impl Parser<'t, Input<'t>, Expr, Extra<'t>> + Clone + 't,
) -> impl Parser<'t, Input<'t>, ExprKind, Extra<'t>> + Clone {
    let quoted = just_kind(Kind::StrStart)
        .ignore_then(select! { Tok { kind: Kind::StrText, text } => super::unescape(text) }.or_not())
        .then_ignore(just_kind(Kind::StrEnd))
        .map_with(|text, e| RecordKey {
            text: text.unwrap_or_default(),
            span: span(e.span()),
        });
    let key = choice((
        any_word().map(|name| RecordKey {
            text: name.text,
            span: name.span,
        }),
        quoted,
    ))
    .labelled(Want::Name);
    key.then_ignore(just_kind(Kind::Colon))
        .then(expr)
        .separated_by(just_kind(Kind::Comma))
        .allow_trailing()
        .collect()
        .delimited_by(just_kind(Kind::LBrace), just_kind(Kind::RBrace))
        .map(ExprKind::Record)
}

/// `(a, limit: 3)`
pub fn arguments<'t>(
    expr: impl Parser<'t, Input<'t>, Expr, Extra<'t>> + Clone + 't,
) -> impl Parser<'t, Input<'t>, Vec<Arg>, Extra<'t>> + Clone {
    any_word()
        .then_ignore(just_kind(Kind::Colon))
        .or_not()
        .then(expr)
        .map(|(name, value)| Arg { name, value })
        .separated_by(just_kind(Kind::Comma))
        .allow_trailing()
        .collect()
        .delimited_by(just_kind(Kind::LParen), just_kind(Kind::RParen))
}

// ---------- policies ----------

/// `task where kind == deploy`. A lone `task` is a name like any other, so that `kind == task` stays a comparison.
fn selector<'t>(expr: impl Parser<'t, Input<'t>, Expr, Extra<'t>> + Clone + 't) -> Rule<'t, Selector> {
    what()
        .then_ignore(word("where", Want::Where))
        .then(expr)
        .map_with(|(what, filter), e| Selector {
            what,
            filter: Some(filter),
            span: span(e.span()),
        })
        .boxed()
}

/// `task`, `gate where …`: a whole clause.
pub fn selector_clause<'t>(expr: Rule<'t, Expr>) -> Rule<'t, Selector> {
    what()
        .then(word("where", Want::Where).ignore_then(expr).or_not())
        .map_with(|(what, filter), e| Selector {
            what,
            filter,
            span: span(e.span()),
        })
        .boxed()
}

fn what<'t>() -> impl Parser<'t, Input<'t>, Name, Extra<'t>> + Clone {
    select! {
        Tok { kind: Kind::Name, text: text @ ("task" | "gate" | "decision" | "plan" | "node") } = e =>
            Name { text: SmolStr::new(text), span: span(e.span()) }
    }
    .labelled(Want::Selector)
}

/// `web.*` or `*`
fn pattern<'t>() -> impl Parser<'t, Input<'t>, ExprKind, Extra<'t>> + Clone {
    pattern_name().map(|name| ExprKind::Pattern(name.text))
}

pub fn pattern_name<'t>() -> impl Parser<'t, Input<'t>, Name, Extra<'t>> + Clone {
    let parts = name().then_ignore(just_kind(Kind::Dot)).repeated().collect::<Vec<_>>();
    parts.then_ignore(just_kind(Kind::Star)).map_with(|parts, e| {
        let mut text = String::new();
        for part in parts {
            text.push_str(&part.text);
            text.push('.');
        }
        text.push('*');
        Name {
            text: text.into(),
            span: span(e.span()),
        }
    })
}
