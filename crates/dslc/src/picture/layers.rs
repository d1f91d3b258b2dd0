//! Which layer each node is on, and what stands beside what: the first half of a layered drawing (Sugiyama, Tagawa and
//! Toda, 1981).
//!
//! Everything points down: a node is on a layer below all that it waits for. Edges that cross layers get a *bend* on
//! each, and labels are bends that take room, so nothing is drawn through anything. Deterministic, and no walk
//! recurses. Absent: coordinates.

use std::collections::VecDeque;

/// Sweeps of the ordering; more rarely help.
const SWEEPS: usize = 24;

/// Something with a place on a layer: one of the nodes, or a bend of an edge.
#[derive(Clone, Debug)]
pub struct Item {
    pub layer: usize,
    pub width: f64,
    pub height: f64,
    /// Not a node.
    pub is_bend: bool,
}

/// An edge to draw, between indices of nodes.
#[derive(Clone, Copy, Debug)]
pub struct Link {
    pub from: usize,
    pub to: usize,
    /// Width and height of its label.
    pub label: Option<(f64, f64)>,
}

/// Items by layer, in order.
pub struct Layered {
    pub items: Vec<Item>,
    pub layers: Vec<Vec<usize>>,
    /// For each link the items that it passes, from its first node to its last.
    pub routes: Vec<Vec<usize>>,
    pub above: Vec<Vec<usize>>,
    pub below: Vec<Vec<usize>>,
    /// Every other layer is for labels.
    has_labels: bool,
}

impl Layered {
    /// `sizes`: of the nodes. The links have no cycle. Only `tidy` ones get bends and an order with few crossings.
    pub fn new(sizes: &[(f64, f64)], links: &[Link], tidy: bool) -> Self {
        let layer = layer_of(sizes.len(), links);
        let items = sizes.iter().zip(&layer).map(|(&(width, height), &layer)| Item {
            layer,
            width,
            height,
            is_bend: false,
        });
        let count = layer.iter().max().map_or(0, |last| last + 1);
        let mut layered = Self {
            items: items.collect(),
            layers: vec![Vec::new(); count],
            routes: Vec::with_capacity(links.len()),
            above: Vec::new(),
            below: Vec::new(),
            has_labels: links.iter().any(|link| link.label.is_some()),
        };
        for link in links {
            let route = if tidy {
                layered.bent(link)
            } else {
                vec![link.from, link.to]
            };
            layered.routes.push(route);
        }
        layered.connect();
        layered.fill();
        if tidy {
            layered.reduce_crossings();
        }
        layered
    }

    /// Whether an item is on a layer without nodes.
    pub fn is_for_labels(&self, item: usize) -> bool {
        self.has_labels && self.items[item].layer % 2 == 1
    }

    /// A link with a bend on each layer between its ends.
    fn bent(&mut self, link: &Link) -> Vec<usize> {
        let (first, last) = (self.items[link.from].layer, self.items[link.to].layer);
        let mut route = vec![link.from];
        for layer in first + 1..last {
            let (width, height) = link.label.filter(|_| layer == first + 1).unwrap_or_default();
            route.push(self.items.len());
            self.items.push(Item {
                layer,
                width,
                height,
                is_bend: true,
            });
        }
        route.push(link.to);
        route
    }

    fn connect(&mut self) {
        self.above = vec![Vec::new(); self.items.len()];
        self.below = vec![Vec::new(); self.items.len()];
        for route in &self.routes {
            for pair in route.windows(2) {
                self.below[pair[0]].push(pair[1]);
                self.above[pair[1]].push(pair[0]);
            }
        }
    }

    /// The first order: breadth first from the top, so that what belongs together starts together.
    fn fill(&mut self) {
        let mut seen = vec![false; self.items.len()];
        let mut queue = VecDeque::new();
        for start in 0..self.items.len() {
            if self.above[start].is_empty() && !seen[start] {
                seen[start] = true;
                queue.push_back(start);
            }
            while let Some(at) = queue.pop_front() {
                self.layers[self.items[at].layer].push(at);
                for &next in &self.below[at] {
                    if !std::mem::replace(&mut seen[next], true) {
                        queue.push_back(next);
                    }
                }
            }
        }
    }

    fn reduce_crossings(&mut self) {
        let mut place = self.places();
        let mut best = (self.crossings(&place), self.layers.clone());
        for sweep in 0..SWEEPS {
            if best.0 == 0 {
                break;
            }
            let down = sweep % 2 == 0;
            let count = self.layers.len();
            for step in 1..count {
                let layer = if down { step } else { count - 1 - step };
                self.sort_layer(layer, down, &mut place);
            }
            let crossings = self.crossings(&place);
            if crossings < best.0 {
                best = (crossings, self.layers.clone());
            }
        }
        self.layers = best.1;
    }

    fn places(&self) -> Vec<usize> {
        let mut place = vec![0; self.items.len()];
        for layer in &self.layers {
            for (at, &item) in layer.iter().enumerate() {
                place[item] = at;
            }
        }
        place
    }

