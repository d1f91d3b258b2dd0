//! What the grammar would accept but nothing after it should meet: expressions nested too deep to be walked by recursion,
//! comparisons in a chain, and a `not` or an `is none` among tighter operators.

use crate::NESTING_MAX;
use crate::ast::SyntaxError;
use crate::grammar::{Tok, Tokens, span};
use crate::meant::{expressions, type_in_angles};
use crate::messages::{chained, not_as_operand, test_as_operand, too_deep};
use crate::token::Kind;

/// Refuses tokens of that shape.
pub(crate) fn check_shape(tokens: Tokens<'_>) -> Result<(), SyntaxError> {
    check_tests(tokens)?;
    // The depth is at most the number of tokens, and a chain of comparisons has five.
    if tokens.len() < 5 {
        return Ok(());
    }
    let mut levels = vec![Level::default()];
    let mut depth = 0;
    for (index, &(token, place)) in tokens.iter().enumerate() {
        let Some(level) = levels.last_mut() else {
            return Ok(());
        };
        let before = level.depth();
        let after_dot = index > 0 && tokens[index - 1].0.kind == Kind::Dot;
        match role(token, after_dot) {
            Role::Open => {
                level.suffixes += 1;
                depth += 1;
                levels.push(Level::default());
                if levels.len() > NESTING_MAX || depth > NESTING_MAX {
                    return Err(too_deep(place));
                }
                continue;
            }
            Role::Close => {
                if levels.len() > 1 {
                    depth -= before;
                    levels.pop();
                }
                continue;
            }
            Role::Next => *level = Level::default(),
            Role::Suffix => level.suffixes += 1,
            Role::Operator => level.operator(),
            Role::Comparison if level.compared => {
                let meant = type_in_angles(&tokens[..=index]).or_else(|| expressions::chained(&tokens[..=index]));
                return Err(meant.unwrap_or_else(|| chained(token, span(place))));
            }
            Role::Comparison => {
                level.operator();
                level.compared = true;
            }
            Role::Looser => {
                level.operator();
                level.compared = false;
            }
            Role::Nothing => {}
        }
        depth = depth + level.depth() - before;
        if depth > NESTING_MAX {
            return Err(too_deep(place));
        }
    }
    Ok(())
}

/// `not` and `is none` bind looser than sums: neither is an operand of one, or of another comparison, without brackets.
fn check_tests(tokens: Tokens<'_>) -> Result<(), SyntaxError> {
    for (index, &(token, place)) in tokens.iter().enumerate().skip(1) {
        let before = tokens[index - 1].0;
        if token.kind == Kind::Not && takes_operand(before) {
            return Err(not_as_operand(before, place));
        }
        if matches!(before.kind, Kind::None | Kind::Name)
            && continues_operand(token)
            && let Some(test) = test_ending_at(&tokens[..index])
        {
            return Err(test_as_operand(token, place, &test));
        }
    }
    Ok(())
}

/// Whether an operand follows that ends before any `and`. `is not` is one operator, and what follows a pipe is a name.
fn takes_operand(token: Tok<'_>) -> bool {
    match role(token, false) {
        Role::Comparison => token.kind != Kind::Is,
        Role::Operator => !matches!(token.kind, Kind::Not | Kind::Bar),
        _ => false,
    }
}

fn continues_operand(token: Tok<'_>) -> bool {
    token.kind == Kind::LBracket
        || match role(token, false) {
            Role::Suffix => true,
            Role::Operator => token.kind != Kind::Not,
            _ => false,
        }
}

/// `is none`, `is not empty`: the test that the tokens end in.
fn test_ending_at(tokens: Tokens<'_>) -> Option<String> {
    let (what, before) = tokens.split_last()?;
    if what.0.kind == Kind::Name && what.0.text != "empty" {
        return None;
    }
    let (word, before) = before.split_last()?;
    match word.0.kind {
        Kind::Is => Some(format!("is {}", what.0.text)),
        Kind::Not if before.last()?.0.kind == Kind::Is => Some(format!("is not {}", what.0.text)),
        _ => None,
    }
}

/// What has been seen between two brackets since the last comma.
#[derive(Default)]
struct Level {
    operators: usize,
    suffixes: usize,
    compared: bool,
}

impl Level {
    fn depth(&self) -> usize {
        self.operators + self.suffixes
    }

    /// Starts a new operand: the suffixes of the last one are beside it, not above it.
    fn operator(&mut self) {
        self.operators += 1;
        self.suffixes = 0;
    }
}

enum Role {
    Open,
    Close,
    Next,
    Suffix,
    Operator,
    Comparison,
    Looser,
    Nothing,
}

/// Refuses brackets and interpolations nested too deep, whatever stands in them.
pub(crate) fn check_depth(tokens: Tokens<'_>) -> Result<(), SyntaxError> {
    let mut open = 0usize;
    for &(token, place) in tokens {
        match token.kind {
            Kind::StrStart => open += 1,
            Kind::StrEnd => open = open.saturating_sub(1),
            _ => match role(token, false) {
                Role::Open => open += 1,
                Role::Close => open = open.saturating_sub(1),
                _ => {}
            },
        }
        // the lexer counts strings too
        if open >= NESTING_MAX {
            return Err(too_deep(place));
        }
    }
    Ok(())
}

fn role(token: Tok<'_>, after_dot: bool) -> Role {
    match token.kind {
        Kind::LParen | Kind::LBracket | Kind::LBrace | Kind::InterpStart => Role::Open,
        Kind::RParen | Kind::RBracket | Kind::RBrace | Kind::InterpEnd => Role::Close,
        Kind::Comma | Kind::Colon | Kind::Assign | Kind::Arrow => Role::Next,
        kind if after_dot && kind.is_word() => Role::Nothing,
        Kind::Dot => Role::Suffix,
        Kind::EqEq | Kind::NotEq | Kind::Lt | Kind::Le | Kind::Gt | Kind::Ge | Kind::Is | Kind::In => Role::Comparison,
        Kind::Name if token.text == "matches" => Role::Comparison,
        Kind::And | Kind::Or | Kind::Coalesce | Kind::If | Kind::Else => Role::Looser,
        Kind::Not | Kind::Plus | Kind::Minus | Kind::Star | Kind::Slash | Kind::Percent | Kind::Bar => Role::Operator,
        Kind::Name if matches!(token.text, "when" | "by" | "where" | "then") => Role::Looser,
        Kind::Name if token.text == "as" => Role::Operator,
        _ => Role::Nothing,
    }
}
