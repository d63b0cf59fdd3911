//! A sensor's samples through a decimating and an interpolating filter, block by block.
//!
//! ```text
//! timer interrupt ──► queue ──► 64 samples ──► low-pass, stride 4 ──► 16 ──► transposed, stride 4 ──► 64
//! ```
//!
//! The interrupt takes one sample of a recorded electrocardiogram at each tick and puts it into a lock-free
//! queue. The main loop sleeps until it has 64, decimates them to 16, looks for heartbeats in these, and
//! interpolates them back to 64. The decimator is a direct, the interpolator a transposed convolution.
//!
//! Neighbouring windows overlap, so the main loop keeps the last 28 samples in front of the next 64, and the last 7
//! decimated samples in front of the next 16. At the end the whole recording goes through the same two filters in
//! one call each: the blocks must have given the same samples.
//!
//! It logs with defmt: the text stays in the ELF file, the wire carries indices and numbers.
#![no_std]
#![no_main]

use core::cell::RefCell;

use board::{Exit, timer};
use conv_core::filter::{self, Taper};
use conv_core::finish::{self, Finish};
use conv_core::{Window1d, window1d};
use critical_section::Mutex;
use defmt::{error, info};
use defmt_semihosting as _;
use heapless::spsc::{Consumer, Producer, Queue};

board::entry!(main);
board::timer!(sample);

const STRIDE: usize = 4;
const TAPS: usize = 32;

/// Samples that the main loop takes at once, and what remains of them after decimation.
const BLOCK: usize = 64;
const SLOW_BLOCK: usize = BLOCK / STRIDE;

/// Samples before a block that its first windows reach back to.
const HISTORY: usize = TAPS - STRIDE;
/// Decimated samples before a block whose taps reach into its outputs.
const SLOW_HISTORY: usize = HISTORY / STRIDE;

/// Samples in the recording, and after decimation.
const SAMPLES: usize = 1024;
const SLOW_SAMPLES: usize = SAMPLES / STRIDE;

/// An electrocardiogram, in units of its converter: see `data/README.md`.
static RECORDING: [i16; SAMPLES] = include!("../../data/ecg.rs");

/// The converter's numbers have 9 bits; in 16 they leave room for the filters' rounding.
const SCALE: i16 = 64;

/// Low-pass with gain 1, in Q15.
static LOW_PASS: [i16; TAPS] = filter::to_i16(&filter::decimator(STRIDE, Taper::Hamming), 15);

/// Low-pass with gain 4 for the three zeros between samples, in Q14.
static FILL_IN: [i16; TAPS] = filter::to_i16(&filter::interpolator(STRIDE, Taper::Hamming), 14);

// The blocks bring their history with them: windows lie wholly inside, and the transposed operation gives
// those outputs alone that no later sample reaches.
window1d! { struct DecimateBlock: stride 4 }
window1d! { struct InterpolateBlock: stride 4, pad 28 }

// The whole recording, with zeros before it. Of the interpolated signal what follows the last sample is cut off.
window1d! { struct Decimate: stride 4, pad_before 28 }
window1d! { struct Interpolate: stride 4, pad_after 28 }

/// Decimated sample `t` is the mean around sample `4·t + 15.5 − 28` of the recording, and interpolation spreads it
/// around `4·t + 15.5`: the interpolated signal is the recording this many samples later.
const DELAY: usize = 28;

/// What the interrupt works on.
struct Sensor {
    remaining: &'static [i16],
    queue: Producer<'static, i16>,
    lost: u32,
}

/// What the interrupt and the main loop take turns to use.
type Shared<T> = Mutex<RefCell<T>>;

/// A queue of up to 255 samples, almost four blocks: the interrupt has one end, the main loop the other.
static ENDS: (Shared<Sensor>, Shared<Option<Consumer<'static, i16>>>) = {
    static mut QUEUE: Queue<i16, 256> = Queue::new();
    #[allow(unsafe_code, static_mut_refs)]
    // SAFETY: the name `QUEUE` ends with this block, which is evaluated once, by the compiler: nothing else
    // refers to it.
    let (producer, consumer) = unsafe { QUEUE.split_const() };
    let sensor = Sensor {
        remaining: &RECORDING,
        queue: producer,
        lost: 0,
    };
    (
        Mutex::new(RefCell::new(sensor)),
        Mutex::new(RefCell::new(Some(consumer))),
    )
};

/// The timer's interrupt: one sample from the sensor into the queue.
fn sample() {
    critical_section::with(|token| {
        let sensor = &mut *ENDS.0.borrow_ref_mut(token);
        let Some((&value, remaining)) = sensor.remaining.split_first() else {
            return;
        };
        sensor.remaining = remaining;
        if sensor.queue.enqueue(value * SCALE).is_err() {
            sensor.lost += 1;
        }
    });
}

