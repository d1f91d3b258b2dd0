//! Calls and pipes: arguments to parameters, type variables to types, and what the signatures leave to prose.

use dsl_syntax::ast::{self, Arg, Name, Span};
use ir::expr::Call;
use ir::func::Func;
use ir::types::Type;
use ir::{Expr, Value};
use smol_str::SmolStr;

use super::assign::{Mismatch, assign, conversion_help, dimension};
use super::infer::{Checker, Typed, Want, convert};
use super::literal;
use super::repair::conversion;
use super::signature::{Bindings, Param, Shape, Signature, signature};

/// What `T` stands for in the functions about items.
const ITEM: char = 'T';

impl Checker<'_> {
    /// `func(args)`, or `piped | func(args)`: the piped value is the first argument.
    pub(super) fn call(
        &mut self,
        span: Span,
        name: &Name,
        piped: Option<&ast::Expr>,
        args: &[Arg],
        hint: Option<&Type>,
    ) -> Typed {
        if piped.is_none()
            && let Some(typed) = self.env.call(name, args, self.report)
        {
            return typed;
        }
        let Some(func) = Func::from_name(&name.text) else {
            let candidates: Vec<SmolStr> = Func::ALL.iter().map(|func| SmolStr::new_static(func.name())).collect();
            self.report.unknown_function(name.span, &name.text, &candidates);
            return Typed::error();
        };
        if func.observes() && !self.env.observes() {
            self.report.observing_function(name.span, func.name());
            return Typed::error();
        }
        let signature = signature(func);
        let Some(placed) = self.place(span, func, signature, piped, args) else {
            return Typed::error();
        };
        self.apply(span, func, signature, &placed, hint)
    }

    /// Which expression each parameter gets. `None`: a problem was reported.
    fn place<'e>(
        &mut self,
        span: Span,
        func: Func,
        signature: &Signature,
        piped: Option<&'e ast::Expr>,
        args: &'e [Arg],
    ) -> Option<Placed<'e>> {
        let mut placed = Placed {
            params: vec![None; signature.params.len()],
            rest: Vec::new(),
        };
        let mut next = 0;
        let mut named = false;
        for (name, value) in piped
            .map(|piped| (None, piped))
            .into_iter()
            .chain(args.iter().map(|arg| (arg.name.as_ref(), &arg.value)))
        {
            let slot = match name {
                Some(name) => {
                    named = true;
                    match signature.params.iter().position(|param| param.name == name.text) {
                        Some(at) => at,
                        None => {
                            let names: Vec<SmolStr> = signature
                                .params
                                .iter()
                                .map(|param| SmolStr::new_static(param.name))
                                .collect();
                            self.report.unknown_argument(name.span, func, &name.text, &names);
                            return None;
                        }
                    }
                }
                None if named => {
                    let message = format!(
                        "an argument without a name after a named one, expected `{}`'s names",
                        func.name()
                    );
                    self.report.wrong_arguments(value.span, message, func.signature());
                    return None;
                }
                None => {
                    next += 1;
                    next - 1
                }
            };
            match placed.params.get_mut(slot) {
                Some(free @ None) => *free = Some(value),
                Some(Some(_)) => {
                    let message = format!("`{}` gets `{}` twice", func.name(), signature.params[slot].name);
                    self.report.wrong_arguments(value.span, message, func.signature());
                    return None;
                }
                None if signature.variadic => placed.rest.push(value),
                None => {
                    self.wrong_count(span, func, signature, usize::from(piped.is_some()) + args.len());
                    return None;
                }
            }
        }
        let lacks = |(param, given): (&Param, &Option<&ast::Expr>)| given.is_none() && !may_lack(func, param);
        if signature.params.iter().zip(&placed.params).any(lacks) {
            self.wrong_count(span, func, signature, usize::from(piped.is_some()) + args.len());
            return None;
        }
        Some(placed)
    }

    fn wrong_count(&mut self, span: Span, func: Func, signature: &Signature, found: usize) {
        let most = signature.params.len();
        let least = signature.params.iter().filter(|param| !may_lack(func, param)).count();
        let expected = match (least, signature.variadic) {
            (least, true) => format!("at least {least}"),
            (least, false) if least < most => format!("{least} or {most}"),
            _ => most.to_string(),
        };
        let message = format!(
            "`{}` has {found} argument{}, expected {expected}",
            func.name(),
            if found == 1 { "" } else { "s" }
        );
        self.report.wrong_arguments(span, message, func.signature());
    }

    fn apply(
        &mut self,
        span: Span,
        func: Func,
        signature: &Signature,
        placed: &Placed<'_>,
        hint: Option<&Type>,
    ) -> Typed {
        let mut bindings = Bindings::new();
        let mut args = Vec::with_capacity(placed.params.len() + placed.rest.len());
        for (at, (param, given)) in signature.params.iter().zip(&placed.params).enumerate() {
            let Some(given) = *given else {
                args.extend(default_value(param).map(Expr::Const));
                continue;
            };
            let typed = if param.of_item {
                self.about_item(func, param, given, &mut bindings)
            } else {
                self.argument(
                    func,
                    shapes_for(func, at, param, &bindings),
                    param,
                    given,
                    &mut bindings,
                )
            };
            if typed.is_error() {
                return typed;
            }
            args.push(typed.expr);
        }
        for given in &placed.rest {
            let typed = self.renderable(given);
            if typed.is_error() {
                return typed;
            }
            args.push(typed.expr);
        }
        let Some(ty) = self.result(span, func, signature, placed, &args, &bindings, hint) else {
            return Typed::error();
        };
        Typed::new(Expr::Call(Box::new(Call { func, args })), ty)
    }

    /// An ordinary argument: of one of the parameter's shapes.
    fn argument(
        &mut self,
        func: Func,
        shapes: &[Shape],
        param: &Param,
        given: &ast::Expr,
        bindings: &mut Bindings,
    ) -> Typed {
        let hint = shapes
            .first()
            .filter(|shape| !shape.is_unknown(bindings))
            .map(|shape| shape.filled(bindings));
        let expected = shapes
            .iter()
            .map(|shape| shape.describe(bindings))
            .collect::<Vec<_>>()
            .join(" or ");
        let typed = self.present(given, hint.as_ref(), &expected);
        if typed.is_error() {
            return typed;
        }
        for shape in shapes {
            let mut tried = bindings.clone();
            shape.bind(&typed.ty, &mut tried);
            let wanted = shape.filled(&tried);
            if assign(&typed.ty, &wanted, self.env.types()).is_ok() {
                *bindings = tried;
                return Typed::new(convert(typed.expr, &typed.ty, &wanted), wanted);
            }
        }
        let only = shapes
            .first()
            .filter(|_| shapes.len() == 1)
            .map(|shape| shape.filled(bindings));
        self.wrong_type(
            func,
            param,
            given,
            &typed.ty,
            &expected,
            only.as_ref().or(hint.as_ref()),
        );
        Typed::error()
    }

    fn wrong_type(
        &mut self,
        func: Func,
        param: &Param,
        given: &ast::Expr,
        found: &Type,
        expected: &str,
        wanted: Option<&Type>,
    ) {
        let help = wanted.and_then(|wanted| conversion_help(found, wanted));
        match wanted.map(|wanted| (assign(found, wanted, self.env.types()), wanted)) {
            Some((Err(Mismatch::Unit), wanted)) => {
                let name = |ty: &Type| dimension(ty).unwrap_or("a value");
                let converted = conversion(given, found, wanted);
                self.report
                    .unit_mismatch(given.span, name(found), name(wanted), help, converted);
            }
            _ => self
                .report
                .wrong_argument_type(given.span, func, param.name, found, expected, help),
        }
    }

    /// An expression about each item of the first argument.
    fn about_item(&mut self, func: Func, param: &Param, given: &ast::Expr, bindings: &mut Bindings) -> Typed {
        let item = bindings.get(&ITEM).cloned().unwrap_or(Type::Json);
        let shape = &param.shapes[0];
        if let Shape::Type(ty) = shape {
            return self.with_item(item, |this| this.expr(given, Want::Exactly(ty)));
        }
        let typed = self.with_item(item, |this| this.expr(given, Want::Anything));
        let typed = if func == Func::Map {
            typed
        } else {
            self.require(given, typed, "a value for every item")
        };
        if !typed.is_error() {
            shape.bind(&typed.ty, bindings);
        }
        typed
    }

    /// The type of the whole, after what the signature cannot say. `None`: a problem was reported.
    #[expect(clippy::too_many_arguments, reason = "the one place where all of a call is known")]
    fn result(
        &mut self,
        span: Span,
        func: Func,
        signature: &Signature,
        placed: &Placed<'_>,
        args: &[Expr],
        bindings: &Bindings,
        hint: Option<&Type>,
    ) -> Option<Type> {
        let first = placed
            .params
            .first()
            .copied()
            .flatten()
            .map_or(span, |first| first.span);
        let last = placed.params.last().copied().flatten().map_or(first, |last| last.span);
        let bound = |var: char| bindings.get(&var).cloned().unwrap_or(Type::Json);
        let (at, ty, fits, expected) = match func {
            Func::Min | Func::Max => (
                first,
                bound('T'),
                Type::is_ordered as fn(&Type) -> bool,
                "items with an order",
            ),
            Func::SortBy => (
                last,
                bound('U'),
                is_sortable as fn(&Type) -> bool,
                "a key with an order",
            ),
            Func::Abs => (
                first,
                bound('T'),
                is_addable as fn(&Type) -> bool,
                "a number or a quantity",
            ),
            Func::Sum => {
                let of_items = bindings.get(&'U').cloned().unwrap_or_else(|| bound('T'));
                (
                    last,
                    of_items,
                    is_addable as fn(&Type) -> bool,
                    "numbers, durations, sizes or money to add",
                )
            }
            Func::File => return Some(file_type(args, hint)),
            Func::Format => return self.check_format(placed, args).then_some(Type::STRING),
            _ => return Some(signature.result.result_type(bindings)),
        };
        if !fits(&ty) {
            self.report
                .expected_one_of(at, &ty, expected, conversion_help(&ty, &Type::FLOAT));
            return None;
        }
        Some(if func == Func::Sum {
            ty
        } else {
            signature.result.result_type(bindings)
        })
    }

    /// As many `{}` as arguments, where the template is known.
    fn check_format(&mut self, placed: &Placed<'_>, args: &[Expr]) -> bool {
        let Some(Expr::Const(Value::String(template))) = args.first() else {
            return true;
        };
        let holes = template.matches("{}").count();
        let given = args.len() - 1;
        if holes == given {
            return true;
        }
        let span = placed.params[0].map(|template| template.span).unwrap_or_default();
        let message = format!(
            "the template has {holes} `{{}}`, the call {given} argument{} to fill in",
            if given == 1 { "" } else { "s" }
        );
        self.report.wrong_arguments(span, message, Func::Format.signature());
        false
    }
}

