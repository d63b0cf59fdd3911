//! Calls the eleven int8 layers and a twelfth of another shape: see [`measure::code`].
#![no_std]
#![no_main]

use measure::{code_program, run};

board::entry!(main);

code_program! { run, run }
