//! The terminal that live lines are drawn on: one that went away is drawn on no more, and is no reason to stop driving a run.

use std::io;

use console::Term;
use indicatif::TermLike;

/// Standard error. What cannot be written is dropped.
#[derive(Debug)]
pub struct LiveTerminal(Term);

impl LiveTerminal {
    pub fn stderr() -> Self {
        Self(Term::buffered_stderr())
    }
}

fn dropped<E>(_written: Result<(), E>) -> io::Result<()> {
    Ok(())
}

impl TermLike for LiveTerminal {
    fn width(&self) -> u16 {
        self.0.size().1
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        dropped(self.0.move_cursor_up(n))
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        dropped(self.0.move_cursor_down(n))
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        dropped(self.0.move_cursor_right(n))
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        dropped(self.0.move_cursor_left(n))
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        dropped(self.0.write_line(text))
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        dropped(self.0.write_str(text))
    }

    fn clear_line(&self) -> io::Result<()> {
        dropped(self.0.clear_line())
    }

    fn flush(&self) -> io::Result<()> {
        dropped(self.0.flush())
    }
}
