//! Where everything stands: the second half of a layered drawing.
//!
//! An item wants to stand where its neighbours are, the more so the straighter the edge between them should be; on each
//! layer the nearest places that keep the order and the distances are found exactly (isotonic regression: pool adjacent
//! violators). Absent: shapes.

use super::layers::Layered;

/// Passes over all layers.
const PASSES: usize = 60;

/// The last of them look both ways.
const FINAL_PASSES: usize = 40;

/// Between items beside each other; bends may stand closer.
const GAP: f64 = 28.0;
const GAP_OF_BENDS: f64 = 14.0;

/// Between layers.
const LAYER_GAP: f64 = 26.0;

/// Centres of the items, and the bands of the layers.
pub struct Placed {
    pub x: Vec<f64>,
    /// Top and bottom of each layer.
    pub bands: Vec<(f64, f64)>,
    pub width: f64,
    pub height: f64,
}

impl Placed {
    pub fn new(layered: &Layered) -> Self {
        let mut x = vec![0.0; layered.items.len()];
        for layer in &layered.layers {
            let mut right = 0.0;
            for (at, &item) in layer.iter().enumerate() {
                right += at
                    .checked_sub(1)
                    .map_or(0.0, |before| distance(layered, layer[before], item));
                x[item] = right;
            }
            let middle = right / 2.0;
            layer.iter().for_each(|&item| x[item] -= middle);
        }
        let count = layered.layers.len();
        for pass in 0..PASSES {
            for step in 0..count {
                let (layer, ways) = if pass % 2 == 0 {
                    (step, Ways::Above)
                } else {
                    (count - 1 - step, Ways::Below)
                };
                let ways = if pass + FINAL_PASSES >= PASSES {
                    Ways::Both
                } else {
                    ways
                };
                settle(layered, &layered.layers[layer], ways, &mut x);
            }
        }
        let left = edge(layered, &x, |x, half| x - half).fold(f64::INFINITY, f64::min);
        let left = if left.is_finite() { left } else { 0.0 };
        x.iter_mut().for_each(|x| *x -= left);
        let width = edge(layered, &x, |x, half| x + half).fold(0.0, f64::max);
        let mut bands = Vec::with_capacity(count);
        let mut bottom = 0.0;
        for (at, layer) in layered.layers.iter().enumerate() {
            let height = layer.iter().map(|&item| layered.items[item].height).fold(0.0, f64::max);
            let top = if at == 0 { 0.0 } else { bottom + LAYER_GAP };
            bottom = top + height;
            bands.push((top, bottom));
        }
        Self {
            x,
            bands,
            width,
            height: bottom,
        }
    }
}

fn edge<'a>(layered: &'a Layered, x: &'a [f64], of: impl Fn(f64, f64) -> f64 + 'a) -> impl Iterator<Item = f64> + 'a {
    layered
        .items
        .iter()
        .zip(x)
        .map(move |(item, x)| of(*x, item.width / 2.0))
}

#[derive(Clone, Copy)]
enum Ways {
    Above,
    Below,
    Both,
}

/// From centre to centre.
fn distance(layered: &Layered, a: usize, b: usize) -> f64 {
    let (a, b) = (&layered.items[a], &layered.items[b]);
    let gap = if a.is_bend && b.is_bend { GAP_OF_BENDS } else { GAP };
    f64::midpoint(a.width, b.width) + gap
}

/// Edges between bends should be straight before all others.
fn stiffness(layered: &Layered, a: usize, b: usize) -> f64 {
    match (layered.items[a].is_bend, layered.items[b].is_bend) {
        (true, true) => 8.0,
        (false, false) => 1.0,
        _ => 2.0,
    }
}

/// Items that stand shoulder to shoulder.
struct Pool {
    weight: f64,
    /// Where the first of them stands, without the distances before it.
    at: f64,
    items: usize,
}

/// Moves the items of a layer as near as they may to where they want to be.
fn settle(layered: &Layered, layer: &[usize], ways: Ways, x: &mut [f64]) {
    let mut pools: Vec<Pool> = Vec::with_capacity(layer.len());
    let mut offsets = Vec::with_capacity(layer.len());
    let mut offset = 0.0;
    for (index, &item) in layer.iter().enumerate() {
        if let Some(before) = index.checked_sub(1) {
            offset += distance(layered, layer[before], item);
        }
        offsets.push(offset);
        let (wanted, weight) = wish(layered, item, ways, x);
        let mut pool = Pool {
            weight,
            at: wanted - offset,
            items: 1,
        };
        while let Some(last) = pools.pop_if(|last| last.at > pool.at) {
            let weight = last.weight + pool.weight;
            pool = Pool {
                at: (last.at * last.weight + pool.at * pool.weight) / weight,
                weight,
                items: last.items + pool.items,
            };
        }
        pools.push(pool);
    }
    let mut index = 0;
    for pool in pools {
        for _ in 0..pool.items {
            x[layer[index]] = pool.at + offsets[index];
            index += 1;
        }
    }
}

/// Where an item wants to be, and how much.
fn wish(layered: &Layered, item: usize, ways: Ways, x: &[f64]) -> (f64, f64) {
    let (above, below) = (&layered.above[item], &layered.below[item]);
    let near = match ways {
        Ways::Above => above.iter().chain(&[]),
        Ways::Below => below.iter().chain(&[]),
        Ways::Both => above.iter().chain(below.as_slice()),
    };
    let mut sum = 0.0;
    let mut weight = 0.0;
    for &other in near {
        let stiff = stiffness(layered, item, other);
        sum += x[other] * stiff;
        weight += stiff;
    }
    if weight == 0.0 {
        (x[item], 0.1)
    } else {
        (sum / weight, weight)
    }
}

#[cfg(test)]
mod tests {
    use super::super::layers::Link;
    use super::*;

    fn placed(count: usize, links: &[(usize, usize)]) -> (Layered, Placed) {
        let links: Vec<Link> = links.iter().map(|&(from, to)| Link { from, to, label: None }).collect();
        let layered = Layered::new(&vec![(100.0, 40.0); count], &links, true);
        let placed = Placed::new(&layered);
        (layered, placed)
    }

    #[test]
    fn nothing_stands_on_anything_else() {
        let links: Vec<(usize, usize)> = (0..90).flat_map(|at| [(at, at + 7), (at, at + 10)]).collect();
        let (layered, placed) = placed(100, &links);
        for layer in &layered.layers {
            for pair in layer.windows(2) {
                let apart = placed.x[pair[1]] - placed.x[pair[0]];
                assert!(apart >= distance(&layered, pair[0], pair[1]) - 1e-6, "{apart}");
            }
        }
        assert!(placed.x.iter().all(|x| *x >= 0.0 && *x <= placed.width));
    }

    #[test]
    fn a_chain_is_straight_and_a_parent_stands_over_the_middle_of_its_children() {
        let (_, chain) = placed(3, &[(0, 1), (1, 2)]);
        assert!((chain.x[0] - chain.x[2]).abs() < 0.5);
        let (_, tree) = placed(3, &[(0, 1), (0, 2)]);
        assert!((tree.x[0] - f64::midpoint(tree.x[1], tree.x[2])).abs() < 0.5);
    }

    #[test]
    fn an_empty_plan_is_an_empty_picture() {
        let (_, nothing) = placed(0, &[]);
        assert_eq!((nothing.width, nothing.height), (0.0, 0.0));
    }
}
