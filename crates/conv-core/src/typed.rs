//! From array types to a checked [`Geometry`]: the one place where shapes that are types are compared. What
//! does not fit stops the build, with the words that the run-time forms put in their errors.

use crate::axis::{Window, attempt};
use crate::dynamic::Operation;
use crate::element::{Element, Multiply};
use crate::engine::{Direction, Plan};
use crate::error::{Buffer, Dimension, Error};
use crate::finish::{Channels, Finish};
use crate::geometry::{Geometry, KernelLayout, Orientation};

/// A marker's settings: everything about the map but extents and channels.
#[derive(Clone, Copy)]
pub(crate) struct Settings<const D: usize> {
    pub(crate) windows: [Window; D],
    pub(crate) groups: usize,
    pub(crate) orientation: Orientation,
}

/// Extents and channels of a signal or image.
#[derive(Clone, Copy)]
pub(crate) struct Shape<const D: usize> {
    pub(crate) extents: [usize; D],
    pub(crate) channels: usize,
}

/// Extents and channels of a kernel. A depthwise one has one input channel a group, and a group for each
/// input channel.
#[derive(Clone, Copy)]
pub(crate) struct KernelShape<const D: usize> {
    pub(crate) extents: [usize; D],
    pub(crate) input_channels: usize,
    pub(crate) output_channels: usize,
    pub(crate) layout: KernelLayout,
}

impl<const D: usize> Settings<D> {
    /// The map, if kernel, source and target fit each other.
    pub(crate) const fn geometry(
        &self,
        direction: Direction,
        source: Shape<D>,
        kernel: KernelShape<D>,
        target: Shape<D>,
    ) -> Result<Geometry<D>, Error> {
        let groups = attempt!(self.check_channels(direction, source, kernel, target));
        let (x, y) = match direction {
            Direction::Direct => (source, target),
            Direction::Transposed => (target, source),
        };
        let geometry = attempt!(self.resolve(direction, x, y, kernel.extents, groups));
        let mut d = 0;
        while d < D {
            if geometry.output()[d] != y.extents[d] {
                return Err(Error::Extent {
                    buffer: Buffer::Output,
                    dimension: Dimension::spatial(d, D),
                    expected: geometry.output()[d],
                    found: y.extents[d],
                });
            }
            d += 1;
        }
        Ok(geometry)
    }

    /// The map with `x` on its input side: the direct one takes only the channels from `y`, the transposed
    /// one its extents too.
    const fn resolve(
        &self,
        direction: Direction,
        x: Shape<D>,
        y: Shape<D>,
        kernel: [usize; D],
        groups: usize,
    ) -> Result<Geometry<D>, Error> {
        let mut axes = [crate::axis::Axis::new(1); D];
        let mut d = 0;
        while d < D {
            axes[d] = match self.windows[d].axis(kernel[d], x.extents[d]) {
                Ok(axis) => axis,
                Err(error) => {
                    return Err(Error::Axis {
                        dimension: Dimension::spatial(d, D),
                        error,
                    });
                }
            };
            d += 1;
        }
        let geometry = match direction {
            Direction::Direct => Geometry::direct(axes, x.extents, x.channels, y.channels, groups),
            Direction::Transposed => {
                Geometry::transposed(axes, y.extents, x.extents, x.channels, y.channels, groups)
            }
        };
        Ok(attempt!(geometry).with_orientation(self.orientation))
    }

    /// The map over an `input` of given extents, for a kernel that is not depthwise.
    pub(crate) const fn geometry_over(
        &self,
        input: [usize; D],
        kernel: KernelShape<D>,
    ) -> Result<Geometry<D>, Error> {
        let x = Shape {
            extents: input,
            channels: attempt!(self.input_channels(kernel)),
        };
        // The direct operation takes only the channels from its output's shape.
        let y = Shape {
            extents: input,
            channels: kernel.output_channels,
        };
        self.resolve(Direction::Direct, x, y, kernel.extents, self.groups)
    }

    /// Input channels of all groups, for a kernel that is not depthwise.
    const fn input_channels(&self, kernel: KernelShape<D>) -> Result<usize, Error> {
        match kernel.input_channels.checked_mul(self.groups) {
            Some(channels) => Ok(channels),
            None => Err(Error::Overflow {
                buffer: Buffer::Input,
            }),
        }
    }

    /// The number of groups, if the channels of kernel, source and target fit each other.
    pub(crate) const fn check_channels(
        &self,
        direction: Direction,
        source: Shape<D>,
        kernel: KernelShape<D>,
        target: Shape<D>,
    ) -> Result<usize, Error> {
        let (x, y, x_buffer, y_buffer) = match direction {
            Direction::Direct => (source, target, Buffer::Input, Buffer::Output),
            Direction::Transposed => (target, source, Buffer::Output, Buffer::Input),
        };
        let (groups, input_channels) = match kernel.layout {
            KernelLayout::SpatialOutput => (x.channels, x.channels),
            _ => (self.groups, attempt!(self.input_channels(kernel))),
        };
        if x.channels != input_channels {
            return Err(Error::Extent {
                buffer: x_buffer,
                dimension: Dimension::Channels,
                expected: input_channels,
                found: x.channels,
            });
        }
        if y.channels != kernel.output_channels {
            return Err(Error::Extent {
                buffer: y_buffer,
                dimension: Dimension::Channels,
                expected: kernel.output_channels,
                found: y.channels,
            });
        }
        Ok(groups)
    }

    /// The plan of a typed operation. Evaluated at compile time, where an error stops the build.
    pub(crate) const fn plan<T, W, F>(
        &self,
        direction: Direction,
        source: Shape<D>,
        kernel: KernelShape<D>,
        target: Shape<D>,
    ) -> Result<(Geometry<D>, Operation), Error>
    where
        T: Multiply<W, F::Accumulator>,
        W: Element,
        F: Finish,
    {
        let geometry = attempt!(self.geometry(direction, source, kernel, target));
        let operation = Operation::new(direction, kernel.layout);
        let finish_channels = match F::CHANNELS {
            Channels::Any => None,
            Channels::Exactly(count) => Some(count),
            Channels::AtRunTime => {
                panic!(
                    "the number of biases is known only at run time: use `finish::bias` with an array"
                )
            }
        };
        attempt!(operation.check::<T, W, F::Accumulator, D>(&geometry, finish_channels));
        Ok((geometry, operation))
    }
}

/// Stops the build where an operation does not fit.
#[track_caller]
pub(crate) const fn checked<const D: usize>(resolved: Result<(Geometry<D>, Operation), Error>) {
    if let Err(error) = resolved {
        error.stop_the_build()
    }
}

/// What a typed operation on signals runs.
pub(crate) const fn plan_1d(resolved: Result<(Geometry<1>, Operation), Error>) -> Plan {
    match resolved {
        Ok((geometry, operation)) => operation.plan(&geometry.as_2d()),
        Err(error) => error.stop_the_build(),
    }
}

/// What a typed operation on images runs.
pub(crate) const fn plan_2d(resolved: Result<(Geometry<2>, Operation), Error>) -> Plan {
    match resolved {
        Ok((geometry, operation)) => operation.plan(&geometry),
        Err(error) => error.stop_the_build(),
    }
}
