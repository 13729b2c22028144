//! Many tests at once: which small chances may become alarms.
//!
//! Tests hang together in a tree: groups, families in a group, leaves in a family. [`nested`] walks
//! it from the top, as hierarchical false-discovery control does (Yekutieli, *Hierarchical false
//! discovery rate-controlling methodology*, JASA 103, 2008), with the price of having chosen where
//! to look (Benjamini and Bogomolov, *Selective inference on multiple families of hypotheses*,
//! JRSS B 76, 2014).

use std::collections::BTreeMap;

/// The largest `k` such that the `k` smallest chances are discoveries at false-discovery rate `q`
/// (Benjamini and Hochberg 1995), as a cut: everything at or below it is one. `None`: nothing is.
pub fn cut(chances: &[f64], q: f64) -> Option<f64> {
    let sorted = sorted(chances);
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

/// The chance that so small chances come together when nothing is wrong (Simes, *An improved
/// Bonferroni procedure for multiple tests of significance*, Biometrika 73, 1986): exact for
/// independent tests, an upper bound for those that rise and fall together. `NaN` without any.
pub fn simes(chances: &[f64]) -> f64 {
    let sorted = sorted(chances);
    let many = sorted.len() as f64;
    let mut rank = 0.0;
    let mut least = f64::NAN;
    for &p in &sorted {
        rank += 1.0;
        least = least.min(p * many / rank);
    }
    least
}

fn sorted(chances: &[f64]) -> Vec<f64> {
    let mut sorted: Vec<f64> = chances.iter().copied().filter(|p| p.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// One test and its place in the tree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Leaf {
    /// Its chance; not finite for what no chance decides.
    pub chance: f64,
    /// The group it belongs to.
    pub group: usize,
    /// The family inside the group.
    pub family: usize,
}

/// Where a leaf was stopped on its way down the tree, with the chance that was held against a limit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Gate {
    /// Nowhere: it may alarm.
    Passed,
    /// The group as a whole does not stand out.
    Group {
        /// Of the group.
        chance: f64,
        /// The chance below which the group would stand out.
        limit: f64,
    },
    /// The group does, its family does not.
    Family {
        /// Of the family.
        chance: f64,
        /// The chance below which the family would stand out.
        limit: f64,
    },
    /// The family does, the leaf itself does not.
    Own {
        /// Of the leaf.
        chance: f64,
        /// The chance below which the leaf would stand out.
        limit: f64,
    },
}

/// What may alarm when `alarms` false ones are promised over all leaves together, and `discovery` is
/// the share of false ones among what is told in a group where something is wrong.
///
/// 1. A group stands out if its Simes chance is at most `alarms` times its share of all leaves
///    (a weighted Bonferroni bound): groups that stand out for nothing are then at most `alarms` in
///    expectation, whatever depends on what between groups.
/// 2. In a group that stands out families are chosen by the Benjamini-Hochberg cut of their Simes
///    chances at `discovery` times the share of all leaves that stands in chosen groups.
/// 3. In a chosen family leaves are chosen by the same cut at that level times the share of
///    families of the group that were chosen.
///
/// A leaf at or below `alarms / leaves` passes in any case; its group stands out by the same number.
pub fn nested(leaves: &[Leaf], alarms: f64, discovery: f64) -> Vec<Gate> {
    let mut tree: BTreeMap<usize, BTreeMap<usize, Vec<f64>>> = BTreeMap::new();
    for leaf in leaves.iter().filter(|leaf| leaf.chance.is_finite()) {
        let group = tree.entry(leaf.group).or_default();
        group.entry(leaf.family).or_default().push(leaf.chance);
    }
    let count = |group: &BTreeMap<usize, Vec<f64>>| group.values().map(Vec::len).sum::<usize>();
    let all = tree.values().map(count).sum::<usize>().max(1) as f64;
    let mut chosen = 0.0;
    let mut looks: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (name, group) in &tree {
        let size = count(group) as f64;
        let every: Vec<f64> = group.values().flatten().copied().collect();
        // In this order the limit of one test alone is exactly `alarms / all`.
        let (chance, limit) = (simes(&every), alarms / all * size);
        chosen += if chance <= limit { size } else { 0.0 };
        looks.insert(*name, (chance, limit));
    }
    let level = discovery * chosen / all;
    let mut gates: BTreeMap<(usize, usize), Family> = BTreeMap::new();
    for (name, group) in &tree {
        let (chance, limit) = looks[name];
        if chance <= limit {
            for (family, gate) in families(group, level) {
                gates.insert((*name, family), gate);
            }
        } else {
            let shut = Family::Shut(Gate::Group { chance, limit });
            gates.extend(group.keys().map(|family| ((*name, *family), shut)));
        }
    }
    let gate = |leaf: &Leaf| match gates.get(&(leaf.group, leaf.family)) {
        _ if !leaf.chance.is_finite() || leaf.chance <= alarms / all => Gate::Passed,
        None => Gate::Passed,
        Some(Family::Shut(gate)) => *gate,
        Some(Family::Open { reached, .. }) if leaf.chance <= *reached => Gate::Passed,
        Some(Family::Open { next, .. }) => Gate::Own {
            chance: leaf.chance,
            limit: *next,
        },
    };
    leaves.iter().map(gate).collect()
}

/// What the leaves of a family meet.
#[derive(Debug, Clone, Copy)]
enum Family {
    /// They are stopped before they are looked at.
    Shut(Gate),
    /// Chances up to `reached` pass; one more would below `next`.
    Open { reached: f64, next: f64 },
}

/// The families of a group that stands out.
fn families(group: &BTreeMap<usize, Vec<f64>>, level: f64) -> Vec<(usize, Family)> {
    let chances: Vec<f64> = group.values().map(|leaves| simes(leaves)).collect();
    let (reached, next) = step(&chances, level);
    let open = chances.iter().filter(|p| **p <= reached).count() as f64;
    let inner = level * open / chances.len() as f64;
    let look = |((name, leaves), chance): ((&usize, &Vec<f64>), &f64)| {
        let gate = if *chance <= reached {
            let (reached, next) = step(leaves, inner);
            Family::Open { reached, next }
        } else {
            Family::Shut(Gate::Family {
                chance: *chance,
                limit: next,
            })
        };
        (*name, gate)
    };
    group.iter().zip(&chances).map(look).collect()
}

/// How far the Benjamini-Hochberg cut reaches, and the chance that one more would need.
fn step(chances: &[f64], level: f64) -> (f64, f64) {
    let reached = cut(chances, level).unwrap_or(f64::NEG_INFINITY);
    let kept = chances.iter().filter(|p| **p <= reached).count() as f64;
    (reached, level * (kept + 1.0) / chances.len() as f64)
}
