//! Threads: the output is cut into disjoint pieces, and each output is computed whole by one thread.
//!
//! The order of additions within an output does not depend on the cut, so neither do its bits. Little work
//! stays on the calling thread and never touches a pool.

use core::ops::Range;
use std::sync::Arc;

use rayon::ThreadPool;
use rayon::prelude::*;

use crate::layout::Layout;
use crate::pack::Block;

/// Products below which a run stays on the calling thread: some tens of microseconds, what waking another
/// thread costs.
pub(crate) const SERIAL_PRODUCTS: u128 = 1 << 19;

/// Pieces for each thread, so that one slow thread does not hold up the others for long.
const PIECES_PER_THREAD: usize = 4;

/// Where the work runs.
#[derive(Clone, Debug, Default)]
pub(crate) struct Threads(pub(crate) Option<Arc<ThreadPool>>);

impl Threads {
    /// Into how many pieces work of `products` products is cut.
    pub(crate) fn pieces(&self, products: u128) -> usize {
        if products < SERIAL_PRODUCTS {
            return 1;
        }
        let threads = match &self.0 {
            Some(pool) => pool.current_num_threads(),
            None => rayon::current_num_threads(),
        };
        if threads == 1 {
            return 1;
        }
        let useful = usize::try_from(products / (SERIAL_PRODUCTS / 8)).unwrap_or(usize::MAX);
        threads.saturating_mul(PIECES_PER_THREAD).min(useful)
    }

    /// Runs `work` on every piece: in this thread where there is one, else in the pool.
    pub(crate) fn each<P: Send>(&self, pieces: Vec<P>, work: impl Fn(P) + Sync + Send) {
        if pieces.len() < 2 {
            pieces.into_iter().for_each(work);
            return;
        }
        match &self.0 {
            Some(pool) => pool.install(|| pieces.into_par_iter().for_each(work)),
            None => pieces.into_par_iter().for_each(work),
        }
    }
}

/// A piece of the output: some channel blocks of some rows of one batch item.
pub(crate) struct Piece<'a, O> {
    pub(crate) batch: usize,
    pub(crate) blocks: Range<usize>,
    /// Rows `depth·height`, half-open.
    pub(crate) rows: Range<usize>,
    /// Channel of the first plane.
    pub(crate) channel: usize,
    /// With channels outermost the rows of each channel, else one slice of all channels.
    pub(crate) planes: Vec<&'a mut [O]>,
}

/// What the output looks like to [`cut`].
pub(crate) struct Shape<'a> {
    pub(crate) layout: Layout,
    pub(crate) batch: usize,
    pub(crate) channels: usize,
    /// Rows of one batch item, over depth and height.
    pub(crate) rows: usize,
    pub(crate) width: usize,
    pub(crate) blocks: &'a [Block],
}

/// Cuts the output into about `pieces` pieces.
pub(crate) fn cut<'a, O>(
    output: &'a mut [O],
    shape: &Shape<'_>,
    pieces: usize,
) -> Vec<Piece<'a, O>> {
    match shape.layout {
        Layout::Nhwc => cut_rows(output, shape, pieces),
        Layout::Nchw => cut_channels(output, shape, pieces),
    }
}

/// Channels innermost: rows are contiguous, so each piece is some rows with all their channels.
fn cut_rows<'a, O>(output: &'a mut [O], shape: &Shape<'_>, pieces: usize) -> Vec<Piece<'a, O>> {
    let row = shape.width * shape.channels;
    let rows_each = shape
        .rows
        .div_ceil(pieces.div_ceil(shape.batch).min(shape.rows));
    let items = output.chunks_mut(row * shape.rows).enumerate();
    let cut = items.flat_map(|(batch, item)| {
        let slices = item.chunks_mut(row * rows_each).enumerate();
        slices.map(move |(index, slice)| Piece {
            batch,
            blocks: 0..shape.blocks.len(),
            rows: index * rows_each..index * rows_each + slice.len() / row,
            channel: 0,
            planes: vec![slice],
        })
    });
    cut.collect()
}

/// Channels outermost: each piece is some channel blocks, all their rows where there are blocks enough, else
/// the same rows of each.
fn cut_channels<'a, O>(output: &'a mut [O], shape: &Shape<'_>, pieces: usize) -> Vec<Piece<'a, O>> {
    let blocks = shape.blocks.len();
    let ranges_wanted = pieces.div_ceil(shape.batch).min(blocks);
    let blocks_each = blocks.div_ceil(ranges_wanted);
    let ranges = blocks.div_ceil(blocks_each);
    let cuts_wanted = pieces.div_ceil(shape.batch * ranges).min(shape.rows);
    let rows_each = shape.rows.div_ceil(cuts_wanted);
    let row_cuts = shape.rows.div_ceil(rows_each);

    let mut cut = Vec::with_capacity(shape.batch * ranges * row_cuts);
    let mut planes = output.chunks_mut(shape.rows * shape.width);
    for batch in 0..shape.batch {
        for range in 0..ranges {
            let range = range * blocks_each..blocks.min((range + 1) * blocks_each);
            let channel = shape.blocks[range.start].first;
            let last = &shape.blocks[range.end - 1];
            let count = last.first + last.count - channel;
            let first_piece = cut.len();
            cut.extend((0..row_cuts).map(|index| Piece {
                batch,
                blocks: range.clone(),
                rows: index * rows_each..shape.rows.min((index + 1) * rows_each),
                channel,
                planes: Vec::with_capacity(count),
            }));
            for plane in planes.by_ref().take(count) {
                let slices = plane.chunks_mut(rows_each * shape.width);
                for (piece, slice) in cut[first_piece..].iter_mut().zip(slices) {
                    piece.planes.push(slice);
                }
            }
        }
    }
    cut
}
