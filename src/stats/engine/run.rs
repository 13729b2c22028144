//! A run of trouble: what it may not teach, when it is over, and when it is the new normal.

use super::Engine;
use super::compare::Look;
use crate::stats::input::Verdict;
use crate::stats::level::Undo;
use crate::stats::tuning::MOST;

/// A stretch of trouble that has not ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Run {
    since: usize,
    /// Logarithm of observed over expected when it was found.
    change: f64,
    score: f64,
    /// Usable buckets in it.
    held: usize,
}

impl Run {
    pub(super) fn verdict(&self) -> Verdict {
        Verdict {
            score: self.score,
            since: self.since,
            upward: self.change > 0.0,
        }
    }
}

/// A run that became the new normal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accepted {
    since: usize,
    when: usize,
    /// The level before it.
    level: f64,
}

impl Accepted {
    /// Its first bucket.
    pub(super) fn since(self) -> usize {
        self.since
    }
}

impl Engine {
    /// Begins a run: whatever its buckets taught is taken back.
    pub(super) fn open(&mut self, at: usize, verdict: &mut Verdict, looks: &[Look; MOST]) {
        verdict.since = self.onset(verdict, at);
        let since = verdict.since;
        let change = self.change(since, since, at);
        let tuning = self.tuning;
        for (index, &window) in tuning.windows.iter().enumerate() {
            for upward in [false, true] {
                let look = looks[index];
                let same = look.upward == upward && upward == verdict.upward;
                let z = if same { look.z } else { 0.0 };
                let peaks = &mut self.peaks[usize::from(upward)][index];
                peaks.alarmed(z, tuning.budget, window, &tuning.prior);
            }
        }
        for j in (since..=at).rev() {
            let slot = self.input.slot(j);
            let place = j % self.undo.len();
            self.level.unlearn(slot, &mut self.undo[place]);
            self.taught[j] = false;
            self.live[j] = false;
        }
        for j in since..=at {
            self.add(j);
        }
        self.run = Some(Run {
            since,
            change,
            score: verdict.score,
            held: at - since,
        });
    }

    /// The bucket since which the trouble speaks loudest. Windows have few lengths, and a level that
    /// learnt from the first bad days makes the later ones look better than they are.
    fn onset(&self, verdict: &Verdict, at: usize) -> usize {
        let windows = self.tuning.windows;
        let longest = self.tuning.longest();
        let mut onset = verdict.since;
        let mut loudest = 0.0;
        for since in (at + 1).saturating_sub(longest)..=at {
            if !self.live[since] || !self.founded(since) {
                continue;
            }
            let stretch = self.stretch(since, since, at);
            let mean = stretch.means[0].max(0.05);
            let length = at + 1 - since;
            let index = windows
                .iter()
                .rposition(|&window| window <= length)
                .unwrap_or(0);
            let forecast = self.forecast(index, 0, mean, stretch.exposure);
            let z = self.input.law.residual(stretch.observed, &forecast);
            let loud = if verdict.upward { z } else { -z };
            if loud > loudest {
                loudest = loud;
                onset = since;
            }
        }
        // The loudest stretch may begin with days that are well: those nearer to well than to trouble.
        let half = 0.5 * self.change(onset, onset, at);
        while onset < at && self.change(onset, onset, onset) * half.signum() < half.abs() {
            onset += 1;
        }
        onset
    }

    /// Follows a run. `None`: it is over, and the bucket is an ordinary one.
    pub(super) fn stay(&mut self, at: usize, mut run: Run) -> Option<Verdict> {
        // A run of one or two buckets is over when the next one is well.
        let first = run.since + usize::from(at - run.since < 3);
        let from = (at + 1).saturating_sub(self.tuning.calm).max(first).min(at);
        let now = self.change(run.since, from, at);
        if now * run.change.signum() < run.change.abs() * 0.5 {
            self.run = None;
            self.teach_put_back(run.since, at);
            return None;
        }
        run.held += usize::from(self.input.usable[at]);
        run.score = run.score.max(self.grown(at, &run));
        self.live[at] = false;
        self.add(at);
        if run.held >= self.tuning.hold {
            self.accept(at, &run);
        } else {
            self.run = Some(run);
        }
        Some(run.verdict())
    }

    /// Teaches what the run withheld of buckets that people put back.
    fn teach_put_back(&mut self, since: usize, at: usize) {
        for j in since..at {
            let withheld = !self.taught[j] && self.input.special[j] == 0;
            if withheld
                && self.input.is_put_back(j)
                && let Some((value, exposure)) = self.input.seen(j)
            {
                self.learn(j, value, exposure, true);
            }
        }
    }

    /// The score of the whole run so far: more evidence for the same trouble.
    fn grown(&self, at: usize, run: &Run) -> f64 {
        let upward = run.change > 0.0;
        let longest = if upward {
            self.tuning.longest_up
        } else {
            self.tuning.longest_down
        };
        let length = (at + 1 - run.since).min(longest.max(1));
        let index = self
            .tuning
            .windows
            .iter()
            .rposition(|&window| window <= length)
            .unwrap_or(0);
        let stretch = self.stretch(run.since, run.since, at);
        let mut z = f64::INFINITY;
        for (model, mean) in stretch.means.into_iter().enumerate() {
            if mean.is_finite() {
                let forecast = self.forecast(index, model, mean.max(0.05), stretch.exposure);
                let own = self.input.law.residual(stretch.observed, &forecast);
                z = z.min(if upward { own } else { -own });
            }
        }
        let change = ((stretch.observed + 0.5) / (stretch.means[0] + 0.5))
            .ln()
            .abs();
        self.score(index, upward, z, change)
    }

    /// Takes the run for the new normal, and remembers what was normal before.
    fn accept(&mut self, at: usize, run: &Run) {
        let level = self.level.value();
        let from = (at + 1)
            .saturating_sub(2 * self.input.period)
            .max(run.since);
        let change = self.change(run.since, from, at);
        self.level.jump(level * change.exp());
        for j in run.since..=at {
            let teaches = self.input.usable[j] && self.input.special[j] == 0;
            self.taught[j] = teaches && self.input.seen(j).is_some();
        }
        self.run = None;
        self.accepted = Some(Accepted {
            since: run.since,
            when: at,
            level,
        });
    }

    /// Whether the new trouble is only the return to what was normal before the last run. Then that
    /// was trouble after all, and what it taught is forgotten.
    pub(super) fn returned(&mut self, at: usize, verdict: &Verdict) -> bool {
        let Some(old) = self.accepted else {
            return false;
        };
        if at - old.when > self.tuning.remember {
            return false;
        }
        let now = self.change(verdict.since, verdict.since, at);
        let then = now + (self.levels[verdict.since] / old.level).ln();
        if then.abs() >= 0.4 * now.abs() {
            return false;
        }
        self.level.jump(old.level);
        for j in old.since..=at {
            self.taught[j] = false;
        }
        // What those buckets taught is in the level no more; older ones can no longer be taken back.
        for j in old.since.max((at + 1).saturating_sub(self.undo.len()))..=at {
            let place = j % self.undo.len();
            self.undo[place] = Undo::default();
        }
        for j in verdict.since..=at {
            self.levels[j] = old.level;
        }
        self.accepted = None;
        true
    }
}
