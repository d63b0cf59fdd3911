//! Calls the eleven int8 layers: see [`measure::code`].
#![no_std]
#![no_main]

use measure::{code_program, leave_out, run};

board::entry!(main);

code_program! { run, leave_out }
