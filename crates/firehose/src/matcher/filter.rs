//! Telling, of nearly every account that nobody watches, that nobody does.

/// Tables so small that they stay near: 2.5 to 5 bytes for each account. Only speed depends on them. Whoever
/// chooses DIDs that all look as if they were there makes every event as slow as one that concerns
/// somebody.
#[derive(Debug, Default)]
pub(super) struct Filter {
    /// A few bits of one word for each account. None if there are no accounts.
    words: Vec<u64>,
    /// One bit for each account, in a quarter of the memory: four of five that nobody watches are told from
    /// it alone.
    near: Vec<u64>,
    /// Accounts added since the table was made, those that are gone included.
    added: usize,
}

/// Where a filter keeps an account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trace(u64);

impl Filter {
    /// Words of the smallest table.
    const LEAST: usize = 64;
    /// Accounts for which a word is enough: with it one of a hundred others looks as if it were there. With
    /// twice as many, one of thirty does, and that costs more than the smaller table saves.
    const OF_A_WORD: usize = 4;
    /// How many times fewer the near words are.
    const NEARER: usize = 4;

    /// A table of so many accounts, each of which may be named several times, with room for as many
    /// again.
    pub(super) fn of<'a>(accounts: usize, dids: impl Iterator<Item = &'a str>) -> Self {
        let words = (2 * accounts).div_ceil(Self::OF_A_WORD);
        let mut filter = Self {
            words: vec![0; words.max(Self::LEAST)],
            near: vec![0; words.max(Self::LEAST) / Self::NEARER],
            added: 0,
        };
        dids.for_each(|did| filter.add(did));
        filter.added = accounts;
        filter
    }

    pub(super) fn is_full(&self) -> bool {
        self.added >= self.words.len() * Self::OF_A_WORD
    }

    pub(super) fn add(&mut self, did: &str) {
        let trace = Trace::of(did.as_bytes());
        let word = trace.word(self.words.len());
        if let Some(word) = self.words.get_mut(word) {
            *word |= trace.bits();
        }
        let (near, bit) = trace.near(self.near.len());
        if let Some(word) = self.near.get_mut(near) {
            *word |= bit;
        }
        self.added += 1;
    }

    /// Whether [`Filter::may_have`] has to be asked.
    #[inline]
    pub(super) fn may_have_nearly(&self, trace: Trace) -> bool {
        let (near, bit) = trace.near(self.near.len());
        self.near.get(near).is_some_and(|word| word & bit != 0)
    }

    #[inline]
    pub(super) fn may_have(&self, trace: Trace) -> bool {
        let word = self.words.get(trace.word(self.words.len()));
        word.is_some_and(|word| word & trace.bits() == trace.bits())
    }
}

impl Trace {
    /// From the end of the DID, which is different for nearly every account.
    #[inline]
    pub(super) fn of(did: &[u8]) -> Self {
        let end = did.last_chunk().copied().unwrap_or_default();
        let mixed = u64::from_le_bytes(end).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(mixed ^ mixed >> 29)
    }

    /// The upper half, as a share of so many words.
    #[inline]
    fn word(self, words: usize) -> usize {
        let share = (self.0 >> 32).wrapping_mul(words as u64) >> 32;
        usize::try_from(share).unwrap_or_default()
    }

    /// The word and its bit, of so many near words.
    #[inline]
    fn near(self, words: usize) -> (usize, u64) {
        let at = self.word(words * 64);
        (at / 64, 1 << (at % 64))
    }

    /// Three bits, from the lower half.
    #[inline]
    fn bits(self) -> u64 {
        1 << (self.0 & 63) | 1 << (self.0 >> 6 & 63) | 1 << (self.0 >> 12 & 63)
    }
}