/// The expressions of a call, by parameter.
struct Placed<'e> {
    params: Vec<Option<&'e ast::Expr>>,
    /// Of a variadic function.
    rest: Vec<&'e ast::Expr>,
}

/// `sum(xs)` adds the items themselves.
fn may_lack(func: Func, param: &Param) -> bool {
    param.default.is_some() || (func == Func::Sum && param.of_item)
}

fn default_value(param: &Param) -> Option<Value> {
    param.default.and_then(|digits| literal::int(digits).ok())
}

/// `contains(x, y)`: a text contains texts, a list its items; which of the two is meant depends on `x`.
fn shapes_for<'s>(func: Func, at: usize, param: &'s Param, bindings: &Bindings) -> &'s [Shape] {
    if func == Func::Contains && at == 1 {
        let of_list = bindings.contains_key(&ITEM);
        let cut = param
            .shapes
            .iter()
            .position(|shape| matches!(shape, Shape::Var(_)))
            .unwrap_or(0);
        return if of_list {
            &param.shapes[cut..]
        } else {
            &param.shapes[..cut]
        };
    }
    &param.shapes
}

/// A pattern gives a list; so does whatever stands where a list is expected.
fn file_type(args: &[Expr], hint: Option<&Type>) -> Type {
    let is_pattern = match args.first() {
        Some(Expr::Const(Value::String(path))) => path.contains(['*', '?', '[', '{']),
        _ => matches!(hint.map(Type::required), Some(Type::List(_))),
    };
    if is_pattern { Type::list(Type::File) } else { Type::File }
}

const fn is_sortable(ty: &Type) -> bool {
    ty.is_ordered() || matches!(ty, Type::Bool | Type::Path | Type::Url | Type::Enum(_))
}

const fn is_addable(ty: &Type) -> bool {
    matches!(
        ty,
        Type::Int(_) | Type::Float(_) | Type::Duration | Type::Size | Type::Money
    )
}