fn main() {
    let consumer = critical_section::with(|token| ENDS.1.borrow_ref_mut(token).take());
    let Some(mut queue) = consumer else {
        return;
    };
    info!(
        "{=usize} samples, decimated and interpolated by {=usize} with {=usize} taps",
        SAMPLES, STRIDE, TAPS
    );
    info!("window of the decimator: {}", DecimateBlock::LENGTH);
    refuse_a_short_block();
    timer::start(1000);

    let mut slow = [[0; SLOW_BLOCK]; SAMPLES / BLOCK];
    let mut fast = [[0; BLOCK]; SAMPLES / BLOCK];
    let mut block = [0; HISTORY + BLOCK];
    let mut slow_block = [0; SLOW_HISTORY + SLOW_BLOCK];
    let mut beats = Beats::default();
    for (number, (slow_output, fast_output)) in slow.iter_mut().zip(&mut fast).enumerate() {
        block.copy_within(BLOCK.., 0);
        for slot in &mut block[HISTORY..] {
            *slot = next(&mut queue);
        }
        DecimateBlock::conv_with(&block, &LOW_PASS, slow_output, finish::raw().to_q15(15));
        info!("block {=usize}: {}", number, slow_output.map(to_units));
        for &value in slow_output.iter() {
            beats.look_at(value);
        }
        slow_block.copy_within(SLOW_BLOCK.., 0);
        slow_block[SLOW_HISTORY..].copy_from_slice(slow_output);
        InterpolateBlock::conv_transpose_with(
            &slow_block,
            &FILL_IN,
            fast_output,
            finish::raw().to_q15(14),
        );
    }
    let lost = critical_section::with(|token| ENDS.0.borrow_ref(token).lost);
    info!("samples lost because the queue was full: {=u32}", lost);
    compare(slow.as_flattened(), fast.as_flattened());
}

/// The next sample, asleep until there is one.
fn next(queue: &mut Consumer<'static, i16>) -> i16 {
    loop {
        match queue.dequeue() {
            Some(value) => return value,
            None => timer::sleep(),
        }
    }
}

/// What the run-time form says of lengths that do not fit.
fn refuse_a_short_block() {
    let result = DecimateBlock::conv_slice(
        &RECORDING[..20],
        &LOW_PASS,
        &mut [0_i16; 1],
        finish::raw().to_q15(15),
    );
    info!("a block of 20 samples: {}", result);
}

/// Finds the peaks of a decimated electrocardiogram.
#[derive(Default)]
struct Beats {
    position: usize,
    peak: Option<(i16, usize)>,
    latest: Option<usize>,
}

impl Beats {
    /// Between the other waves, below 20 units, and the peaks, above 150.
    const THRESHOLD: i16 = 80 * SCALE;

    fn look_at(&mut self, value: i16) {
        if value > Self::THRESHOLD {
            if self.peak.is_none_or(|(height, _)| value > height) {
                self.peak = Some((value, self.position));
            }
        } else if let Some((height, position)) = self.peak.take() {
            let sample = (position * STRIDE + TAPS / 2).saturating_sub(HISTORY);
            let height = to_units(height);
            match self.latest.replace(sample) {
                None => info!(
                    "heartbeat at sample {=usize}, height {=i16}",
                    sample, height
                ),
                Some(latest) => info!(
                    "heartbeat at sample {=usize}, height {=i16}, {=usize} after the last",
                    sample,
                    height,
                    sample - latest
                ),
            }
        }
        self.position += 1;
    }
}

/// Holds what the blocks gave against the whole recording in one call of each operation, and the interpolated
/// signal against the recording.
fn compare(slow: &[i16], fast: &[i16]) {
    let recording = RECORDING.map(|value| value * SCALE);
    let mut whole_slow = [0; SLOW_SAMPLES];
    Decimate::conv_with(
        &recording,
        &LOW_PASS,
        &mut whole_slow,
        finish::raw().to_q15(15),
    );
    let mut whole_fast = [0; SAMPLES];
    Interpolate::conv_transpose_with(
        &whole_slow,
        &FILL_IN,
        &mut whole_fast,
        finish::raw().to_q15(14),
    );
    if whole_slow != slow || whole_fast != fast {
        error!("the blocks differ from the whole recording in one call");
        board::exit(Exit::Failure);
    }
    info!("the blocks are the same as the whole recording in one call, sample for sample");

    let pairs = fast[DELAY..].iter().zip(&recording);
    let squares: i64 = pairs
        .map(|(&ours, &theirs)| i64::from(ours - theirs).pow(2))
        .sum();
    let mean = squares.unsigned_abs() / (SAMPLES - DELAY) as u64;
    let tenths = mean.isqrt() * 10 / SCALE.unsigned_abs() as u64;
    info!(
        "{=usize} samples later the signal is back; root of the mean squared difference {=u64}.{=u64} units",
        DELAY,
        tenths / 10,
        tenths % 10
    );
}

/// Back to the converter's units, rounded.
fn to_units(value: i16) -> i16 {
    (value + SCALE / 2).div_euclid(SCALE)
}
