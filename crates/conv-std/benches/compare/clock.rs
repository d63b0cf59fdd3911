//! Time of repeated calls.

use std::time::{Duration, Instant};

use cpu_time::ProcessTime;

/// What passes while a call runs.
#[derive(Clone, Copy)]
pub(crate) enum Clock {
    /// Time of all the process's threads on a CPU, which other work on the machine leaves as it is: for one thread.
    Cpu,
    /// Time.
    Wall,
}

impl Clock {
    /// The clock for so many threads.
    pub(crate) fn of(threads: usize) -> Self {
        match threads {
            1 => Self::Cpu,
            _ => Self::Wall,
        }
    }

    /// The mean of as many calls as take about so long.
    ///
    /// # Errors
    ///
    /// The first of a call.
    pub(crate) fn mean<E>(
        self,
        budget: Duration,
        mut call: impl FnMut() -> Result<(), E>,
    ) -> Result<Duration, E> {
        call()?;
        let (start, cpu) = (Instant::now(), ProcessTime::now());
        let mut calls = 0;
        // Looked at after 1, 2, 4 … calls more, so that the clock is not what is measured.
        for step in 0..u32::BITS {
            for _ in 0..1_u32 << step.saturating_sub(1) {
                call()?;
                calls += 1;
            }
            if start.elapsed() >= budget {
                break;
            }
        }
        let passed = match self {
            Self::Cpu => cpu.elapsed(),
            Self::Wall => start.elapsed(),
        };
        Ok(passed / calls)
    }
}
