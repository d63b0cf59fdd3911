//! What arrives is convolved as it comes: samples inside the timer's interrupt, and an image row by row.
//!
//! ```text
//! timer interrupt: sample ──► decimator ──► queue ──► main loop: interpolator ──► samples
//!
//! camera: row of 32 pixels ──► 3×3, 8 channels ──► depthwise 3×3, stride 2 ──► transposed 2×2, stride 2 ──► 2 rows
//! ```
//!
//! The decimator's whole state is a variable of constant size that the interrupt owns; one push costs at most
//! the multiplications of one window. The three layers of the camera are quantised streams: an output row of
//! one is an input row of the next, and together they remember less than an eighth of the first feature map.
//!
//! At the end signal and image go through the same layers in one piece each: every bit must be the same.
#![no_std]
#![no_main]

use core::cell::RefCell;

use board::{Exit, print, println, timer};
use conv_core::filter::{self, Taper};
use conv_core::finish::{self, Finish, Raw, RoundingShift};
use conv_core::quantised::{QuantConv2d, QuantConvTranspose2d, QuantDepthwise2d, Quantisation};
use conv_core::requantise::{Double, Multiplier};
use conv_core::stream::{Conv, Layer1d, Stream};
use conv_core::{Window1d, window1d, window2d};
use critical_section::Mutex;
use heapless::spsc::{Consumer, Producer, Queue};

board::entry!(main);
board::timer!(sample);

fn main() {
    signal();
    image();
}

// Signal.

const STRIDE: usize = 4;
const TAPS: usize = 32;
const SAMPLES: usize = 256;
const SLOW_SAMPLES: usize = SAMPLES / STRIDE;

/// An electrocardiogram, in units of its converter: see `data/README.md`.
static RECORDING: [i16; 1024] = include!("../../data/ecg.rs");

/// Low-pass with gain 1, in Q15.
static LOW_PASS: [i16; TAPS] = filter::to_i16(&filter::decimator(STRIDE, Taper::Hamming), 15);

/// Low-pass with gain 4 for the three zeros between samples, in Q14.
static FILL_IN: [i16; TAPS] = filter::to_i16(&filter::interpolator(STRIDE, Taper::Hamming), 14);

// Zeros before the signal; output `t` comes with sample `4·t + 3`.
window1d! { struct Decimate: stride 4, pad_before 28 }
// Of the interpolated signal what follows the last sample is cut off.
window1d! { struct Interpolate: stride 4, pad_after 28 }

type ToQ15 = RoundingShift<Raw<i64>, i16>;

/// A history longer than the 32 samples needed is moved down less often: here every 33rd sample.
type Decimator = Stream<Layer1d<'static, Conv, Decimate, [i16; TAPS], ToQ15>, [i16; 2 * TAPS], i16>;

const DECIMATOR: Decimator = Stream::conv_1d(
    Decimate,
    &LOW_PASS,
    RoundingShift::new(finish::raw(), 15),
    [0; 2 * TAPS],
);

/// What the interrupt works on.
struct Sensor {
    remaining: &'static [i16],
    decimator: Decimator,
    queue: Producer<'static, i16>,
}

/// What the interrupt and the main loop take turns to use.
type Shared<T> = Mutex<RefCell<T>>;

/// The interrupt has one end of the queue, the main loop the other.
static ENDS: (Shared<Sensor>, Shared<Option<Consumer<'static, i16>>>) = {
    static mut QUEUE: Queue<i16, 128> = Queue::new();
    #[allow(unsafe_code, static_mut_refs)]
    // SAFETY: the name `QUEUE` ends with this block, which is evaluated once, by the compiler: nothing else
    // refers to it.
    let (producer, consumer) = unsafe { QUEUE.split_const() };
    let sensor = Sensor {
        remaining: &RECORDING,
        decimator: DECIMATOR,
        queue: producer,
    };
    (
        Mutex::new(RefCell::new(sensor)),
        Mutex::new(RefCell::new(Some(consumer))),
    )
};

/// The timer's interrupt: one sample into the decimator, every fourth time one out of it.
fn sample() {
    critical_section::with(|token| {
        let sensor = &mut *ENDS.0.borrow_ref_mut(token);
        let Some((&value, remaining)) = sensor.remaining.split_first() else {
            return;
        };
        sensor.remaining = remaining;
        if let Some(output) = sensor.decimator.push(value).next() {
            // The queue holds more than the main loop takes in all: what comes later may be lost.
            let _ = sensor.queue.enqueue(output);
        }
    });
}

fn signal() {
    let consumer = critical_section::with(|token| ENDS.1.borrow_ref_mut(token).take());
    let Some(mut queue) = consumer else {
        return;
    };
    println!(
        "decimator: {} taps, stride {STRIDE}, remembers {} samples, latency {}, at most {} output a push",
        TAPS,
        Decimator::HISTORY,
        Decimator::LATENCY,
        Decimator::OUTPUTS,
    );
    timer::start(1000);

    let to_q15 = finish::raw().to_q15(14);
    let mut interpolator = Stream::conv_transpose_1d(Interpolate, &FILL_IN, to_q15, [0_i16; 16]);
    let mut fast = [0_i16; SAMPLES];
    let mut slots = fast.iter_mut();
    for _ in 0..SLOW_SAMPLES {
        for (output, slot) in interpolator.push(next(&mut queue)).zip(&mut slots) {
            *slot = output;
        }
    }
    println!("interpolated: {:?}", &fast[92..116]);

    let mut slow = [0_i16; SLOW_SAMPLES];
    let mut whole = [0_i16; SAMPLES];
    let (recording, _) = RECORDING.split_first_chunk::<SAMPLES>().unwrap();
    Decimate::conv_with(recording, &LOW_PASS, &mut slow, finish::raw().to_q15(15));
    Interpolate::conv_transpose_with(&slow, &FILL_IN, &mut whole, to_q15);
    agree("sample by sample", whole == fast);
}

