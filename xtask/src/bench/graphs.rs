//! Graphs of no-op tasks, written as a plan and as `build.ninja`, and a plan of the size and variety of real ones.

use std::fmt::Write;

#[derive(Clone, Copy)]
pub enum Shape {
    /// One root, and all others after it.
    FanOut,
    /// Each after the one before.
    Chain,
}

/// Node `n` needs the nodes `needs[n]`, all smaller than `n`.
pub struct Graph {
    needs: Vec<Vec<usize>>,
}

pub fn shaped(count: usize, shape: Shape) -> Graph {
    let needs = (0..count).map(|n| match shape {
        _ if n == 0 => Vec::new(),
        Shape::FanOut => vec![0],
        Shape::Chain => vec![n - 1],
    });
    Graph { needs: needs.collect() }
}

/// Layers of about a hundred nodes, each with two needs in the layer above.
pub fn layered(count: usize) -> Graph {
    const WIDTH: usize = 100;
    let needs = (0..count).map(|n| {
        let Some(above) = (n / WIDTH).checked_sub(1) else {
            return Vec::new();
        };
        let at = |column: usize| above * WIDTH + column % WIDTH;
        vec![at(n % WIDTH), at(n % WIDTH + 7)]
    });
    Graph { needs: needs.collect() }
}

impl Graph {
    pub fn plan(&self) -> String {
        let mut text = String::from("plan generated\n");
        for (n, needs) in self.needs.iter().enumerate() {
            // Infallible: writing to a string.
            let _ = writeln!(text, "\n  task t{n}");
            if !needs.is_empty() {
                let names: Vec<_> = needs.iter().map(|need| format!("t{need}")).collect();
                let _ = writeln!(text, "    needs: {}", names.join(", "));
            }
            text.push_str("    shell: \"sh\"\n    run: \":\"\n");
        }
        text
    }

    pub fn ninja(&self) -> String {
        let mut text = String::from("rule noop\n  command = :\n\n");
        for (n, needs) in self.needs.iter().enumerate() {
            let _ = write!(text, "build t{n}: noop");
            for need in needs {
                let _ = write!(text, " t{need}");
            }
            text.push('\n');
        }
        text
    }
}

/// About 300 bytes a task: titles, inputs, outputs, expressions, expectations, retries, routes.
pub fn realistic(count: usize) -> String {
    let mut text = String::from(
        "plan realistic \"A plan of the size of real ones\"\n  version: 1.0.0\n  params:\n    \
         ## How many items are enough\n    least: int(0..) = 3\n    folder: path = \".\"\n  retry: exponential(max: 2, base: 1s, cap: 30s)\n",
    );
    for n in 0..count {
        let _ = writeln!(
            text,
            "\n  # step {n} of the pipeline\n  task step-{n} \"Step number {n}\" kind:analyze"
        );
        if n > 0 {
            let before = n - 1 - (n - 1) % 3;
            let _ = writeln!(text, "    needs: step-{before}");
            let _ = writeln!(
                text,
                "    input:\n      items: step-{before}.items\n      label: \"step {n}\""
            );
        }
        let _ = writeln!(
            text,
            "    run: |\n      printf '%s\\n' {{{{ params.least }}}} \"$HOME\" | sort -u\n    \
             output:\n      items: list[string] = lines(stdout)\n    expect:\n      - len(items) >= params.least\n    timeout: 1m"
        );
    }
    text
}
