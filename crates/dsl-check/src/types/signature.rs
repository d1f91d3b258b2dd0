//! Signatures of functions, read from the one table that people read too ([`Func::signature`]).
//!
//! `truncate(s: string, n: int) -> string` is parsed once, so what hover shows is what is checked. Capital letters are
//! type variables; `… of it` is an expression about each item of the first argument. Absent: what only prose can say
//! (that a sum needs numbers), which [`super::calls`] adds.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use ir::func::Func;
use ir::types::Type;
use smol_str::SmolStr;

#[derive(Debug)]
pub(super) struct Signature {
    pub(super) params: Vec<Param>,
    /// Any number of further arguments of any type.
    pub(super) variadic: bool,
    pub(super) result: Shape,
}

#[derive(Debug)]
pub(super) struct Param {
    pub(super) name: &'static str,
    /// One or more alternatives.
    pub(super) shapes: Vec<Shape>,
    /// An expression about `it`.
    pub(super) of_item: bool,
    /// The default of a parameter that may be left out, as written.
    pub(super) default: Option<&'static str>,
}

/// A type with variables.
#[derive(Debug)]
pub(super) enum Shape {
    Var(char),
    Type(Type),
    List(Box<Shape>),
    Map(Box<Shape>),
    Optional(Box<Shape>),
    Fields(Vec<(&'static str, Shape)>),
}

/// What the variables of one call stand for.
pub(super) type Bindings = BTreeMap<char, Type>;

/// The signature of a function.
pub(super) fn signature(func: Func) -> &'static Signature {
    static TABLE: OnceLock<BTreeMap<Func, Signature>> = OnceLock::new();
    let table = TABLE.get_or_init(|| {
        let parsed = Func::ALL.iter().map(|func| (*func, parse(func.signature())));
        parsed
            .map(|(func, signature)| (func, signature.expect("a test parses every signature")))
            .collect()
    });
    &table[&func]
}

impl Shape {
    /// Whether it is nothing but a variable that is not known yet.
    pub(super) fn is_unknown(&self, bindings: &Bindings) -> bool {
        match self {
            Self::Var(var) => !bindings.contains_key(var),
            Self::Type(_) => false,
            Self::List(inner) | Self::Map(inner) | Self::Optional(inner) => inner.is_unknown(bindings),
            Self::Fields(fields) => fields.iter().any(|(_, shape)| shape.is_unknown(bindings)),
        }
    }

    /// The type with its variables filled in; an unknown one is the type that silences.
    pub(super) fn filled(&self, bindings: &Bindings) -> Type {
        match self {
            Self::Var(var) => bindings.get(var).cloned().unwrap_or(Type::Error),
            Self::Type(ty) => ty.clone(),
            Self::List(inner) => Type::list(inner.filled(bindings)),
            Self::Map(inner) => Type::map(inner.filled(bindings)),
            Self::Optional(inner) => inner.filled(bindings).optional(),
            Self::Fields(fields) => Type::Fields(
                fields
                    .iter()
                    .map(|(name, shape)| (SmolStr::new_static(name), shape.filled(bindings)))
                    .collect(),
            ),
        }
    }

    /// The type of a result: what no argument determined (the items of `[]`) is dynamic, so that it is not taken for a
    /// mistake.
    pub(super) fn result_type(&self, bindings: &Bindings) -> Type {
        match self {
            Self::Var(var) => bindings.get(var).cloned().unwrap_or(Type::Json),
            Self::List(inner) => Type::list(inner.result_type(bindings)),
            Self::Map(inner) => Type::map(inner.result_type(bindings)),
            Self::Optional(inner) => inner.result_type(bindings).optional(),
            Self::Fields(fields) => Type::Fields(
                fields
                    .iter()
                    .map(|(name, shape)| (SmolStr::new_static(name), shape.result_type(bindings)))
                    .collect(),
            ),
            Self::Type(ty) => ty.clone(),
        }
    }

