//! Chart of a latency distribution: milliseconds by percentile, both on a logarithmic scale, so that the tail is
//! readable.

use std::fmt::Write;

use crate::stats::Stats;

const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 48.0;
const TOP: f64 = 40.0;
const RIGHT: f64 = 24.0;
/// The number of nines on the axis: 90, 99, 99.9, 99.99.
const NINES: f64 = 4.0;
/// Points of each line.
const POINTS: u32 = 160;
/// Distinguishable with colour vision deficiency (Okabe and Ito).
const COLORS: [&str; 6] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];

/// Renders the chart as SVG.
pub fn svg(title: &str, stats: &Stats) -> String {
    let steps: Vec<&str> = stats.curve(50.0).iter().map(|(step, _)| *step).collect();
    let points: Vec<(f64, Vec<f64>)> = (0..=POINTS)
        .map(|number| f64::from(number) / f64::from(POINTS) * NINES)
        .map(|nines| (nines, stats.curve(percentile(nines)).into_iter().map(|(_, millis)| millis).collect()))
        .collect();
    let all = points.iter().flat_map(|(_, millis)| millis.iter().copied());
    let (least, most) = all.fold((f64::MAX, 0.0_f64), |(least, most), millis| (least.min(millis), most.max(millis)));
    let (low, high) = (least.max(0.001).log10().floor(), most.max(0.01).log10().ceil());
    let x = |nines: f64| LEFT + nines / NINES * (WIDTH - LEFT - RIGHT);
    let y = |millis: f64| {
        let share = (millis.max(0.001).log10() - low) / (high - low).max(1.0);
        HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" \
         font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"{LEFT}\" y=\"20\" font-size=\"14\">{}</text>\n",
        escaped(title)
    );
    for nines in 0..=4 {
        let (nines, at) = (f64::from(nines), x(f64::from(nines)));
        let label = if nines == 0.0 { "0 %".to_owned() } else { format!("{} %", trimmed(percentile(nines))) };
        rule(&mut svg, (at, TOP), (at, HEIGHT - BOTTOM));
        text(&mut svg, (at, HEIGHT - BOTTOM + 18.0), "middle", &label);
    }
    let mut decade = low;
    while decade <= high {
        let at = y(10_f64.powf(decade));
        rule(&mut svg, (LEFT, at), (WIDTH - RIGHT, at));
        text(&mut svg, (LEFT - 6.0, at + 4.0), "end", &format!("{} ms", trimmed(10_f64.powf(decade))));
        decade += 1.0;
    }
    text(&mut svg, ((LEFT + WIDTH) / 2.0, HEIGHT - 8.0), "middle", "latency by percentile");
    for (number, step) in steps.iter().enumerate() {
        let colour = COLORS[number % COLORS.len()];
        let line: Vec<String> =
            points.iter().map(|(nines, millis)| format!("{:.1},{:.1}", x(*nines), y(millis[number]))).collect();
        let _ = writeln!(
            svg,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>",
            line.join(" ")
        );
        let at = (LEFT + 12.0, TOP + 16.0 + 16.0 * number as f64);
        let _ = writeln!(svg, "<text x=\"{}\" y=\"{}\" fill=\"{colour}\">{}</text>", at.0, at.1, escaped(step));
    }
    svg.push_str("</svg>\n");
    svg
}

/// 1 is 90, 2 is 99, 3 is 99.9.
fn percentile(nines: f64) -> f64 {
    100.0 * (1.0 - 10_f64.powf(-nines))
}

fn trimmed(number: f64) -> String {
    let text = format!("{number:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn rule(svg: &mut String, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(svg, "<path d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\" stroke=\"#ddd\"/>");
}

fn text(svg: &mut String, (x, y): (f64, f64), anchor: &str, words: &str) {
    let _ = writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{}</text>", escaped(words));
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn each_step_has_a_line_within_the_frame() {
        let stats = Stats::default();
        for micros in 1..5000 {
            stats.record_latency("send", Duration::from_micros(micros));
            stats.record_latency("confirm", Duration::from_micros(micros * 7));
        }
        let svg = svg("send & confirm", &stats);
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains("send &amp; confirm") && svg.contains("99.9 %"));
        for point in svg.split("points=\"").skip(1).flat_map(|line| line.split('"').next().unwrap().split(' ')) {
            let (x, y) = point.split_once(',').unwrap();
            let (x, y): (f64, f64) = (x.parse().unwrap(), y.parse().unwrap());
            assert!((LEFT..=WIDTH - RIGHT + 0.1).contains(&x) && (TOP - 0.1..=HEIGHT - BOTTOM + 0.1).contains(&y));
        }
    }

    #[test]
    fn empty_stats_give_a_chart() {
        assert!(svg("nothing", &Stats::default()).ends_with("</svg>\n"));
    }
}
