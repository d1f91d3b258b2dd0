//! Makes a failing input small: fewer lines, then fewer characters, as long as it still fails.

/// How often an input is tried.
const TRIALS_MAX: usize = 3_000;

pub fn minimise(bytes: &[u8], fails: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut trials = 0;
    let mut smallest = bytes.to_vec();
    loop {
        let before = smallest.len();
        for is_line in [true, false] {
            smallest = pass(&smallest, is_line, &mut trials, &fails);
        }
        if smallest.len() == before || trials >= TRIALS_MAX {
            return smallest;
        }
    }
}

/// Leaves out halves, quarters, …, single pieces.
fn pass(bytes: &[u8], is_line: bool, trials: &mut usize, fails: &impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut pieces: Vec<&[u8]> = if is_line {
        bytes.split_inclusive(|&byte| byte == b'\n').collect()
    } else {
        bytes.chunks(1).collect()
    };
    let mut size = pieces.len().div_ceil(2);
    while size >= 1 {
        let mut at = 0;
        while at < pieces.len() && *trials < TRIALS_MAX {
            let end = (at + size).min(pieces.len());
            let without = [&pieces[..at], &pieces[end..]].concat();
            *trials += 1;
            if fails(&without.concat()) {
                pieces = without;
            } else {
                at = end;
            }
        }
        size /= 2;
    }
    pieces.concat()
}
