//! The error type of the grammar: where, what was seen, and the set of what was expected there.
//!
//! A set is one integer, so that the alternatives chumsky tries and drops cost nothing; sentences are made from it only
//! once a clause has failed.

use chumsky::DefaultExpected;
use chumsky::error::{Error, LabelError};
use chumsky::util::MaybeRef;

use super::{At, Input, Tok};
use crate::token::Kind;

macro_rules! wants {
    ($($variant:ident $text:literal),* $(,)?) => {
        /// Something the grammar may wait for that is not one kind of token.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Want { $($variant),* }

        impl Want {
            const ALL: &'static [Self] = &[$(Self::$variant),*];
            pub const fn text(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }
        }
    };
}

wants! {
    Expression "an expression", Operator "an operator", Type "a type", Name "a name", String "a string in double quotes",
    Principal "a principal like `role/release`", Function "a function", Literal "a literal", Duration "a duration like `30s`",
    Integer "a whole number", Selector "`task`, `gate`, `decision`, `plan` or `node`", Pattern "a name or a pattern like `web.*`",
    Need "a name, `any(…)` or `2 of (…)`", Bound "a number", End "the end of the line", When "`when`", By "`by`", Of "`of`",
    On "`on`", As "`as`", From "`from`", Per "`per`", CallWord "`call`", Failures "`failures`", InWord "`in`", Probe "`probe`",
    After "`after`", Times "`times`", Then "`then`", Fails "`fails`", Choosing "`choosing`", Task "`task`", Scope "`scope:`",
    Severity "`severity:`", Where "`where`", Empty "`none` or `empty`", Closer "a closing bracket", Title "a title in double quotes",
}

/// A set of kinds of tokens and of wants.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Expected(u128);

const WANTS_FROM: u8 = 72;
const _: () = assert!(Kind::ALL.len() <= WANTS_FROM as usize && Want::ALL.len() + WANTS_FROM as usize <= 128);

impl Expected {
    fn kind(kind: Kind) -> Self {
        Self(1 << kind as u8)
    }

    fn want(want: Want) -> Self {
        Self(1 << (want as u8 + WANTS_FROM))
    }

    pub fn has(self, want: Want) -> bool {
        self.0 & Self::want(want).0 != 0
    }

    pub fn has_kind(self, kind: Kind) -> bool {
        self.0 & Self::kind(kind).0 != 0
    }

    fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// `a`, `a or b`, `a, b or c`; what can nearly always follow is named only if nothing else is expected.
    pub fn describe(self) -> String {
        let vague = Self(
            Self::want(Want::Operator).0
                | Self::want(Want::End).0
                | Self::kind(Kind::Dot).0
                | Self::kind(Kind::LParen).0,
        );
        let mut set = self.without(vague);
        if set.0 == 0 {
            set = self.without(Self(
                vague.0 & !(Self::want(Want::Operator).0 | Self::want(Want::End).0),
            ));
        }
        let kinds = Kind::ALL
            .iter()
            .filter(|kind| set.has_kind(**kind))
            .map(|kind| kind.describe());
        let wants = Want::ALL.iter().filter(|want| set.has(**want)).map(|want| want.text());
        let mut words: Vec<&str> = wants.chain(kinds).collect();
        words.dedup();
        match words.as_slice() {
            [] if !self.has(Want::Operator) && !self.has(Want::End) && self.has_kind(Kind::LParen) => {
                Kind::LParen.describe().to_owned()
            }
            [] => "an operator or the end of the line".to_owned(),
            [one] => (*one).to_owned(),
            [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
        }
    }
}

/// One failed parse.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Fault<'t> {
    pub span: At,
    /// `None`: the clause ended.
    pub found: Option<Tok<'t>>,
    pub expected: Expected,
}

impl<'t> Error<'t, Input<'t>> for Fault<'t> {
    fn merge(mut self, other: Self) -> Self {
        self.expected.0 |= other.expected.0;
        self
    }
}

impl<'t> LabelError<'t, Input<'t>, DefaultExpected<'t, Tok<'t>>> for Fault<'t> {
    fn expected_found<E: IntoIterator<Item = DefaultExpected<'t, Tok<'t>>>>(
        expected: E,
        found: Option<MaybeRef<'t, Tok<'t>>>,
        span: At,
    ) -> Self {
        let mut set = Expected::default();
        for pattern in expected {
            set.0 |= match pattern {
                DefaultExpected::Token(token) => Expected::kind(token.kind).0,
                DefaultExpected::EndOfInput => Expected::want(Want::End).0,
                // Rules that look at a token without a label are operators; see `expr::operator_token`.
                _ => Expected::want(Want::Operator).0,
            };
        }
        Self {
            span,
            found: found.map(|token| *token),
            expected: set,
        }
    }
}

impl<'t> LabelError<'t, Input<'t>, Want> for Fault<'t> {
    fn expected_found<E: IntoIterator<Item = Want>>(
        expected: E,
        found: Option<MaybeRef<'t, Tok<'t>>>,
        span: At,
    ) -> Self {
        let set = expected.into_iter().fold(0, |set, want| set | Expected::want(want).0);
        Self {
            span,
            found: found.map(|token| *token),
            expected: Expected(set),
        }
    }

    fn label_with(&mut self, label: Want) {
        self.expected = Expected::want(label);
    }
}
