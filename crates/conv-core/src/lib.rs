//! Fixed shapes.
#![no_std]
