//! A program that can panic, in one function; `cargo xtask symbols` must name that function.
#![no_std]
#![no_main]

board::entry!(main);

#[inline(never)]
fn takes_an_element(values: &[u8], index: usize) -> u8 {
    values[index]
}

fn main() {
    let index = core::hint::black_box(2);
    board::print_hex(takes_an_element(core::hint::black_box(&[1, 2, 3]), index).into());
    board::print_text("\n");
}
