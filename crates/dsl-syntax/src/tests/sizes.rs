//! How large the nodes of a tree are: there are many of them, and a workspace keeps them all.

use crate::ast::{Block, Clause, Decl, Expr, ExprKind, Value};

#[test]
fn nodes_of_a_tree_are_small() {
    let sizes = [
        size_of::<Expr>(),
        size_of::<ExprKind>(),
        size_of::<Value>(),
        size_of::<Clause>(),
        size_of::<Decl>(),
        size_of::<Block>(),
    ];
    assert_eq!(sizes, [104, 96, 248, 320, 288, 368]);
}
