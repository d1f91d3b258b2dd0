//! Tests, each with the plan that it is about.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use dsl_syntax::table::DeclKind;
use ir::Plan;
use ir::testing::Test;

use super::plan::{Lines, cx};
use super::{CompileError, calls};
use crate::analysis::Analysis;
use crate::check::lower_test;
use crate::graph::graphs;
use crate::imports::declarations;
use crate::inputs::SourceFile;
use crate::plans::file_plans;
use crate::scope::scope;
use crate::signatures::Sig;

/// A test that can be carried out.
#[derive(Clone, Debug)]
pub struct TestCase {
    pub test: Test,
    /// The tests of one plan share it.
    pub plan: Arc<Plan>,
}

impl Analysis {
    /// The tests of a file, in its order.
    pub fn tests(&self, path: &Path) -> Result<Vec<TestCase>, CompileError> {
        let file = self.file(path).ok_or(CompileError::NoFile)?;
        let errors = self.errors(file);
        if !errors.is_empty() {
            return Err(CompileError::Errors(errors));
        }
        let mut plans: HashMap<(SourceFile, usize), Arc<Plan>> = HashMap::new();
        let mut lines = Lines::new(self, file);
        let mut found = Vec::new();
        for (block, sig) in declarations(&self.db, file).iter() {
            let Sig::Test { of: Some(of), .. } = sig else {
                continue;
            };
            let Some(shape) = scope(&self.db, file).about(of) else {
                continue;
            };
            let Some(at) = file_plans(&self.db, shape.file).named(&shape.plan.name) else {
                continue;
            };
            let Some(decl) = self.decl(*block).filter(|decl| decl.kind == DeclKind::Test) else {
                continue;
            };
            let graph = &graphs(&self.db, shape.file)[at];
            let cx = cx(self, *block, decl, graph);
            let Some(test) = lower_test(&cx, decl, &mut |span| lines.line(*block, span)) else {
                continue;
            };
            let plan = plans.entry((shape.file, at));
            let plan = plan
                .or_insert_with(|| Arc::new(calls::whole(self, shape.file, at)))
                .clone();
            found.push(TestCase { test, plan });
        }
        Ok(found)
    }
}