    /// Binds the unknown variables so that the shape is as much like `ty` as it can be.
    pub(super) fn bind(&self, ty: &Type, bindings: &mut Bindings) {
        match (self, ty) {
            (Self::Var(_), Type::Error) => {}
            (Self::Var(var), ty) => {
                bindings.entry(*var).or_insert_with(|| ty.unrefined());
            }
            (Self::List(inner), Type::List(list)) => inner.bind(&list.item, bindings),
            (Self::Map(inner), Type::Map(item)) => inner.bind(item, bindings),
            (Self::Map(inner), Type::Fields(fields)) => {
                if let Some(item) = fields.values().next() {
                    inner.bind(item, bindings);
                }
            }
            (Self::Optional(inner), ty) => inner.bind(ty.required(), bindings),
            _ => {}
        }
    }

    /// For messages: `list`, where the items do not matter.
    pub(super) fn describe(&self, bindings: &Bindings) -> String {
        match self {
            Self::Var(var) => bindings
                .get(var)
                .map_or_else(|| "a value".to_owned(), |ty| format!("`{ty}`")),
            Self::List(inner) if inner.is_unknown(bindings) => "a list".to_owned(),
            Self::Map(inner) if inner.is_unknown(bindings) => "a map".to_owned(),
            other => format!("`{}`", other.filled(bindings)),
        }
    }
}

/// `name(a: T, b: U = 0, ...) -> R`
pub(super) fn parse(text: &'static str) -> Option<Signature> {
    let (head, result) = text.rsplit_once(") -> ")?;
    let (_, params) = head.split_once('(')?;
    let mut signature = Signature {
        params: Vec::new(),
        variadic: false,
        result: shape(result.trim())?,
    };
    for param in split_outside_brackets(params, ',') {
        if param == "..." {
            signature.variadic = true;
            continue;
        }
        let (name, rest) = param.split_once(':')?;
        let (shapes, default) = match rest.split_once('=') {
            Some((shapes, default)) => (shapes, Some(default.trim())),
            None => (rest, None),
        };
        let (shapes, of_item) = match shapes.trim().strip_suffix(" of it") {
            Some(shapes) => (shapes, true),
            None => (shapes.trim(), false),
        };
        let (name, may_lack) = match name.trim().strip_suffix('?') {
            Some(name) => (name, true),
            None => (name.trim(), false),
        };
        let shapes = split_outside_brackets(shapes, '|')
            .into_iter()
            .map(shape)
            .collect::<Option<Vec<_>>>()?;
        let default = default.or(may_lack.then_some(""));
        signature.params.push(Param {
            name,
            shapes,
            of_item,
            default,
        });
    }
    Some(signature)
}

fn shape(text: &'static str) -> Option<Shape> {
    let text = text.trim();
    if let Some(inner) = text.strip_suffix('?') {
        return Some(Shape::Optional(Box::new(shape(inner)?)));
    }
    if let Some(inner) = text.strip_prefix("list[").and_then(|text| text.strip_suffix(']')) {
        return Some(Shape::List(Box::new(shape(inner)?)));
    }
    if let Some(inner) = text.strip_prefix("map[").and_then(|text| text.strip_suffix(']')) {
        return Some(Shape::Map(Box::new(shape(inner)?)));
    }
    if let Some(inner) = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')) {
        let fields = split_outside_brackets(inner, ',').into_iter().map(|field| {
            let (name, ty) = field.split_once(':')?;
            Some((name.trim(), shape(ty)?))
        });
        return Some(Shape::Fields(fields.collect::<Option<_>>()?));
    }
    Some(Shape::Type(match text {
        "string" => Type::STRING,
        "int" => Type::INT,
        "float" => Type::FLOAT,
        "bool" => Type::Bool,
        "duration" => Type::Duration,
        "size" => Type::Size,
        "money" => Type::Money,
        "time" => Type::Time,
        "path" => Type::Path,
        "file" => Type::File,
        "json" => Type::Json,
        _ => {
            let mut letters = text.chars();
            return match (letters.next(), letters.next()) {
                (Some(var), None) if var.is_ascii_uppercase() => Some(Shape::Var(var)),
                _ => None,
            };
        }
    }))
}

fn split_outside_brackets(text: &'static str, separator: char) -> Vec<&'static str> {
    let mut parts = Vec::new();
    let mut depth = 0;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match c {
            '[' | '{' | '(' => depth += 1,
            ']' | '}' | ')' => depth -= 1,
            _ if c == separator && depth == 0 => {
                parts.push(text[start..at].trim());
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    let last = text[start..].trim();
    if !last.is_empty() {
        parts.push(last);
    }
    parts
}
