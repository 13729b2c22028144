//! Broken input from good input: cuts, repeats, strange tokens, and JSON that keeps its form but not its sense.

use serde_json::{Map, Value, json};

/// A small generator with a seed, so that every case can be made again.
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number (`SplitMix64`).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `most`, which is not 0.
    pub(crate) fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(most.max(1)).unwrap_or(1)).unwrap_or(0)
    }

    /// One of a list that is not empty.
    pub(crate) fn pick<'a, T: ?Sized>(&mut self, list: &[&'a T]) -> &'a T {
        list[self.below(list.len())]
    }
}

/// What parsers stumble over.
const TOKENS: &[&str] = &[
    "",
    "0",
    "-1",
    "1e400",
    "-0",
    "99999999999999999999",
    "9223372036854775807",
    "-9223372036854775808",
    "0.1",
    "NaN",
    "inf",
    "true",
    "null",
    "[",
    "]",
    "{",
    "}",
    "[[",
    "\"",
    "'",
    "'''",
    "\"\"\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\u{0}",
    "\u{feff}",
    "\u{202e}",
    "é",
    "😀",
    "ß",
    "ﬁ",
    "=",
    ".",
    "..",
    ",",
    "#",
    "\r\n",
    "\n[event.x]\n",
    "<!channel>",
    "<script>",
    "%",
    "{next}",
    "{from}",
    "$.a[*]",
    "2026-02-30",
    "0000-00-00",
    "9999-12-31",
    "2026-03-29T02:30",
    "2026-10-25T02:30:00+02:00",
    "24:00",
    "-20:00",
    "20:00-07:00",
    "99999999 days",
    "0 min",
    "106751991167300 days",
    "every 0 minutes",
    "every 18446744073709551615 minutes",
    "* * * * *",
    "*/0 * * * *",
    "0 0 31 2 *",
    "60 24 * * 8",
    "Monday",
    "Monday 25:61",
    "100%",
    "-5%",
    "1e9%",
    "in ('a',",
    "and",
    ">=",
    "!=",
    "Europe/Berlin",
    "Mars/Base",
];

/// Text with one to four faults.
pub(crate) fn text(good: &str, dice: &mut Dice) -> String {
    let mut text: Vec<char> = good.chars().collect();
    for _ in 0..=dice.below(4) {
        let at = dice.below(text.len() + 1);
        let end = (at + 1 + dice.below(12)).min(text.len());
        match dice.below(9) {
            0 => text.truncate(at),
            1 => drop(text.drain(at.min(end)..end)),
            2 => {
                let part: Vec<char> = text[at.min(end)..end].to_vec();
                text.splice(at..at, part);
            }
            3 | 4 => {
                let token = dice.pick(TOKENS);
                text.splice(at..at, token.chars());
            }
            5 => {
                let token = dice.pick(TOKENS);
                text.splice(at.min(end)..end, token.chars());
            }
            6 => swap_lines(&mut text, dice),
            7 => {
                let many = dice.pick(&["[", "{ a = ", "a.", "(", "x"]);
                text.splice(at..at, many.repeat(1 + dice.below(2_000)).chars());
            }
            _ => {
                let wild = char::from_u32(u32::try_from(dice.next() & 0x1f_ffff).unwrap_or(0));
                text.splice(at..at, wild);
            }
        }
    }
    text.into_iter().collect()
}

fn swap_lines(text: &mut Vec<char>, dice: &mut Dice) {
    let whole: String = text.iter().collect();
    let mut lines: Vec<&str> = whole.split('\n').collect();
    let (one, two) = (dice.below(lines.len()), dice.below(lines.len()));
    lines.swap(one, two);
    *text = lines.join("\n").chars().collect();
}

/// A value in place of another.
fn strange(dice: &mut Dice) -> Value {
    match dice.below(9) {
        0 => Value::Null,
        1 => json!(true),
        2 => json!(dice.next()),
        3 => json!(-1),
        4 => json!(1.5e300),
        5 => json!([]),
        6 => json!({}),
        7 => json!("x".repeat(dice.below(12_000))),
        _ => json!(dice.pick(TOKENS)),
    }
}

/// JSON with one to three faults of sense; now and then with faults of form too.
pub(crate) fn body(good: &Value, dice: &mut Dice) -> Vec<u8> {
    let mut value = good.clone();
    for _ in 0..=dice.below(3) {
        let depth = dice.below(7);
        bend(&mut value, depth, dice);
    }
    let written = value.to_string();
    match dice.below(8) {
        0 => text(&written, dice).into_bytes(),
        1 => {
            let mut bytes = written.into_bytes();
            let at = dice.below(bytes.len());
            bytes.splice(at..at, [0xff, 0xfe, 0xc3]);
            bytes
        }
        2 => {
            let deep = 1 + dice.below(20_000);
            format!("{}{written}{}", "[".repeat(deep), "]".repeat(deep)).into_bytes()
        }
        _ => written.into_bytes(),
    }
}

fn bend(value: &mut Value, depth: usize, dice: &mut Dice) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let at = dice.below(map.len());
            let Some(key) = map.keys().nth(at).cloned() else {
                return;
            };
            if depth > 0
                && let Some(inner) = map.get_mut(&key)
            {
                return bend(inner, depth - 1, dice);
            }
            bend_key(map, &key, dice);
        }
        Value::Array(list) if !list.is_empty() => {
            let at = dice.below(list.len());
            if depth > 0 {
                return bend(&mut list[at], depth - 1, dice);
            }
            match dice.below(3) {
                0 => drop(list.remove(at)),
                1 => {
                    let again = list[at].clone();
                    list.insert(at, again);
                }
                _ => list[at] = strange(dice),
            }
        }
        other => *other = strange(dice),
    }
}

fn bend_key(map: &mut Map<String, Value>, key: &str, dice: &mut Dice) {
    match dice.below(3) {
        0 => drop(map.remove(key)),
        1 => drop(map.insert(key.to_owned(), strange(dice))),
        _ => drop(map.insert(dice.pick(TOKENS).to_owned(), strange(dice))),
    }
}