    /// Sorts a layer by where the neighbours of its items are; items without neighbours keep their place.
    fn sort_layer(&mut self, layer: usize, down: bool, place: &mut [usize]) {
        let neighbours = if down { &self.above } else { &self.below };
        let wanted = |item: usize| {
            let near = &neighbours[item];
            if near.is_empty() {
                return place[item] as f64;
            }
            near.iter().map(|&other| place[other] as f64).sum::<f64>() / near.len() as f64
        };
        let mut keyed: Vec<(f64, usize)> = self.layers[layer].iter().map(|&item| (wanted(item), item)).collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        self.layers[layer] = keyed.into_iter().map(|(_, item)| item).collect();
        for (at, &item) in self.layers[layer].iter().enumerate() {
            place[item] = at;
        }
    }

    fn crossings(&self, place: &[usize]) -> u64 {
        self.layers.iter().map(|layer| self.crossings_below(layer, place)).sum()
    }

    /// Counts inversions of the lower ends with a tree of prefix sums.
    fn crossings_below(&self, layer: &[usize], place: &[usize]) -> u64 {
        let mut ends = Vec::new();
        for &item in layer {
            let mut here: Vec<usize> = self.below[item].iter().map(|&other| place[other]).collect();
            here.sort_unstable();
            ends.extend(here);
        }
        let size = ends.iter().max().map_or(0, |last| last + 1);
        let mut tree = vec![0_u64; size + 1];
        let mut crossings = 0;
        for (before, &end) in ends.iter().enumerate() {
            let mut not_right = 0;
            let mut at = end + 1;
            while at > 0 {
                not_right += tree[at];
                at &= at - 1;
            }
            crossings += before as u64 - not_right;
            let mut at = end + 1;
            while at <= size {
                tree[at] += 1;
                at += at & at.wrapping_neg();
            }
        }
        crossings
    }
}

/// The layer of each node: as high as what it waits for lets it, but close to what waits for it. Odd layers are for labels.
fn layer_of(count: usize, links: &[Link]) -> Vec<usize> {
    let mut below = vec![Vec::new(); count];
    let mut open = vec![0_usize; count];
    for link in links {
        below[link.from].push(link.to);
        open[link.to] += 1;
    }
    let above: Vec<usize> = open.clone();
    let mut order: Vec<usize> = (0..count).filter(|&node| open[node] == 0).collect();
    let mut layer = vec![0; count];
    let mut next = 0;
    while let Some(&node) = order.get(next) {
        next += 1;
        for &to in &below[node] {
            layer[to] = layer[to].max(layer[node] + 1);
            open[to] -= 1;
            if open[to] == 0 {
                order.push(to);
            }
        }
    }
    for &node in order.iter().rev() {
        let lowest = below[node].iter().map(|&to| layer[to] - 1).min();
        if let Some(lowest) = lowest.filter(|_| below[node].len() > above[node]) {
            layer[node] = lowest.max(layer[node]);
        }
    }
    let labels = links.iter().any(|link| link.label.is_some());
    if labels {
        layer.iter_mut().for_each(|layer| *layer *= 2);
    }
    layer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(from: usize, to: usize) -> Link {
        Link { from, to, label: None }
    }

    #[test]
    fn everything_points_down_and_long_edges_bend_on_every_layer() {
        let links = [link(0, 1), link(1, 2), link(0, 2)];
        let layered = Layered::new(&[(10.0, 10.0); 3], &links, true);
        assert_eq!(layered.layers.len(), 3);
        for route in &layered.routes {
            for pair in route.windows(2) {
                assert_eq!(layered.items[pair[1]].layer, layered.items[pair[0]].layer + 1);
            }
        }
    }

    #[test]
    fn an_edge_that_can_be_untangled_is() {
        // a-d, b-c crosses if c and d stand in plan order
        let links = [link(0, 3), link(1, 2)];
        let layered = Layered::new(&[(10.0, 10.0); 4], &links, true);
        assert_eq!(layered.crossings(&layered.places()), 0);
    }

    #[test]
    fn a_label_has_a_layer_of_its_own() {
        let labelled = Link {
            from: 0,
            to: 1,
            label: Some((40.0, 12.0)),
        };
        let layered = Layered::new(&[(10.0, 10.0); 2], &[labelled], true);
        let bend = layered.routes[0][1];
        assert_eq!((layered.items[bend].width, layered.items[bend].layer), (40.0, 1));
    }

    #[test]
    fn every_item_has_one_place() {
        let links: Vec<Link> = (0..200).map(|at| link(at / 3, at + 1)).collect();
        let layered = Layered::new(&[(10.0, 10.0); 201], &links, true);
        let mut placed: Vec<usize> = layered.layers.iter().flatten().copied().collect();
        placed.sort_unstable();
        assert_eq!(placed, (0..layered.items.len()).collect::<Vec<_>>());
    }
}
