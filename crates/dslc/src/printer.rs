//! The only place that prints: results to standard output, everything else to standard error.
//!
//! A reader that went away (`dslc … | head`) is no error: what is left is dropped. Colours are added by the callers and taken
//! out again where they are not wanted.

use std::io::{self, ErrorKind, IsTerminal, Stderr, Stdout, Write};
use std::sync::Mutex;

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use indicatif::{MultiProgress, ProgressDrawTarget};

use crate::failure::{Failure, plain};
use crate::terminal::LiveTerminal;

/// At most.
const REDRAWS_PER_SECOND: u8 = 20;

/// `--color`
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, ValueEnum)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// For help and errors of usage.
    pub fn choice(self) -> clap::ColorChoice {
        match self {
            Self::Auto => clap::ColorChoice::Auto,
            Self::Always => clap::ColorChoice::Always,
            Self::Never => clap::ColorChoice::Never,
        }
    }
}

pub struct Printer {
    choice: ColorChoice,
    out: Mutex<Out>,
    /// Live lines at the bottom of the terminal; hidden where standard error is none.
    live: MultiProgress,
}

struct Out {
    stream: AutoStream<Stdout>,
    /// The reader went away.
    closed: bool,
    error: Option<io::Error>,
}

impl Printer {
    pub fn new(color: Color) -> Self {
        let choice = match color {
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::Always,
            Color::Never => ColorChoice::Never,
        };
        let stream = AutoStream::new(io::stdout(), choice);
        let target = if io::stderr().is_terminal() {
            ProgressDrawTarget::term_like_with_hz(Box::new(LiveTerminal::stderr()), REDRAWS_PER_SECOND)
        } else {
            ProgressDrawTarget::hidden()
        };
        Self {
            choice,
            out: Mutex::new(Out {
                stream,
                closed: false,
                error: None,
            }),
            live: MultiProgress::with_draw_target(target),
        }
    }

    /// Part of the result, painted by us: the paint goes where it is not wanted.
    pub fn out(&self, text: &str) {
        self.write(|out| out.write_all(text.as_bytes()).and_then(|()| out.flush()));
    }

    /// Part of the result that is the user's or a machine's: not a byte of it is ours to take out.
    pub fn raw(&self, bytes: impl AsRef<[u8]>) {
        self.write(|out| {
            let mut out = out.as_inner();
            out.write_all(bytes.as_ref()).and_then(|()| out.flush())
        });
    }

    fn write(&self, write: impl FnOnce(&mut AutoStream<Stdout>) -> io::Result<()>) {
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if out.closed || out.error.is_some() {
            return;
        }
        // Live lines on the same terminal would be torn.
        let written = self.live.suspend(|| write(&mut out.stream));
        match written {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => out.closed = true,
            Err(error) => out.error = Some(error),
            Ok(()) => {}
        }
    }

    /// A line of it, such as one object of JSON.
    pub fn raw_line(&self, text: &str) {
        self.raw(format!("{text}\n"));
    }

    /// A line of the result.
    pub fn line(&self, text: &str) {
        self.out(&format!("{text}\n"));
    }

    /// Nobody reads the result any more: a long one may stop.
    pub fn closed(&self) -> bool {
        self.out.lock().is_ok_and(|out| out.closed)
    }

    /// Something beside the result, as it is. Standard error that cannot be written to leaves nobody to tell.
    pub fn err(&self, text: &str) {
        let write = || AutoStream::new(io::stderr(), self.choice).write_all(text.as_bytes());
        let _ = self.live.suspend(write);
    }

    /// A line beside the result.
    pub fn note(&self, text: &str) {
        self.err(&format!("{text}\n"));
    }

    pub fn failure(&self, failure: &Failure) {
        for line in failure.message.lines() {
            self.note(&format!("{}: {}", bold("error", Some(Paint::Red)), shown(line)));
        }
        if let Some(help) = &failure.help {
            self.note(&format!("{}: {help}", bold("help", None)));
        }
    }

    pub fn warning(&self, text: &str) {
        self.note(&format!("{}: {}", bold("warning", Some(Paint::Yellow)), shown(text)));
    }

    pub fn out_is_colored(&self) -> bool {
        self.colored(&io::stdout())
    }
    pub fn err_is_colored(&self) -> bool {
        let stderr: Stderr = io::stderr();
        self.colored(&stderr)
    }
    fn colored(&self, stream: &impl anstream::stream::RawStream) -> bool {
        let choice = match self.choice {
            ColorChoice::Auto => AutoStream::choice(stream),
            other => other,
        };
        choice != ColorChoice::Never
    }

    /// Where live lines can be drawn; `None` where standard error is no terminal.
    pub fn live(&self) -> Option<&MultiProgress> {
        (!self.live.is_hidden()).then_some(&self.live)
    }

    /// What kept the result from being written, at the end.
    pub fn finish(&self) -> Result<(), Failure> {
        let mut out = self.out.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match out.error.take() {
            Some(error) => Err(Failure::internal(format!(
                "cannot write to standard output: {}",
                plain(&error)
            ))),
            None => Ok(()),
        }
    }
}

#[derive(Clone, Copy)]
pub enum Paint {
    Red,
    Green,
    Yellow,
    Blue,
}

/// Text in bold, and in a colour; the printer takes it out where it is not wanted.
pub fn bold(text: &str, paint: Option<Paint>) -> String {
    let color = match paint {
        None => "",
        Some(Paint::Red) => ";31",
        Some(Paint::Green) => ";32",
        Some(Paint::Yellow) => ";33",
        Some(Paint::Blue) => ";34",
    };
    format!("\u{1b}[1{color}m{text}\u{1b}[0m")
}

/// Text that came from outside, with control characters written out, so that a plan cannot drive the terminal.
pub fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control(c) && c != '\n' {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    shown
}

/// Control characters, those that reorder text, and line ends that only some programs know.
pub fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
