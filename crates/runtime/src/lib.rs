pub mod procfs;
pub mod supervisor;
