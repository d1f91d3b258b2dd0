//! Cases one after another, on a thread with a small stack, while another watches that each ends.
//!
//! Times are what the process has used of processors, so that a busy machine changes nothing but how long one waits.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::minimise::minimise;
use crate::properties::Target;
use crate::random::Random;
use crate::{corpus, invent, mutate};

/// What a thread of the language server has.
pub const STACK_BYTES: usize = 2 * 1024 * 1024;
/// Cases are small, so even a debug build needs no such time.
const CASE_TIME_MAX: Duration = Duration::from_secs(30);
/// One that waits for ever uses none.
const CASE_WAIT_MAX: Duration = Duration::from_secs(3600);
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// An input of which a property does not hold.
#[derive(Clone, Debug)]
pub struct Finding {
    pub input: Vec<u8>,
    pub why: String,
}

pub struct Session {
    pub target: Target,
    pub seed: u64,
    /// Where the case at hand is written before it runs, for when it takes the process with it.
    pub current: Option<PathBuf>,
}

/// When to stop.
#[derive(Clone, Copy)]
pub enum Until {
    Cases(u64),
    /// Of processors.
    Time(Duration),
}

/// What the worker is at, for who watches.
#[derive(Default)]
struct AtHand {
    /// How many inputs were begun.
    begun: u64,
    input: Vec<u8>,
}

type Outcome = (u64, Option<Finding>);

impl Session {
    /// The number of cases that held, and the first that did not, made small.
    pub fn run(&self, until: Until) -> Outcome {
        let (sender, receiver) = mpsc::channel();
        let (target, seed, current) = (self.target, self.seed, self.current.clone());
        let at_hand = Arc::new(Mutex::new(AtHand::default()));
        let watched = Arc::clone(&at_hand);
        let worker = std::thread::Builder::new()
            .name(target.name().to_owned())
            .stack_size(STACK_BYTES)
            .spawn(move || {
                let current = current.and_then(|path| File::create(path).ok());
                let begin = |input: &[u8]| begin(input, &watched, current.as_ref());
                let _ = sender.send(work(target, seed, until, &begin));
            });
        if let Err(error) = worker {
            let why = format!("no thread: {error}");
            return (0, Some(Finding { input: Vec::new(), why }));
        }
        let finding = |why: String| {
            let input = std::mem::take(&mut locked(&at_hand).input);
            (0, Some(Finding { input, why }))
        };
        let mut seen = 0;
        let mut began = (Instant::now(), processor_time());
        loop {
            match receiver.recv_timeout(LOOK_EVERY) {
                Ok(outcome) => return outcome,
                Err(RecvTimeoutError::Timeout) => {
                    let begun = locked(&at_hand).begun;
                    if begun != seen {
                        seen = begun;
                        began = (Instant::now(), processor_time());
                        continue;
                    }
                    let used = processor_time().saturating_sub(began.1);
                    if used > CASE_TIME_MAX || began.0.elapsed() > CASE_WAIT_MAX {
                        return finding(format!("it takes more than {CASE_TIME_MAX:?}, or waits for ever"));
                    }
                }
                Err(RecvTimeoutError::Disconnected) => return finding("the worker died".to_owned()),
            }
        }
    }
}

fn locked(at_hand: &Mutex<AtHand>) -> MutexGuard<'_, AtHand> {
    at_hand.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The file stays open: to make it anew for each case would wait for the disk.
fn begin(input: &[u8], at_hand: &Mutex<AtHand>, current: Option<&File>) {
    if let Some(file) = current {
        // Only a help after a crash; the finding would be found again by its seed.
        let _ = file.set_len(0).and_then(|()| file.write_all_at(input, 0));
    }
    let mut at_hand = locked(at_hand);
    at_hand.begun += 1;
    at_hand.input.clear();
    at_hand.input.extend_from_slice(input);
}

/// What this process has used so far.
fn processor_time() -> Duration {
    Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap_or_default()
}

fn work(target: Target, seed: u64, until: Until, begin: &impl Fn(&[u8])) -> Outcome {
    std::panic::set_hook(Box::new(|_| ()));
    let seeds = corpus::seeds();
    let started = processor_time();
    let mut cases = 0;
    let is_over = |cases: u64| match until {
        Until::Cases(most) => cases >= most,
        Until::Time(time) => processor_time().saturating_sub(started) >= time,
    };
    while !is_over(cases) {
        let mut random = Random::new(seed ^ cases.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let input = case(&seeds, &mut random);
        begin(&input);
        if let Err(why) = outcome(target, &input) {
            let input = minimise(&input, |input| {
                begin(input);
                outcome(target, input).is_err_and(|other| is_alike(&why, &other))
            });
            let why = outcome(target, &input).err().unwrap_or(why);
            return (cases, Some(Finding { input, why }));
        }
        cases += 1;
    }
    (cases, None)
}

/// The property's word, or what a panic said.
pub fn outcome(target: Target, input: &[u8]) -> Result<(), String> {
    catch_unwind(AssertUnwindSafe(|| target.holds(input))).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str);
        let text = text.or_else(|| panic.downcast_ref::<&str>().copied());
        Err(format!("panic: {}", text.unwrap_or("without a word")))
    })
}

/// Whether two inputs fail for the same reason, as far as their first words tell.
fn is_alike(one: &str, other: &str) -> bool {
    let start = |text: &str| text.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    start(one) == start(other)
}

fn case(seeds: &[String], random: &mut Random) -> Vec<u8> {
    let text = match random.below(4) {
        0 => invent::plan(random),
        1 => mutate::mutate(&invent::plan(random), seeds, random),
        _ => {
            let seed = seeds.get(random.below(seeds.len()));
            mutate::mutate(seed.map_or("", String::as_str), seeds, random)
        }
    };
    let mut bytes = text.into_bytes();
    if random.one_in(20) {
        for _ in 0..random.below(8) {
            let at = random.below(bytes.len());
            if let Some(byte) = bytes.get_mut(at) {
                *byte = random.next() as u8;
            }
        }
    }
    bytes
}
