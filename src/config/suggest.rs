//! Did you mean: the nearest known word, when it is near enough.

/// The known word nearest to `word`, if at most a third of its letters differ.
pub fn suggest<'a, T: AsRef<str>>(word: &str, known: &'a [T]) -> Option<&'a str> {
    let limit = (word.chars().count().max(3) / 3).max(1);
    known
        .iter()
        .map(|candidate| (distance(word, candidate.as_ref()), candidate.as_ref()))
        .filter(|(far, _)| *far <= limit)
        .min()
        .map(|(_, near)| near)
}

/// Optimal string alignment distance: insert, delete, replace, swap neighbors.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (
        a.to_lowercase().chars().collect(),
        b.to_lowercase().chars().collect(),
    );
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i; b.len() + 1];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            row[j] = (above[j] + 1).min(row[j - 1] + 1).min(above[j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                row[j] = row[j].min(before[j - 2] + 1);
            }
        }
        before = std::mem::replace(&mut above, row);
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_suggested_and_far_ones_are_not() {
        let known = ["generate_lead", "purchase", "timezone"];
        assert_eq!(suggest("generate_laed", &known), Some("generate_lead"));
        assert_eq!(suggest("timezon", &known), Some("timezone"));
        assert_eq!(suggest("refund", &known), None);
    }
}
