//! The work of checking a plan that nobody should write, counted in what is allocated: four times the plan is about
//! four times the work. Quadratic work would be sixteen times.

use plan_fuzz::pathological::{SHAPES, Shape, check};
use plan_fuzz::session::STACK_BYTES;

/// What is sorted, and vectors that grow, take a little more than four times as much.
const FOURFOLD_MOST: f64 = 5.5;

/// Blocks and bytes that checking allocates. Everything happens on one thread, because each thread is counted alone.
fn allocations(shape: &Shape, size: usize) -> [u64; 2] {
    let files = (shape.make)(size);
    let work = move || {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).use_current_thread();
        let pool = pool.build().expect("a pool of this thread");
        let counted = allocation_counter::measure(|| {
            pool.install(|| check(&files));
        });
        [counted.count_total, counted.bytes_total]
    };
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES).spawn(work);
    thread.expect("a thread").join().expect("no panic")
}

#[test]
fn work_grows_as_plans_do() {
    // what is made once
    allocations(&SHAPES[0], 1);
    let mut wrong = Vec::new();
    for shape in SHAPES {
        let small = allocations(shape, shape.small);
        let large = allocations(shape, 4 * shape.small);
        let growth = [0, 1].map(|at| large[at] as f64 / small[at] as f64);
        if growth.iter().any(|&growth| growth > FOURFOLD_MOST) {
            wrong.push(format!("{}: {small:?}, then {large:?}, {growth:.1?} times", shape.name));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
