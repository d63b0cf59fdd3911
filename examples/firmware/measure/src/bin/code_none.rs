//! Calls none of the int8 layers: see [`measure::code`].
#![no_std]
#![no_main]

use measure::{code_program, leave_out};

board::entry!(main);

code_program! { leave_out, leave_out }
