//! The types of declarations, as one file sees them: each resolved in the file that declares it.
//!
//! Records get their names in the IR here, and are defined when everything that names them has been seen. An alias of
//! itself is an error type, said elsewhere. Absent: which names a file sees.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::sync::Arc;

use dsl_syntax::ast::{self, Name, Span};
use ir::types::{FieldDef, RecordDef, Type, Types};
use smol_str::SmolStr;

use super::{Agent, Capability, CapabilityId, PlanScope, TypedField, implicit_name};
use crate::imports::{Origin, Space, declarations, visible};
use crate::inputs::SourceFile;
use crate::signatures::{CapabilitySig, FieldSig, PlanSig, Sig, TypeSig, is_script_capability};
use crate::types::{Env, Lookup, Namespace, Report, resolve_type};

/// How long a chain of aliases may be.
const ALIAS_DEPTH_MAX: u32 = 64;

/// Resolves the types of many files as one file sees them.
pub(super) struct Resolver<'db> {
    db: &'db dyn salsa::Database,
    inner: RefCell<Resolved>,
    declared: RefCell<HashMap<SourceFile, Arc<TypesOfFile>>>,
}

type TypesOfFile = HashMap<SmolStr, Arc<TypeSig>>;

#[derive(Default)]
struct Resolved {
    /// The IR's name of a record.
    names: HashMap<(SourceFile, SmolStr), SmolStr>,
    taken: HashSet<SmolStr>,
    aliases: HashMap<(SourceFile, SmolStr), Type>,
    depth: u32,
    /// Records that are named but not defined yet.
    pending: VecDeque<(SourceFile, SmolStr)>,
    queued: HashSet<(SourceFile, SmolStr)>,
}

impl<'db> Resolver<'db> {
    pub fn new(db: &'db dyn salsa::Database, file: SourceFile) -> Self {
        let resolver = Self {
            db,
            inner: RefCell::default(),
            declared: RefCell::default(),
        };
        let own: Vec<SmolStr> = resolver.types_of(file).keys().cloned().collect();
        // the file's own records keep their names whatever they meet
        {
            let mut inner = resolver.inner.borrow_mut();
            inner.taken.extend(own.iter().cloned());
            for name in own {
                inner.names.insert((file, name.clone()), name);
            }
        }
        resolver
    }

    fn types_of(&self, file: SourceFile) -> Arc<TypesOfFile> {
        if let Some(found) = self.declared.borrow().get(&file) {
            return found.clone();
        }
        let mut types = HashMap::new();
        for (_, sig) in declarations(self.db, file).iter() {
            if let Sig::Type(sig) = sig {
                types.entry(sig.name.clone()).or_insert_with(|| sig.clone());
            }
        }
        let types = Arc::new(types);
        self.declared.borrow_mut().insert(file, types.clone());
        types
    }

    /// The type that `name` is in `file`, which declares it.
    pub fn named(&self, file: SourceFile, name: &SmolStr) -> Option<Type> {
        let sig = self.types_of(file).get(name)?.clone();
        let key = (file, name.clone());
        let Some(alias) = &sig.alias else {
            return Some(Type::Record(self.record_name(key)));
        };
        if let Some(done) = self.inner.borrow().aliases.get(&key) {
            return Some(done.clone());
        }
        if self.inner.borrow().depth >= ALIAS_DEPTH_MAX {
            return Some(Type::Error);
        }
        // what an alias of itself finds on the way round
        self.inner.borrow_mut().aliases.insert(key.clone(), Type::Error);
        self.inner.borrow_mut().depth += 1;
        let ty = self.resolve(file, alias);
        let mut inner = self.inner.borrow_mut();
        inner.depth -= 1;
        inner.aliases.insert(key, ty.clone());
        Some(ty)
    }

    /// The IR's name of a record, which from now on is one to define.
    fn record_name(&self, key: (SourceFile, SmolStr)) -> SmolStr {
        let mut inner = self.inner.borrow_mut();
        let name = match inner.names.get(&key) {
            Some(name) => name.clone(),
            None => {
                let name = self.free_name(&key, &inner.taken);
                inner.taken.insert(name.clone());
                inner.names.insert(key.clone(), name.clone());
                name
            }
        };
        if inner.queued.insert(key.clone()) {
            inner.pending.push_back(key);
        }
        name
    }

    /// The plain name, or one that also says which file it is from.
    fn free_name(&self, (file, plain): &(SourceFile, SmolStr), taken: &HashSet<SmolStr>) -> SmolStr {
        let stem = implicit_name(file.path(self.db));
        std::iter::once(plain.clone())
            .chain(std::iter::once(SmolStr::from(format!("{stem}.{plain}"))))
            .chain((2..).map(|n| SmolStr::from(format!("{stem}.{plain}-{n}"))))
            .find(|name| !taken.contains(name))
            .unwrap_or_else(|| plain.clone())
    }

