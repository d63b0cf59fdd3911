//! Pictures of a comparison, as SVG: a pair of bars a case, or, of the layers of [`grid`], lines against channels and extent.

use std::fmt::Write as _;

use super::report::Compared;

/// Colours of conv-std and of the best other library.
const COLOURS: [&str; 2] = ["#2458a6", "#b0b4ba"];

/// What they are called.
const NAMES: [&str; 2] = ["conv-std", "best other"];

/// Channels of the layers of [`grid`] on maps of 28².
const CHANNELS: [usize; 11] = [1, 3, 4, 8, 16, 17, 32, 33, 64, 128, 256];

/// Extents of the layers of [`grid`] from 64 channels to 64.
const EXTENTS: [usize; 9] = [1, 2, 4, 7, 13, 14, 28, 56, 112];

/// Above a number the shares of the peak, ours and the best other's.
type Series = Vec<(f64, [Option<f64>; 2])>;

/// 3×3 layers whose channels grow, and whose extents do.
pub(super) fn grid() -> Vec<String> {
    let line = |name: String, channels: usize, extent: usize| {
        format!("{name} f32 direct 1 {channels} {extent}x{extent} {channels} 3 1 1 1 1 0")
    };
    let channels = CHANNELS.map(|channels| line(format!("channels_{channels}"), channels, 28));
    let extents = EXTENTS.map(|extent| line(format!("extent_{extent}"), 64, extent));
    channels.into_iter().chain(extents).collect()
}

/// The picture of whatever was compared.
pub(super) fn svg(all: &[Compared]) -> String {
    let channels = series(all, "channels_");
    let extents = series(all, "extent_");
    match channels.is_empty() && extents.is_empty() {
        true => bars(all),
        false => lines(&[
            ("channels, on maps of 28²", channels),
            ("extent, 64 channels", extents),
        ]),
    }
}

/// A file of this size with a white ground and a legend.
fn file(width: f64, height: f64, content: &str) -> String {
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n"
    );
    for (at, (colour, name)) in COLOURS.iter().zip(NAMES).enumerate() {
        let x = 130 + 90 * at;
        let _ = writeln!(
            text,
            "<rect x=\"{x}\" y=\"8\" width=\"10\" height=\"10\" fill=\"{colour}\"/>\
             <text x=\"{}\" y=\"17\">{name}</text>",
            x + 14
        );
    }
    text + content + "</svg>\n"
}

/// For each case the share of the peak, ours and the best other's. Integers pass it, and Winograd's transform does.
fn bars(all: &[Compared]) -> String {
    const LEFT: f64 = 130.0;
    const RIGHT: f64 = 620.0;
    const ROW: f64 = 17.0;
    const TOP: f64 = 28.0;
    let greatest = all.iter().flat_map(Compared::shares).flatten();
    let greatest = greatest.fold(1.0, f64::max);
    let width = |share: f64| share / greatest * (RIGHT - LEFT);
    let mut text = String::new();
    for (row, compared) in all.iter().enumerate() {
        let top = TOP + ROW * row as f64;
        let _ = writeln!(
            text,
            "<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>",
            LEFT - 6.0,
            top + 11.0,
            compared.case
        );
        for (at, share) in compared.shares().into_iter().enumerate() {
            let share = share.unwrap_or(0.0);
            let _ = writeln!(
                text,
                "<rect x=\"{LEFT}\" y=\"{}\" width=\"{:.1}\" height=\"6\" fill=\"{}\"/>",
                top + 1.0 + 7.0 * at as f64,
                width(share),
                COLOURS[at]
            );
        }
        if let Some(ratio) = compared.ratio() {
            let x = RIGHT + 8.0;
            let _ = writeln!(
                text,
                "<text x=\"{x}\" y=\"{}\">{ratio:.2}</text>",
                top + 11.0
            );
        }
    }
    let bottom = TOP + ROW * all.len() as f64;
    let peak = LEFT + width(1.0);
    let _ = writeln!(
        text,
        "<line x1=\"{peak:.1}\" x2=\"{peak:.1}\" y1=\"{TOP}\" y2=\"{bottom}\" stroke=\"#c33\"/>\
         <text x=\"{peak:.1}\" y=\"{}\" text-anchor=\"middle\">peak of f32 multiply-adds</text>\
         <text x=\"{RIGHT}\" y=\"17\">conv-std ÷ other</text>",
        bottom + 14.0
    );
    file(720.0, bottom + 22.0, &text)
}

