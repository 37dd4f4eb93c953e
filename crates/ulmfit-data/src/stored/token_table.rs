//! The tokens of a corpus as they are met, counted in bounded memory.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::special;

/// Most bytes of all tokens: 256 MB. Words take a tenth of that, but a document without white space may be one
/// token.
const MOST_BYTES: usize = 256 << 20;

/// Counts tokens and gives each a provisional id.
///
/// When there are more than `bound` different ones behind a batch, or they have more than `byte_bound`
/// bytes together, the rarest quarter or more is dropped (every token that is as rare as one that must
/// go goes, special tokens never), so that no kept token is rarer than a dropped one was at the time. A
/// dropped token's occurrences so far become `xxunk`; met again, it starts from nothing. Words of a
/// count that matters stay: what was ever dropped had at most the count that the rule names at that
/// time.
///
/// The id of a dropped token is given to another, so that memory stays bounded however many come.
/// Each entry therefore knows the round (the number of times that tokens were dropped) in which it
/// got its id: what was written in earlier rounds under that id was a dropped token.
#[derive(Clone, Debug)]
pub(super) struct TokenTable {
    ids: HashMap<Box<str>, u32>,
    /// By id; those of free ids mean nothing.
    entries: Vec<Entry>,
    free: Vec<u32>,
    n_born: u64,
    round: u32,
    bound: usize,
    /// Of all tokens.
    bytes: usize,
    byte_bound: usize,
}

/// What is known of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) count: u64,
    /// How many tokens were new before it.
    pub(super) born: u64,
    /// The round in which it got its id.
    pub(super) round: u32,
}

/// A table as it is put down to go on later.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TableState {
    tokens: Vec<(Box<str>, u32, Entry)>,
    n_ids: u32,
    n_born: u64,
    round: u32,
}

impl TokenTable {
    /// Most tokens, so that provisional ids leave the highest bit free.
    const MOST: usize = 1 << 30;

    pub(super) fn new(bound: usize) -> Self {
        Self::with_bounds(bound, MOST_BYTES)
    }

    fn with_bounds(bound: usize, byte_bound: usize) -> Self {
        Self {
            ids: HashMap::new(),
            entries: Vec::new(),
            free: Vec::new(),
            n_born: 0,
            round: 0,
            bound: bound.clamp(special::ALL.len() + 1, Self::MOST),
            bytes: 0,
            byte_bound,
        }
    }

    /// The provisional id of a token that was met before.
    pub(super) fn get(&self, token: &str) -> Option<u32> {
        self.ids.get(token).copied()
    }

    /// The provisional id of a token, met before or not.
    pub(super) fn insert(&mut self, token: String) -> u32 {
        if let Some(id) = self.get(&token) {
            return id;
        }
        let entry = Entry {
            count: 0,
            born: self.n_born,
            round: self.round,
        };
        self.n_born += 1;
        let id = if let Some(id) = self.free.pop() {
            self.entries[id as usize] = entry;
            id
        } else {
            self.entries.push(entry);
            self.entries.len() as u32 - 1
        };
        self.bytes += token.len();
        self.ids.insert(token.into_boxed_str(), id);
        id
    }

    /// Counts an occurrence of a token by its id.
    pub(super) fn count(&mut self, id: u32) {
        self.entries[id as usize].count += 1;
    }

    /// The number of times that tokens were dropped.
    pub(super) const fn round(&self) -> u32 {
        self.round
    }

    /// How many ids there are, free ones included.
    pub(super) const fn n_ids(&self) -> usize {
        self.entries.len()
    }

