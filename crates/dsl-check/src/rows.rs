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

impl<T: Copy> Rows<T> {
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
        let mut sorted: Vec<T> = items.iter().map(|(_, item)| *item).collect();
        for (row, item) in items {
            let at = &mut next[*row as usize];
            sorted[*at as usize] = *item;
            *at += 1;
        }
        Self { items: sorted, starts }
    }
}

impl<T> Rows<T> {
    /// No rows yet; see [`Rows::push`].
    pub fn with_capacity(rows: usize) -> Self {
        let mut starts = Vec::with_capacity(rows + 1);
        starts.push(0);
        Self {
            items: Vec::with_capacity(rows),
            starts,
        }
    }

    /// Adds a row.
    pub fn push(&mut self, row: impl IntoIterator<Item = T>) {
        self.items.extend(row);
        self.starts.push(self.items.len() as u32);
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