/// Of cases whose names are this word and a number: the number, and the shares.
fn series(all: &[Compared], word: &str) -> Series {
    let point = |compared: &Compared| {
        let number = compared.case.strip_prefix(word)?;
        Some((number.parse().ok()?, compared.shares()))
    };
    all.iter().filter_map(point).collect()
}

/// A panel for each series: share of the peak above the number, in steps of doubling.
fn lines(panels: &[(&str, Series); 2]) -> String {
    const TOP: f64 = 34.0;
    const SIDE: (f64, f64) = (290.0, 200.0);
    let shares = panels.iter().flat_map(|(_, points)| points);
    let shares = shares.flat_map(|(_, shares)| shares).flatten().copied();
    let greatest = shares.fold(1.0, f64::max);
    let mut text = String::new();
    for (at, (name, points)) in panels.iter().enumerate() {
        let left = 50.0 + (SIDE.0 + 40.0) * at as f64;
        let last = points.iter().map(|point| point.0).fold(2.0, f64::max);
        let x = |number: f64| left + SIDE.0 * number.log2() / last.log2();
        let y = |share: f64| TOP + SIDE.1 * (1.0 - share / greatest);
        axes(&mut text, left, name, &y);
        let mut named = 0.0;
        for (number, _) in points {
            // Neighbours have no room for two names.
            if *number < 1.2 * named {
                continue;
            }
            named = *number;
            let bottom = TOP + SIDE.1 + 13.0;
            let _ = writeln!(
                text,
                "<text x=\"{:.1}\" y=\"{bottom}\" text-anchor=\"middle\" font-size=\"8\">{number}</text>",
                x(*number)
            );
        }
        for (which, colour) in COLOURS.iter().enumerate() {
            let place = |(number, shares): &(f64, [Option<f64>; 2])| {
                Some(format!("{:.1},{:.1}", x(*number), y(shares[which]?)))
            };
            let places: Vec<_> = points.iter().filter_map(place).collect();
            let _ = writeln!(
                text,
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
                places.join(" ")
            );
        }
    }
    file(720.0, TOP + SIDE.1 + 34.0, &text)
}

/// A panel's frame: lines at shares of 0, a half and 1, and what stands below.
fn axes(text: &mut String, left: f64, name: &str, y: &dyn Fn(f64) -> f64) {
    for (share, words) in [(0.0, "0"), (0.5, "50%"), (1.0, "peak")] {
        let y = y(share);
        let _ = writeln!(
            text,
            "<line x1=\"{left}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{words}</text>",
            left + 290.0,
            left - 5.0,
            y + 4.0
        );
    }
    let _ = writeln!(
        text,
        "<text x=\"{}\" y=\"262\" text-anchor=\"middle\">{name}</text>",
        left + 145.0
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::report::Sample;

    fn compared(line: &str, ours: f64, other: f64) -> Compared {
        let mut compared = Compared::new(line, 1);
        compared.operations = 1e6;
        compared.peaks = vec![100.0];
        for (name, us) in [("conv-std nchw", ours), ("ort", other)] {
            let mut sample = Sample::new(name, None, 0.0);
            sample.us = vec![us];
            assert!(compared.admit(sample));
        }
        compared
    }

    #[test]
    fn bars_show_shares_and_the_ratio() {
        let text = svg(&[compared("layer f32", 20.0, 40.0)]);
        // Half of the peak and a quarter, of 490 units.
        for words in ["width=\"245.0\"", "width=\"122.5\"", ">2.00<", ">layer<"] {
            assert!(text.contains(words), "{words}: {text}");
        }
    }

    #[test]
    fn lines_lead_through_the_cases_of_the_grid() {
        let all: Vec<_> = grid()
            .iter()
            .map(|line| compared(line, 20.0, 10.0))
            .collect();
        let text = svg(&all);
        let points = |line: &str| line.matches(',').count();
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("<polyline"))
            .map(points)
            .collect();
        assert_eq!(lines, [11, 11, 9, 9]);
        // Ours at half of the peak, the other at the peak.
        assert!(text.contains(",134.0 ") && text.contains(",34.0 "));
    }
}