    /// The tokens that were kept.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, u32, Entry)> {
        let ids = self.ids.iter();
        ids.map(|(token, &id)| (&**token, id, self.entries[id as usize]))
    }

    /// Drops the rarest tokens if there are too many, or too many bytes of them. Returns whether it did.
    pub(super) fn drop_rare(&mut self) -> bool {
        if self.ids.len() <= self.bound && self.bytes <= self.byte_bound {
            return false;
        }
        let most_dropped = self.most_dropped();
        let entries = &self.entries;
        let mut dropped = Vec::new();
        self.ids.retain(|token, id| {
            let keep = entries[*id as usize].count > most_dropped
                || special::ALL.contains(&token.as_ref());
            if !keep {
                dropped.push(*id);
                self.bytes -= token.len();
            }
            keep
        });
        // The order of a hash map is another each time, and ids are to come in one order.
        dropped.sort_unstable_by(|a, b| b.cmp(a));
        self.free.extend(dropped);
        self.round += 1;
        true
    }

    /// The count of the most frequent token that is over three quarters of a bound, when those that are more
    /// frequent are kept.
    fn most_dropped(&self) -> u64 {
        let keep = self.bound - self.bound / 4;
        let keep_bytes = self.byte_bound - self.byte_bound / 4;
        let tokens = self.iter();
        let mut tokens: Vec<(u64, usize)> = tokens
            .map(|(token, _, entry)| (entry.count, token.len()))
            .collect();
        tokens.sort_unstable_by(|a, b| b.cmp(a));
        let mut bytes = 0;
        let mut tokens = tokens.into_iter().enumerate();
        let first_over = tokens.find(|(place, (_, length))| {
            bytes += length;
            *place >= keep || bytes > keep_bytes
        });
        first_over.map_or(0, |(_, (count, _))| count)
    }

    pub(super) fn state(&self) -> TableState {
        let tokens = self.iter();
        TableState {
            tokens: tokens
                .map(|(token, id, entry)| (token.into(), id, entry))
                .collect(),
            n_ids: self.entries.len() as u32,
            n_born: self.n_born,
            round: self.round,
        }
    }

    /// The table of a state, after as many tokens; `None` for one that no table can have put down.
    pub(super) fn restore(state: TableState, bound: usize, n_tokens: u64) -> Option<Self> {
        let mut this = Self::new(bound);
        let n_ids = state.n_ids as usize;
        if u64::from(state.n_ids) > n_tokens || state.tokens.len() > n_ids {
            return None;
        }
        let unused = Entry {
            count: 0,
            born: 0,
            round: 0,
        };
        this.entries = vec![unused; n_ids];
        let mut used = vec![false; n_ids];
        for (token, id, entry) in state.tokens {
            let place = used.get_mut(id as usize)?;
            if std::mem::replace(place, true) || entry.round > state.round {
                return None;
            }
            this.entries[id as usize] = entry;
            this.bytes += token.len();
            if this.ids.insert(token, id).is_some() {
                return None;
            }
        }
        let free = (0..state.n_ids).rev();
        this.free = free.filter(|&id| !used[id as usize]).collect();
        this.n_born = state.n_born;
        this.round = state.round;
        Some(this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(table: &mut TokenTable, text: &str) -> Vec<u32> {
        let ids = text.split_whitespace().map(|token| {
            let id = table.insert(token.to_owned());
            table.count(id);
            id
        });
        ids.collect()
    }

    fn tokens(table: &TokenTable) -> Vec<(&str, u64)> {
        let mut tokens: Vec<_> = table.iter().collect();
        tokens.sort_by_key(|(_, _, entry)| entry.born);
        let tokens = tokens.into_iter();
        tokens
            .map(|(token, _, entry)| (token, entry.count))
            .collect()
    }

    #[test]
    fn the_rarest_are_dropped_and_their_ids_used_again() {
        let mut table = TokenTable::new(12);
        let first = count(&mut table, "xxbos a a a b c d e f g h i j k l m m m m n n");
        assert_eq!(first[..4], [0, 1, 1, 1]);
        assert!(table.drop_rare());
        assert_eq!(tokens(&table), [("xxbos", 1), ("a", 3), ("m", 4), ("n", 2)]);
        let again = count(&mut table, "b new");
        assert_eq!(again, [2, 3], "the lowest free ids come first");
        let born: Vec<_> = table.iter().filter(|(_, id, _)| *id == 2).collect();
        assert_eq!((born[0].0, born[0].2.count, born[0].2.round), ("b", 1, 1));
        assert!(!table.drop_rare());
    }

    #[test]
    fn tokens_that_are_all_equally_rare_all_go() {
        let mut table = TokenTable::new(10);
        let text: Vec<String> = (0..50).map(|i| format!("t{i}")).collect();
        count(&mut table, &text.join(" "));
        assert!(table.drop_rare());
        assert!(tokens(&table).is_empty());
        assert_eq!(count(&mut table, "t7 t9"), [0, 1]);
    }

    #[test]
    fn the_rarest_are_dropped_when_there_are_too_many_bytes_of_them() {
        let mut table = TokenTable::with_bounds(100, 40);
        let long = "long".repeat(5);
        count(&mut table, &format!("xxbos a a b b {long} {long} seven77"));
        assert!(!table.drop_rare(), "they have 34 bytes");
        let state = table.state();
        count(&mut table, "eight888");
        assert!(table.drop_rare());
        assert_eq!(
            tokens(&table),
            [("xxbos", 1), ("a", 2), ("b", 2), (&*long, 2)]
        );
        assert_eq!((table.bytes, table.drop_rare()), (27, false));
        let restored = TokenTable::restore(state, 100, 100).unwrap();
        assert_eq!(restored.bytes, 34);
    }

    #[test]
    fn a_table_goes_on_from_its_state() {
        let mut table = TokenTable::new(12);
        count(&mut table, "xxbos a a a b c d e f g h i j k l m m m m n n");
        table.drop_rare();
        count(&mut table, "b new");
        let json = serde_json::to_string(&table.state()).unwrap();
        let mut restored =
            TokenTable::restore(serde_json::from_str(&json).unwrap(), 12, 100).unwrap();
        for table in [&mut table, &mut restored] {
            count(table, "more a b and more");
        }
        assert_eq!(tokens(&table), tokens(&restored));
        let mut broken = table.state();
        broken.n_ids = u32::MAX;
        assert!(TokenTable::restore(broken, 12, 100).is_none());
        let mut broken = table.state();
        broken.tokens[0].1 = broken.tokens[1].1;
        assert!(TokenTable::restore(broken, 12, 100).is_none());
    }
}
