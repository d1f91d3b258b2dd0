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

impl<T> Rows<T> {
    /// `count` rows of the items that go with each; in a row they keep their order.
    pub fn new(count: usize, mut items: Vec<(u32, T)>) -> Self {
        let mut starts = vec![0; count + 1];
        for (row, _) in &items {
            starts[*row as usize + 1] += 1;
        }
        for row in 0..count {
            starts[row + 1] += starts[row];
        }
        // mostly in order already
        items.sort_by_key(|(row, _)| *row);
        Self {
            items: items.into_iter().map(|(_, item)| item).collect(),
            starts,
        }
    }

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
