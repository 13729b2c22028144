//! Which segments explain a change: the smallest set, or none when the change is everywhere.

/// What one segment contributes to the change of the whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Blame {
    /// Index of the segment as given.
    pub segment: usize,
    /// Observed minus expected.
    pub change: f64,
    /// Share of the whole change; the shares of all segments sum to 1.
    pub share: f64,
}

/// Share of the change that a set must explain.
const EXPLAINS: f64 = 0.8;
/// A set must explain at least this multiple of its share of the volume: otherwise the change is
/// spread evenly and no segment is to blame.
const STANDS_OUT: f64 = 1.5;

/// The contribution of each segment (observed, expected), largest first.
pub fn parts(segments: &[(f64, f64)]) -> Vec<Blame> {
    let whole: f64 = segments
        .iter()
        .map(|(observed, expected)| observed - expected)
        .sum();
    let mut parts: Vec<Blame> = segments
        .iter()
        .enumerate()
        .map(|(segment, (observed, expected))| Blame {
            segment,
            change: observed - expected,
            share: if whole == 0.0 {
                0.0
            } else {
                (observed - expected) / whole
            },
        })
        .collect();
    parts.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.segment.cmp(&b.segment)));
    parts
}

/// The smallest set of segments that together explain at least 80% of the change (explanatory
/// power, Bhagwan et al. 2014, *Adtributor*, section 3.2) and clearly more than their share of the
/// volume. Empty: the change is everywhere, or is too small to speak of.
pub fn explain(segments: &[(f64, f64)]) -> Vec<Blame> {
    let volume: f64 = segments.iter().map(|(_, expected)| expected).sum();
    let mut set = Vec::new();
    let (mut explained, mut weight) = (0.0, 0.0);
    for part in parts(segments) {
        if part.share <= 0.0 {
            break;
        }
        explained += part.share;
        weight += segments[part.segment].1;
        set.push(part);
        if explained >= EXPLAINS {
            // Net shares may exceed 1 where other segments moved against the change.
            let stands_out = volume <= 0.0 || explained.min(1.0) >= STANDS_OUT * weight / volume;
            return if stands_out { set } else { Vec::new() };
        }
    }
    Vec::new()
}
