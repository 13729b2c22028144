//! Many tests at once, and every day again: which small chances may become alarms.

/// The largest `k` such that the `k` smallest chances are discoveries at false-discovery rate `q`
/// (Benjamini and Hochberg 1995), as a cut: everything at or below it is one. `None`: nothing is.
pub fn cut(chances: &[f64], q: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = chances.iter().copied().filter(|p| p.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let many = sorted.len() as f64;
    let mut rank = many;
    for &p in sorted.iter().rev() {
        if p <= q * rank / many {
            return Some(p);
        }
        rank -= 1.0;
    }
    None
}

/// How many false alarms may still be spent, kept from round to round.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ledger {
    /// Expected false alarms in hand.
    pub balance: f64,
}

/// What a plan promises to people.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Allowance {
    /// False alarms a week, expected, when nothing is wrong.
    pub weekly: f64,
    /// Share of alarms that may be false in a round in which much is wrong.
    pub discovery: f64,
}

impl Default for Allowance {
    fn default() -> Self {
        Self {
            weekly: 1.0,
            discovery: 0.1,
        }
    }
}

impl Ledger {
    /// A ledger that starts with one day's income.
    pub fn new(allowance: &Allowance) -> Self {
        Self {
            balance: allowance.weekly / 7.0,
        }
    }
}

/// Decides which chances of a round may become alarms. `hours` is the time since the last round.
///
/// Two ways in. (1) A chance at or below `spend / tests`, where `spend` is what the ledger pays for
/// this round: the expected number of false alarms is then at most `spend`, whatever the dependence
/// between tests (Bonferroni; Gordon et al. 2007 call it per-family error rate), and since income is
/// `weekly` a week, so is the sum over time. (2) In a round where much is wrong, the
/// Benjamini-Hochberg cut at `discovery`, but only if it keeps at least three, so that a quiet round
/// cannot use it. What is spent leaves the ledger; what is not used is saved, up to one week.
pub fn admit(
    chances: &[f64],
    allowance: &Allowance,
    ledger: Ledger,
    hours: f64,
) -> (Vec<bool>, Ledger) {
    let income = allowance.weekly * (hours.max(0.0) / 168.0);
    let balance = (ledger.balance + income).min(allowance.weekly);
    let tests = chances.iter().filter(|p| p.is_finite()).count();
    if tests == 0 {
        return (vec![false; chances.len()], Ledger { balance });
    }
    // Half of the savings at most: a busy round must not starve the next one.
    let spend = income.min(balance).max(balance * 0.5);
    let mut limit = spend / tests as f64;
    if let Some(wide) = cut(chances, allowance.discovery) {
        let kept = chances.iter().filter(|&&p| p <= wide).count();
        if kept >= 3 {
            limit = limit.max(wide);
        }
    }
    let admitted = chances.iter().map(|&p| p <= limit).collect();
    (
        admitted,
        Ledger {
            balance: balance - spend,
        },
    )
}
