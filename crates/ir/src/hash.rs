//! Content hashes: BLAKE3 in hexadecimal over canonical JSON, each kind of thing in a domain of its own, so that no two
//! kinds of content share a hash.

use serde::Serialize;

use crate::expr::{Expr, Ref};
use crate::plan::{Body, Need, Node, NodeId, Plan};
use crate::visit;

const PLAN_DOMAIN: &str = "plan-ir/2\0";
const NODE_DOMAIN: &str = "plan-node/2\0";

impl Plan {
    /// 64 hexadecimal digits that name this plan, down to the lines its nodes are written on.
    pub fn hash(&self) -> String {
        hash_json(PLAN_DOMAIN, self)
    }

    /// The same of a plan whose canonical text this is.
    pub fn hash_of_text(canonical: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(PLAN_DOMAIN.as_bytes()).update(canonical.as_bytes());
        hasher.finalize().to_hex().to_string()
    }

    /// 64 hexadecimal digits that name what a node does: not where it is written, nor where in the plan it stands. Other
    /// nodes enter by their names only. `None` if there is no such node.
    pub fn node_hash(&self, node: NodeId) -> Option<String> {
        self.nodes.get(node as usize).map(|node| self.hash_of(node.clone()))
    }

    /// The same of a node that is, or might be, one of this plan's.
    pub(crate) fn hash_of(&self, mut node: Node) -> String {
        node.line = 0;
        let mut names = Vec::new();
        node.for_each_id(&mut |id| {
            let name = self
                .nodes
                .get(*id as usize)
                .map(|node| node.id.clone())
                .unwrap_or_default();
            *id = names.len() as NodeId;
            names.push(name);
        });
        hash_json(NODE_DOMAIN, &(node, names))
    }
}

/// The hash of a value's canonical JSON. The domain ends with a zero byte, which JSON never has.
pub fn hash_json(domain: &str, content: &impl Serialize) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(domain.as_bytes());
    let mut out = std::io::BufWriter::with_capacity(1 << 16, &mut hasher);
    // Hashing cannot fail, and everything that is hashed has a JSON form.
    serde_json::to_writer(&mut out, content).expect("hashed content has a JSON form");
    // Dropping it writes the rest.
    drop(out);
    hasher.finalize().to_hex().to_string()
}

impl Node {
    /// Hands every id of a node in here to a visitor that may change it, in a fixed order.
    fn for_each_id(&mut self, see: &mut dyn FnMut(&mut NodeId)) {
        for need in &mut self.needs {
            match need {
                Need::Node { node, .. } => see(node),
                Need::Quorum { of, .. } => of.iter_mut().for_each(&mut *see),
            }
        }
        self.routes.iter_mut().for_each(|route| see(&mut route.to));
        match &mut self.body {
            Body::Task(task) => task.fallback.iter_mut().for_each(&mut *see),
            Body::Gate(_) => {}
            Body::Decision(decision) => {
                decision.arms.iter_mut().for_each(|arm| see(&mut arm.to));
                decision.hypotheses.iter_mut().for_each(|arm| see(&mut arm.to));
            }
        }
        visit::node_mut(self, &mut |expr, _| expr_ids(expr, see));
    }
}

/// The ids in the references of an expression.
fn expr_ids(expr: &mut Expr, visit: &mut dyn FnMut(&mut NodeId)) {
    expr.walk_mut(&mut |expr| {
        if let Expr::Ref(
            Ref::Output(id, _)
            | Ref::Status(id)
            | Ref::Attempts(id)
            | Ref::NodeDuration(id)
            | Ref::NodeAgent(id)
            | Ref::Choice(id)
            | Ref::Error(id),
        ) = expr
        {
            visit(id);
        }
    });
}
