//! `dslc __exec`: the process that confines itself to the `effects:` of a script and becomes it. Started by drivers,
//! not by people.

use crate::failure::{Exit, Failure, plain};

pub const NAME: &str = "__exec";

pub fn run() -> Result<Exit, Failure> {
    let error = runtime::confine::exec_main(std::env::args_os().skip(2));
    Err(Failure::internal(format!(
        "cannot confine the script to its `effects:`: {}",
        plain(&error)
    )))
}
