//! A program that cannot panic; `cargo xtask symbols` must say so.
#![no_std]
#![no_main]

board::entry!(main);

#[inline(never)]
fn takes_an_element(values: &[u8], index: usize) -> u8 {
    values.get(index).copied().unwrap_or(0)
}

fn main() {
    let index = core::hint::black_box(2);
    board::print_hex(takes_an_element(core::hint::black_box(&[1, 2, 3]), index).into());
    board::print_text("\n");
}
