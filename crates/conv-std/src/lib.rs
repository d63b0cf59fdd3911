//! Run-time shapes.