/// The next decimated sample, asleep until there is one.
fn next(queue: &mut Consumer<'static, i16>) -> i16 {
    loop {
        match queue.dequeue() {
            Some(value) => return value,
            None => timer::sleep(),
        }
    }
}

// Image.

const EXTENT: usize = 32;

/// Chelsea the cat, by Stéfan van der Walt (CC0): see `data/README.md`.
static CAT: &[u8; EXTENT * EXTENT] = include_bytes!("../../data/cat.grey");

window2d! { struct Same: pad 1 }
window2d! { struct Half: stride 2, pad_before 1, pad_after 0 }
window2d! { struct Twice: stride 2 }

/// A 3×3 kernel to each of eight channels: a blur and seven shifts of it, one for each neighbour but the last.
static FEATURES: QuantConv2d<Same, u8, [[[[i8; 1]; 3]; 3]; 8], Double, 8> = QuantConv2d::new(
    neighbours(),
    [0; 8],
    [scale(1.0 / 32.0); 8],
    Quantisation::new(0, -128),
);

static SMALLER: QuantDepthwise2d<Half, i8, [[[i8; 8]; 3]; 3], Double, 8> = QuantDepthwise2d::new(
    [
        [[1; 8], [2; 8], [1; 8]],
        [[2; 8], [4; 8], [2; 8]],
        [[1; 8], [2; 8], [1; 8]],
    ],
    [0; 8],
    [scale(1.0 / 16.0); 8],
    Quantisation::new(-128, -128),
);

static LARGER: QuantConvTranspose2d<Twice, i8, [[[[i8; 8]; 2]; 2]; 1], Double, 1> =
    QuantConvTranspose2d::new(
        [[[[1; 8]; 2]; 2]; 1],
        [0],
        [scale(1.0 / 8.0)],
        Quantisation::new(-128, 0),
    );

const fn scale(real: f64) -> Multiplier {
    Multiplier::from_scale(real).unwrap()
}

/// Weight 24 on the middle, 8 on one neighbour.
const fn neighbours() -> [[[[i8; 1]; 3]; 3]; 8] {
    let mut kernel = [[[[0; 1]; 3]; 3]; 8];
    let mut channel = 0;
    while channel < 8 {
        let place = if channel < 4 { channel } else { channel + 1 };
        kernel[channel][1][1][0] = 24;
        kernel[channel][place / 3][place % 3][0] = 8;
        channel += 1;
    }
    kernel
}

fn image() {
    let mut features = Stream::quantised(&FEATURES, [[0_u8; EXTENT]; 3]);
    let mut smaller = Stream::quantised(&SMALLER, [[[0_i8; 8]; EXTENT]; 3]);
    let mut larger = Stream::quantised(&LARGER, [[[0_i8; 8]; EXTENT / 2]; 1]);

    println!("\nthree layers, row by row; what comes out of them, as it comes:");
    let mut hash = HASH;
    let mut show = |row: [u8; EXTENT]| {
        draw(&row);
        hash = row.iter().fold(hash, step);
    };
    let (rows, _) = CAT.as_chunks::<EXTENT>();
    for camera in rows {
        for row in features.push(camera) {
            for row in smaller.push(&row) {
                larger.push(&row).for_each(&mut show);
            }
        }
    }
    for row in features.flush() {
        for row in smaller.push(&row) {
            larger.push(&row).for_each(&mut show);
        }
    }
    for row in smaller.flush() {
        larger.push(&row).for_each(&mut show);
    }
    larger.flush().for_each(&mut show);

    let remembered = size_of::<[[u8; EXTENT]; 3]>()
        + size_of::<[[[i8; 8]; EXTENT]; 3]>()
        + size_of::<[[[i8; 8]; EXTENT / 2]; 1]>();
    println!(
        "remembered {remembered} bytes; the first feature map has {}",
        EXTENT * EXTENT * 8
    );
    agree("row by row", hash == batch_hash());
}

/// The same layers on the whole image.
fn batch_hash() -> u32 {
    let mut cat = [[0; EXTENT]; EXTENT];
    cat.as_flattened_mut().copy_from_slice(CAT);
    let mut small = [[[0_i8; 8]; EXTENT / 2]; EXTENT / 2];
    {
        let mut features = [[[0_i8; 8]; EXTENT]; EXTENT];
        FEATURES.run(&cat, &mut features, &mut FEATURES.scratch());
        SMALLER.run(&features, &mut small, &mut SMALLER.scratch());
    }
    LARGER.run(&small, &mut cat, &mut LARGER.scratch());
    cat.as_flattened().iter().fold(HASH, step)
}

/// Says that a stream and the batch operations gave the same, or ends the program.
fn agree(what: &str, same: bool) {
    if !same {
        println!("{what} is not as in one piece");
        board::exit(Exit::Failure);
    }
    println!("{what} as in one piece, bit for bit");
}

/// Two characters a pixel, which makes it about square.
fn draw(row: &[u8; EXTENT]) {
    const SHADES: &[u8; 9] = b".:-=+*#%@";
    for &pixel in row {
        // At most 255·9/256 = 8.
        let shade = SHADES[usize::from(pixel) * SHADES.len() / 256] as char;
        print!("{shade}{shade}");
    }
    println!();
}

/// FNV-1a, 32 bits.
const HASH: u32 = 0x811c_9dc5;

const fn step(hash: u32, byte: &u8) -> u32 {
    (hash ^ *byte as u32).wrapping_mul(0x0100_0193)
}
