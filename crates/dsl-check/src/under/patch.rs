//! The lines of a profile, put into the trees of the clauses that they name.

use std::collections::BTreeMap;

use dsl_syntax::ast::{Assign, Clause, Decl, LimitLine, Name, Value};
use dsl_syntax::table::{self, ClauseKey as K, DeclKind};

use crate::check::{WITH_MEMBERS, capability_of, is_of_plan};
use crate::diagnostic::BlockRef;
use crate::imports::{Space, declarations, declared, visible};
use crate::inputs::SourceFile;
use crate::places::decl_of;
use crate::plans::{PlanBlocks, file_plans};
use crate::scope::scope;
use crate::signatures::clause;

/// What a profile changes.
pub(super) struct Patched {
    pub plan: (SourceFile, usize),
    /// Each declaration once; the clauses of an implicit plan go by the profile's own block.
    pub decls: Vec<(BlockRef, Decl)>,
}

/// By the profile's first lines, as many as are said. `None`: the profile is of no plan.
pub(super) fn patched(db: &dyn salsa::Database, profile: BlockRef, lines: usize) -> Option<Patched> {
    let decl = decl_of(db, profile)?;
    let plan = super::plan_of(db, profile)?;
    let blocks = file_plans(db, plan.0).plans.get(plan.1)?;
    let mut patching = Patching {
        db,
        profile,
        blocks,
        found: Vec::new(),
        places: BTreeMap::new(),
    };
    for line in decl.clauses.iter().take(lines) {
        patching.line(decl, line);
    }
    Some(Patched {
        plan,
        decls: patching.found,
    })
}

struct Patching<'db> {
    db: &'db dyn salsa::Database,
    profile: BlockRef,
    blocks: &'db PlanBlocks,
    found: Vec<(BlockRef, Decl)>,
    /// Where in `found` a declaration is, by the place of its file's chunk and its own in it.
    places: BTreeMap<(salsa::Id, u32), usize>,
}

impl Patching<'_> {
    /// What a line says of something that is not there has been reported.
    fn line(&mut self, profile: &Decl, line: &Clause) {
        let Value::Override(value) = &line.value else { return };
        let path: Vec<&str> = line.name.text.split('.').collect();
        let mut nodes = self.blocks.nodes.iter();
        let node = nodes.find(|(_, sig)| sig.name == path[0]).map(|(block, _)| *block);
        let here = scope(self.db, self.profile.chunk.file(self.db));
        let (block, rest) = if is_of_plan(&path, node.is_some()) {
            (self.clauses(path[0]), &path[..])
        } else if let Some(node) = node {
            (node, &path[1..])
        } else if let Some(name) = capability_of(here, &line.name.text) {
            let Some(block) = self.capability(&name) else { return };
            (block, &path[name.split('.').count()..])
        } else {
            return;
        };
        let Some(decl) = self.decl(profile, block) else { return };
        let row = rest
            .first()
            .and_then(|word| table::find(table::clauses(decl.kind), word));
        match (row.map(|row| row.key), &rest[1.min(rest.len())..]) {
            (Some(key), []) if !WITH_MEMBERS.contains(&key) => *value_of(decl, key) = (**value).clone(),
            (Some(key), [member]) if WITH_MEMBERS.contains(&key) => {
                let name = Name {
                    text: (*member).into(),
                    span: decl.header,
                };
                set(value_of(decl, key), key, name, value);
            }
            _ => {}
        }
    }

    /// The block of the plan's clauses that has such a one, else its first.
    fn clauses(&self, word: &str) -> BlockRef {
        let key = table::find(table::clauses(DeclKind::Plan), word).map(|row| row.key);
        let has = |block: &&BlockRef| {
            let decl = decl_of(self.db, **block);
            decl.zip(key).is_some_and(|(decl, key)| clause(decl, key).is_some())
        };
        let blocks = &self.blocks.clauses;
        let found = blocks.iter().find(has).or(blocks.first());
        found.copied().unwrap_or(self.profile)
    }

    /// Where a capability that the profile's file knows is declared.
    fn capability(&self, name: &str) -> Option<BlockRef> {
        let file = self.profile.chunk.file(self.db);
        let origin = visible(self.db, file).get(Space::Capability, name)?;
        let wanted = (Space::Capability, origin.name.clone());
        let mut all = declarations(self.db, origin.file).iter();
        let found = all.find(|(_, sig)| declared(sig).as_ref() == Some(&wanted));
        found.map(|(block, _)| *block)
    }

    fn decl(&mut self, profile: &Decl, block: BlockRef) -> Option<&mut Decl> {
        use salsa::plumbing::AsId;
        let key = (block.chunk.as_id(), block.index);
        let at = match self.places.get(&key) {
            Some(at) => *at,
            None => {
                let decl = match block == self.profile {
                    true => clauses_alone(profile),
                    false => decl_of(self.db, block)?.clone(),
                };
                self.found.push((block, decl));
                self.places.insert(key, self.found.len() - 1);
                self.found.len() - 1
            }
        };
        self.found.get_mut(at).map(|(_, decl)| decl)
    }
}

/// Clauses of a plan without a header.
fn clauses_alone(profile: &Decl) -> Decl {
    Decl {
        kind: DeclKind::Plan,
        name: None,
        title: None,
        of: None,
        clauses: Vec::new(),
        doc: None,
        ..profile.clone()
    }
}

/// The value of a clause, which is added if it is not there.
fn value_of(decl: &mut Decl, key: K) -> &mut Value {
    let at = decl.clauses.iter().position(|clause| clause.key == Some(key));
    let at = at.unwrap_or_else(|| {
        decl.clauses.push(Clause {
            key: Some(key),
            name: Name {
                text: key.word().into(),
                span: decl.header,
            },
            value: Value::Unknown,
            in_header: false,
            doc: None,
            span: decl.header,
        });
        decl.clauses.len() - 1
    });
    &mut decl.clauses[at].value
}

/// Sets one of the named values of a clause.
fn set(clause: &mut Value, key: K, name: Name, value: &Value) {
    let span = name.span;
    match (key, clause, value) {
        (K::Params, Value::Fields(fields), Value::Expr(value)) => {
            let field = fields.iter_mut().find(|field| field.name.text == name.text);
            if let Some(field) = field {
                field.default = Some(value.clone());
            }
        }
        (K::Limits, clause, Value::Rates(rates)) => {
            if !matches!(clause, Value::Limits(_)) {
                *clause = Value::Limits(Vec::new());
            }
            let Value::Limits(lines) = clause else { return };
            let rates = rates.clone();
            match lines.iter_mut().find(|line| line.name.text == name.text) {
                Some(line) => line.rates = rates,
                None => lines.push(LimitLine { name, rates, span }),
            }
        }
        (_, clause, Value::Expr(value)) => {
            if !matches!(clause, Value::Assigns(_)) {
                *clause = Value::Assigns(Vec::new());
            }
            let Value::Assigns(assigns) = clause else { return };
            let value = value.clone();
            match assigns.iter_mut().find(|assign| assign.name.text == name.text) {
                Some(assign) => assign.value = value,
                None => assigns.push(Assign {
                    name,
                    value,
                    doc: None,
                    span,
                }),
            }
        }
        _ => {}
    }
}
