//! A list for each of many nodes, all in one vector: two allocations, however many nodes.

use std::ops::Index;

#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Rows<T> {
    items: Vec<T>,
    /// Where each row starts, and where the last one ends.
    starts: Vec<u32>,
}

impl<T> Default for Rows<T> {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            starts: Vec::new(),
        }
    }
}

impl<T: Clone> Rows<T> {
    /// `count` rows of the items that go with each; in a row they keep their order.
    pub fn new(count: usize, items: &[(u32, T)]) -> Self {
        let mut starts = vec![0; count + 1];
        for (row, _) in items {
            starts[*row as usize + 1] += 1;
        }
        for row in 0..count {
            starts[row + 1] += starts[row];
        }
        let mut next = starts.clone();
        let mut order = vec![0; items.len()];
        for (at, (row, _)) in items.iter().enumerate() {
            let next = &mut next[*row as usize];
            order[*next as usize] = at;
            *next += 1;
        }
        Self {
            items: order.into_iter().map(|at| items[at].1.clone()).collect(),
            starts,
        }
    }
}

impl<T> Rows<T> {
    pub fn iter(&self) -> impl Iterator<Item = &[T]> {
        self.starts
            .windows(2)
            .map(|ends| &self.items[ends[0] as usize..ends[1] as usize])
    }

    /// The items of all rows, in order.
    pub fn all(&self) -> &[T] {
        &self.items
    }
}

impl<T> Index<usize> for Rows<T> {
    type Output = [T];

    fn index(&self, row: usize) -> &[T] {
        &self.items[self.starts[row] as usize..self.starts[row + 1] as usize]
    }
}
