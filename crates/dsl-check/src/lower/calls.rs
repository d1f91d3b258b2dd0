//! A plan with the plans that it calls, and those that they call: each once, under one name each.
//!
//! A called plan goes by its own name wherever that is free, else by one that also says which file it is from.

use std::collections::{BTreeMap, HashMap, VecDeque};

use ir::plan::{Body, Plan, Work};
use smol_str::SmolStr;

use super::plan;
use crate::analysis::Analysis;
use crate::inputs::SourceFile;
use crate::plans::file_plans;
use crate::scope::{implicit_name, scope};

/// A plan of a file.
type At = (SourceFile, usize);

pub(super) fn whole(analysis: &Analysis, file: SourceFile, at: usize) -> Plan {
    let mut outermost = plan::one(analysis, file, at);
    let mut names = Names {
        analysis,
        given: HashMap::new(),
        taken: BTreeMap::from([(outermost.name.clone(), (file, at))]),
        queue: VecDeque::new(),
    };
    names.settle(file, &mut outermost);
    while let Some((name, (file, at))) = names.queue.pop_front() {
        let mut called = plan::one(analysis, file, at);
        names.settle(file, &mut called);
        outermost.plans.insert(name, called);
    }
    outermost
}

struct Names<'a> {
    analysis: &'a Analysis,
    given: HashMap<At, SmolStr>,
    taken: BTreeMap<SmolStr, At>,
    /// Named, and not lowered yet.
    queue: VecDeque<(SmolStr, At)>,
}

impl Names<'_> {
    /// Gives the plans that a plan of the file calls their names.
    fn settle(&mut self, file: SourceFile, plan: &mut Plan) {
        for node in &mut plan.nodes {
            if let Body::Task(task) = &mut node.body
                && let Work::Call(written) = &mut task.work
                && let Some(target) = self.target(file, written)
            {
                *written = self.name(target);
            }
        }
    }

    /// What a file means by the name of a plan.
    fn target(&self, file: SourceFile, written: &str) -> Option<At> {
        let db = &self.analysis.db;
        let shape = scope(db, file).plans.get(written)?;
        let at = file_plans(db, shape.file).named(&shape.plan.name)?;
        Some((shape.file, at))
    }

    fn name(&mut self, target: At) -> SmolStr {
        if let Some(name) = self.given.get(&target) {
            return name.clone();
        }
        let db = &self.analysis.db;
        let (file, at) = target;
        let plain = file_plans(db, file).plans[at].name.clone();
        let stem = implicit_name(file.path(db));
        let name = std::iter::once(plain.clone())
            .chain(std::iter::once(SmolStr::from(format!("{stem}.{plain}"))))
            .chain((2..).map(|n| SmolStr::from(format!("{stem}.{plain}-{n}"))))
            .find(|name| !self.taken.contains_key(name))
            .unwrap_or(plain);
        self.taken.insert(name.clone(), target);
        self.given.insert(target, name.clone());
        self.queue.push_back((name.clone(), target));
        name
    }
}
