//! Assigns partitions to members: balanced per topic, with as few moves as possible. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::TopicPartition;

/// A member of a group; lower ids joined earlier.
pub(super) type MemberId = u64;

/// The owner of every partition of the subscribed topics.
///
/// The numbers of partitions per subscriber of a topic differ by one at most; a partition stays with its owner unless
/// the owner has too many. The same input gives the same result.
pub(super) fn assign(
    subscriptions: &BTreeMap<MemberId, Vec<Arc<str>>>,
    topics: &BTreeMap<Arc<str>, u32>,
    current: &BTreeMap<TopicPartition, MemberId>,
) -> BTreeMap<TopicPartition, MemberId> {
    let mut load: BTreeMap<MemberId, usize> = BTreeMap::new();
    let mut owners = BTreeMap::new();
    for (topic, partitions) in topics {
        let members: Vec<_> = subscriptions
            .iter()
            .filter(|(_, subscribed)| subscribed.contains(topic))
            .map(|(member, _)| *member)
            .collect();
        if members.is_empty() {
            continue;
        }
        for (partition, member) in assign_topic(topic, *partitions, &members, current, &load) {
            *load.entry(member).or_default() += 1;
            owners.insert(TopicPartition { topic: topic.clone(), partition }, member);
        }
    }
    owners
}

fn assign_topic(
    topic: &Arc<str>,
    partitions: u32,
    members: &[MemberId],
    current: &BTreeMap<TopicPartition, MemberId>,
    load: &BTreeMap<MemberId, usize>,
) -> BTreeMap<u32, MemberId> {
    let mut held: BTreeMap<MemberId, Vec<u32>> = members.iter().map(|member| (*member, Vec::new())).collect();
    let mut free = Vec::new();
    for partition in 0..partitions {
        let owner = current.get(&TopicPartition { topic: topic.clone(), partition });
        match owner.and_then(|owner| held.get_mut(owner)) {
            Some(held) => held.push(partition),
            None => free.push(partition),
        }
    }

    let fair = partitions as usize / members.len();
    let mut may_have_one_more = partitions as usize % members.len();
    for held in held.values_mut() {
        let mut quota = fair;
        if held.len() > fair && may_have_one_more > 0 {
            may_have_one_more -= 1;
            quota += 1;
        }
        if held.len() > quota {
            free.extend(held.split_off(quota));
        }
    }

    free.sort_unstable();
    for partition in free {
        let least = held
            .iter()
            .min_by_key(|(member, held)| (held.len(), load.get(member).copied().unwrap_or(0), **member))
            .map(|(member, _)| *member)
            .expect("a topic is only assigned among its members");
        held.get_mut(&least).expect("taken from the map").push(partition);
    }
    held.into_iter().flat_map(|(member, held)| held.into_iter().map(move |partition| (partition, member))).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn counts(owners: &BTreeMap<TopicPartition, MemberId>, topic: &str, members: &[MemberId]) -> Vec<usize> {
        let owned_by = |member: &MemberId| {
            owners.iter().filter(|(partition, owner)| &*partition.topic == topic && *owner == member).count()
        };
        members.iter().map(owned_by).collect()
    }

    proptest! {
        #[test]
        fn assignments_are_balanced_and_move_little(
            joins in proptest::collection::btree_set(0..20_u64, 1..8),
            leaves in proptest::collection::btree_set(0..20_u64, 0..8),
            sizes in proptest::collection::vec(1..30_u32, 1..4),
        ) {
            let topics: BTreeMap<Arc<str>, u32> =
                sizes.iter().enumerate().map(|(index, size)| (Arc::from(format!("t{index}")), *size)).collect();
            let names: Vec<_> = topics.keys().cloned().collect();
            let before: BTreeMap<_, _> = joins.iter().map(|member| (*member, names.clone())).collect();
            let first = assign(&before, &topics, &BTreeMap::new());
            let after: BTreeMap<_, _> =
                joins.symmetric_difference(&leaves).map(|member| (*member, names.clone())).collect();
            let second = assign(&after, &topics, &first);
            for (subscriptions, owners) in [(&before, &first), (&after, &second)] {
                let members: Vec<_> = subscriptions.keys().copied().collect();
                if members.is_empty() {
                    prop_assert!(owners.is_empty());
                    continue;
                }
                for (topic, size) in &topics {
                    let counts = counts(owners, topic, &members);
                    prop_assert_eq!(counts.iter().sum::<usize>(), *size as usize);
                    let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
                    prop_assert!(most - least <= 1, "{:?}", counts);
                }
            }
            prop_assert_eq!(&assign(&after, &topics, &second), &second, "a settled assignment stays");
            // Only partitions without an owner, or beyond the owner's new share, may move.
            for (topic, size) in &topics {
                if after.is_empty() { continue; }
                let fair = *size as usize / after.len();
                for member in before.keys().filter(|member| after.contains_key(member)) {
                    let mine = |owners: &BTreeMap<TopicPartition, MemberId>| -> Vec<u32> {
                        owners.iter().filter(|(p, owner)| p.topic == *topic && *owner == member).map(|(p, _)| p.partition).collect()
                    };
                    let (had, has) = (mine(&first), mine(&second));
                    let kept = had.iter().filter(|partition| has.contains(partition)).count();
                    prop_assert!(kept >= had.len().min(fair), "{topic}: had {had:?}, has {has:?}, fair {fair}");
                }
            }
        }
    }

    #[test]
    fn a_member_gets_only_subscribed_topics() {
        let topics = BTreeMap::from([(Arc::from("a"), 3), (Arc::from("b"), 3)]);
        let subscriptions = BTreeMap::from([(1, vec![Arc::from("a")]), (2, vec![Arc::from("a"), Arc::from("b")])]);
        let owners = assign(&subscriptions, &topics, &BTreeMap::new());
        assert_eq!(counts(&owners, "b", &[1, 2]), [0, 3]);
        assert_eq!(counts(&owners, "a", &[1, 2]), [2, 1]);
    }
}
