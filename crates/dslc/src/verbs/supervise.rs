//! `dslc __supervise`: the process that starts the attempts of one driver. Started by drivers, not by people.

use runtime::supervisor::supervisor_main;

use crate::failure::{Exit, Failure, plain};

pub const NAME: &str = "__supervise";

pub fn run() -> Result<Exit, Failure> {
    match supervisor_main() {
        Ok(()) => Ok(Exit::Fine),
        Err(error) => Err(Failure::internal(format!("the supervisor ended: {}", plain(&error)))),
    }
}
