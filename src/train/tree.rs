//! A sum whose order depends on the number of its summands alone: neighbours make pairs, pairs make pairs, and what has no neighbour moves
//! up as it is. Whoever owns a run of 2ᵏ summands that begins at a multiple of 2ᵏ can sum it alone, and all bits stay.

use crate::error::Result;

/// Summands added so far, as the sums of the largest whole subtrees: of m summands at most log₂ m + 1 are alive.
pub(super) struct Tree<T> {
    /// Subtrees from the left, each with the number of its leaves: falling powers of two.
    sums: Vec<(usize, T)>,
}

impl<T> Default for Tree<T> {
    fn default() -> Self {
        Tree { sums: Vec::new() }
    }
}

impl<T> Tree<T> {
    /// Adds the next summand; `join` adds a right sum to its left neighbour.
    ///
    /// # Errors
    /// Those of `join`.
    pub(super) fn push(&mut self, summand: T, join: impl FnMut(T, T) -> Result<T>) -> Result<()> {
        self.push_subtree(1, summand, join)
    }

    /// As [`Tree::push`], of a sum that stands for a whole subtree of `leaves` summands, a power of two.
    ///
    /// # Errors
    /// Those of `join`.
    pub(super) fn push_subtree(&mut self, leaves: usize, sum: T, mut join: impl FnMut(T, T) -> Result<T>) -> Result<()> {
        let (mut leaves, mut sum) = (leaves, sum);
        while let Some((_, left)) = self.sums.pop_if(|(left, _)| *left == leaves) {
            sum = join(left, sum)?;
            leaves *= 2;
        }
        self.sums.push((leaves, sum));
        Ok(())
    }

    /// The whole sum; `None` without summands.
    ///
    /// # Errors
    /// Those of `join`.
    pub(super) fn finish(self, mut join: impl FnMut(T, T) -> Result<T>) -> Result<Option<T>> {
        let mut sums = self.sums.into_iter().rev().map(|(_, sum)| sum);
        let Some(last) = sums.next() else { return Ok(None) };
        sums.try_fold(last, |right, left| join(left, right)).map(Some)
    }
}

/// Summands that a rehearsal goes through one by one.
const ONE_BY_ONE: usize = 16;

/// What a rehearsal of a sum of `m` goes through, by number, each with the leaves that it stands for: all of a short one; of a long one as
/// many as bring as many sums to life at once, and the last.
pub(super) fn rehearsal(m: usize) -> Vec<(usize, usize)> {
    if m <= ONE_BY_ONE {
        return (0..m).map(|number| (1, number)).collect();
    }
    let subtrees = (ONE_BY_ONE.ilog2()..m.ilog2()).rev().map(|level| 1 << level);
    let leaves = subtrees.chain([1; ONE_BY_ONE]).enumerate().map(|(number, leaves)| (leaves, number));
    leaves.chain([(1, m - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::{Tree, rehearsal};

    fn pair(left: String, right: String) -> crate::error::Result<String> {
        Ok(format!("({left} {right})"))
    }

    /// The sum as it is defined, level by level.
    fn by_levels(mut level: Vec<String>) -> String {
        while level.len() > 1 {
            level = level.chunks(2).map(|pair| if let [a, b] = pair { format!("({a} {b})") } else { pair[0].clone() }).collect();
        }
        level.remove(0)
    }

    fn summed(leaves: impl Iterator<Item = usize>) -> (String, usize) {
        let (mut tree, mut most) = (Tree::default(), 0);
        for leaf in leaves {
            most = most.max(tree.sums.len() + 1);
            tree.push(leaf.to_string(), pair).unwrap();
        }
        (tree.finish(pair).unwrap().unwrap(), most)
    }

    #[test]
    fn the_order_is_that_of_pairs_of_neighbours() {
        assert!(Tree::<String>::default().finish(pair).unwrap().is_none());
        assert_eq!(summed(0..1).0, "0");
        assert_eq!(summed(0..3).0, "((0 1) 2)");
        assert_eq!(summed(0..7).0, "(((0 1) (2 3)) ((4 5) 6))");
        for m in 1..=70 {
            let (sum, alive) = summed(0..m);
            assert_eq!(sum, by_levels((0..m).map(|leaf| leaf.to_string()).collect()));
            assert!(alive <= m.ilog2() as usize + 1, "{alive} sums alive of {m}");
        }
    }

    #[test]
    fn a_rehearsal_brings_as_many_sums_to_life() {
        for m in 1..=300 {
            let (mut tree, mut most) = (Tree::default(), 0);
            let parts = rehearsal(m);
            for (leaves, number) in &parts {
                // Those that wait, and the one that is being computed.
                most = most.max(tree.sums.len() + 1);
                tree.push_subtree(*leaves, number.to_string(), pair).unwrap();
            }
            assert_eq!(most, summed(0..m).1, "of {m}: {parts:?}");
            assert!(parts.len() <= 24 && parts.last().unwrap().1 == m - 1, "of {m}: {parts:?}");
        }
    }

    #[test]
    fn whole_subtrees_may_be_summed_elsewhere() {
        for (m, block) in [(8, 2), (8, 4), (12, 4), (11, 4), (5, 2), (16, 16)] {
            let mut tree = Tree::default();
            for start in (0..m).step_by(block) {
                let leaves = block.min(m - start);
                let (part, _) = summed(start..start + leaves);
                // The last block may be cut, and nothing follows it.
                tree.push_subtree(leaves.next_power_of_two(), part, pair).unwrap();
            }
            assert_eq!(tree.finish(pair).unwrap().unwrap(), summed(0..m).0, "{m} by {block}");
        }
    }
}