    fn resolve(&self, file: SourceFile, ty: &ast::Type) -> Type {
        let env = Declared {
            resolver: self,
            file,
            none: Types::default(),
        };
        // problems are reported where the type is written
        resolve_type(ty, &env, &mut Report::default())
    }

    fn fields(&self, file: SourceFile, fields: &[FieldSig]) -> Vec<TypedField> {
        fields
            .iter()
            .map(|field| TypedField {
                name: field.name.clone(),
                ty: self.resolve(file, &field.ty),
                has_default: field.has_default,
            })
            .collect()
    }

    pub fn capability(&self, origin: &Origin) -> Option<Arc<CapabilitySig>> {
        declarations(self.db, origin.file)
            .iter()
            .find_map(|(_, sig)| match sig {
                Sig::Capability(sig) if sig.name == origin.name => Some(sig.clone()),
                _ => None,
            })
    }

    pub fn capability_types(&self, file: SourceFile, sig: &CapabilitySig) -> Capability {
        Capability {
            id: CapabilityId {
                file: Some(file),
                name: sig.name.clone(),
            },
            input: self.fields(file, &sig.input),
            output: self.fields(file, &sig.output),
            idempotent: sig.idempotent,
            title: sig.title.clone(),
            prices: sig.prices.clone(),
            runner: sig.runner.clone(),
            effects: sig.effects.clone(),
            risks: sig.risks.clone(),
            broken: sig.broken.clone(),
        }
    }

    pub fn plan(&self, file: SourceFile, sig: &PlanSig) -> PlanScope {
        PlanScope {
            name: sig.name.clone(),
            params: self.fields(file, &sig.params),
            outputs: self.fields(file, &sig.outputs),
            memory: self.fields(file, &sig.memory),
            global: sig.global.clone(),
            secrets: sig.secrets.clone(),
            budget: sig.budget.clone(),
            labels: sig.labels.clone(),
            retry: sig.retry.clone(),
            has_judge: sig.has_judge,
            broken: sig.broken.clone(),
            has_version: sig.has_version,
        }
    }

    pub fn agent(&self, origin: &Origin) -> Option<Arc<Agent>> {
        let sig = declarations(self.db, origin.file)
            .iter()
            .find_map(|(_, sig)| match sig {
                Sig::Agent(sig) if sig.name == origin.name => Some(sig),
                _ => None,
            })?;
        let found: Vec<Option<CapabilityId>> = sig
            .provides
            .iter()
            .map(|name| self.capability_id(origin.file, name))
            .collect();
        Some(Arc::new(Agent {
            open: found.iter().any(Option::is_none),
            provides: found.into_iter().flatten().collect(),
            runner: sig.runner.clone(),
            call_cost_max: sig.call_cost_max,
        }))
    }

    /// What a file means by the name of a capability.
    fn capability_id(&self, file: SourceFile, name: &SmolStr) -> Option<CapabilityId> {
        if let Some(origin) = visible(self.db, file).get(Space::Capability, name) {
            return Some(CapabilityId {
                file: Some(origin.file),
                name: origin.name.clone(),
            });
        }
        let known = is_script_capability(name) || crate::builtin::find(name).is_some();
        known.then(|| CapabilityId::builtin(name))
    }

    /// Defines every record that was named, and those that their fields name.
    pub fn finish(self) -> (Types, BTreeMap<SmolStr, Origin>) {
        let mut types = Types::default();
        let mut origins = BTreeMap::new();
        loop {
            let Some((file, name)) = self.inner.borrow_mut().pending.pop_front() else {
                return (types, origins);
            };
            let Some(sig) = self.types_of(file).get(&name).cloned() else {
                continue;
            };
            let ir_name = self.record_name((file, name.clone()));
            origins.insert(ir_name.clone(), Origin { file, name });
            let fields = sig
                .fields
                .iter()
                .map(|field| FieldDef {
                    name: field.name.clone(),
                    ty: field_type(self.resolve(file, &field.ty), field.has_default),
                })
                .collect();
            types.0.insert(ir_name, RecordDef { fields });
        }
    }
}

/// A field with a default need not be given.
fn field_type(ty: Type, has_default: bool) -> Type {
    if has_default { ty.optional() } else { ty }
}

/// The types that one file can name.
struct Declared<'a, 'db> {
    resolver: &'a Resolver<'db>,
    file: SourceFile,
    none: Types,
}

impl Env for Declared<'_, '_> {
    fn types(&self) -> &Types {
        &self.none
    }
    fn type_named(&self, name: &str) -> Option<Type> {
        let resolver = self.resolver;
        let seen = visible(resolver.db, self.file);
        let origin = seen.get(Space::Type, name)?;
        resolver.named(origin.file, &origin.name)
    }
    fn type_names(&self) -> Vec<SmolStr> {
        Vec::new()
    }
    fn first(&self, _: &str, _: Span, _: &mut Report) -> Lookup {
        Lookup::Silenced
    }
    fn member(&self, _: &Namespace, _: &Name, _: &mut Report) -> Lookup {
        Lookup::Silenced
    }
}
