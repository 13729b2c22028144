//! Order statistics: the median and its absolute deviation.

/// The median of the finite values; `None` when there are none. Reorders `scratch`.
pub fn median(scratch: &mut Vec<f64>) -> Option<f64> {
    scratch.retain(|value| value.is_finite());
    if scratch.is_empty() {
        return None;
    }
    let middle = scratch.len() / 2;
    let (low, upper, _) = scratch.select_nth_unstable_by(middle, f64::total_cmp);
    let upper = *upper;
    if low.len() == middle && scratch.len() % 2 == 1 {
        return Some(upper);
    }
    let lower = scratch[..middle]
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    Some(f64::midpoint(lower, upper))
}

/// The median absolute deviation from `center`, times 1.4826 so that it estimates the standard
/// deviation of normal data (Rousseeuw and Croux 1993). Reorders `scratch`.
pub fn mad(scratch: &mut Vec<f64>, center: f64) -> Option<f64> {
    for value in scratch.iter_mut() {
        *value = (*value - center).abs();
    }
    median(scratch).map(|deviation| deviation * 1.4826)
}
