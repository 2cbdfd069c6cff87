//! A consumer group of the embedded log: cooperative, with one owner per partition at any time. Pure; the caller passes
//! the time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::assignor::{self, MemberId};
use crate::TopicPartition;

#[derive(Debug, Default)]
pub(super) struct Group {
    members: BTreeMap<MemberId, Member>,
    owners: BTreeMap<TopicPartition, MemberId>,
    revoking: BTreeMap<TopicPartition, Revoking>,
    committed: BTreeMap<TopicPartition, u64>,
    /// The next offsets that the owners read.
    positions: BTreeMap<TopicPartition, u64>,
    next_member: MemberId,
    next_revocation: u64,
}

#[derive(Debug)]
struct Member {
    topics: Vec<Arc<str>>,
    revoke_deadline: Duration,
    signals: VecDeque<Signal>,
    wake: Arc<Notify>,
}

#[derive(Clone, Copy, Debug)]
struct Revoking {
    revocation: u64,
    until: Instant,
}

/// The events of a member, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Assigned(Vec<TopicPartition>),
    Revoked { revocation: u64, partitions: Vec<TopicPartition>, lost: bool },
}

impl Group {
    pub(super) fn join(
        &mut self,
        subscribed: Vec<Arc<str>>,
        revoke_deadline: Duration,
        wake: Arc<Notify>,
        topics: &BTreeMap<Arc<str>, u32>,
        now: Instant,
    ) -> MemberId {
        let member = self.next_member;
        self.next_member += 1;
        self.members.insert(member, Member { topics: subscribed, revoke_deadline, signals: VecDeque::new(), wake });
        self.rebalance(topics, now);
        member
    }

    pub(super) fn leave(&mut self, member: MemberId, topics: &BTreeMap<Arc<str>, u32>, now: Instant) {
        self.members.remove(&member);
        let revoking = &mut self.revoking;
        self.owners.retain(|partition, owner| {
            if *owner == member {
                revoking.remove(partition);
            }
            *owner != member
        });
        self.rebalance(topics, now);
    }

    /// The next event of this member.
    pub(super) fn take_signal(&mut self, member: MemberId) -> Option<Signal> {
        self.members.get_mut(&member)?.signals.pop_front()
    }

    pub(super) fn owns(&self, member: MemberId, partition: &TopicPartition) -> bool {
        self.owners.get(partition) == Some(&member)
    }

    pub(super) fn commit(&mut self, partition: &TopicPartition, offset: u64) {
        self.committed.insert(partition.clone(), offset);
    }

    pub(super) fn committed(&self, partition: &TopicPartition) -> Option<u64> {
        self.committed.get(partition).copied()
    }

    /// The partitions that the group reads or has read, each with the committed offset.
    pub(super) fn interests(&self) -> impl Iterator<Item = (&TopicPartition, Option<u64>)> {
        let owned = self.owners.keys().filter(|partition| !self.committed.contains_key(*partition));
        self.committed
            .iter()
            .map(|(partition, offset)| (partition, Some(*offset)))
            .chain(owned.map(|owned| (owned, None)))
    }

    /// The committed offsets, to be corrected.
    pub(super) fn committed_mut(&mut self) -> impl Iterator<Item = (&TopicPartition, &mut u64)> {
        self.committed.iter_mut()
    }

    /// Stores the next offset that the owner of a partition reads.
    pub(super) fn set_position(&mut self, partition: &TopicPartition, next: u64) {
        if let Some(position) = self.positions.get_mut(partition) {
            *position = next;
        } else {
            self.positions.insert(partition.clone(), next);
        }
    }

    /// The partitions that members own, each with its owner's position, if known, and the committed offset.
    pub(super) fn owned(&self) -> impl Iterator<Item = (&TopicPartition, Option<u64>, Option<u64>)> {
        self.owners.keys().map(|partition| {
            let [position, committed] =
                [&self.positions, &self.committed].map(|offsets| offsets.get(partition).copied());
            (partition, position, committed)
        })
    }

    /// A member has flushed the revoked partitions: they move to the next owner. Ignored after the deadline.
    pub(super) fn release(&mut self, revocation: u64, topics: &BTreeMap<Arc<str>, u32>, now: Instant) {
        let owners = &mut self.owners;
        let before = self.revoking.len();
        self.revoking.retain(|partition, revoking| {
            if revoking.revocation == revocation {
                owners.remove(partition);
            }
            revoking.revocation != revocation
        });
        if self.revoking.len() != before {
            self.rebalance(topics, now);
        }
    }

    /// The deadline of the next revocation, when [`Group::expire`] must be called.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.revoking.values().map(|revoking| revoking.until).min()
    }

    /// Releases the partitions whose deadline has passed.
    pub(super) fn expire(&mut self, topics: &BTreeMap<Arc<str>, u32>, now: Instant) {
        let mut overdue: Vec<u64> = self
            .revoking
            .values()
            .filter(|revoking| revoking.until <= now)
            .map(|revoking| revoking.revocation)
            .collect();
        overdue.dedup();
        for revocation in overdue {
            for signal in self.members.values_mut().flat_map(|member| &mut member.signals) {
                if let Signal::Revoked { revocation: signalled, lost, .. } = signal
                    && *signalled == revocation
                {
                    *lost = true;
                }
            }
            self.release(revocation, topics, now);
        }
    }

    /// Moves the owners towards the target of the assignor: free partitions are assigned, others are revoked first.
    pub(super) fn rebalance(&mut self, topics: &BTreeMap<Arc<str>, u32>, now: Instant) {
        let subscriptions = self.members.iter().map(|(id, member)| (*id, member.topics.clone())).collect();
        let settled: BTreeMap<_, _> = self
            .owners
            .iter()
            .filter(|(partition, _)| !self.revoking.contains_key(*partition))
            .map(|(partition, owner)| (partition.clone(), *owner))
            .collect();
        let target = assignor::assign(&subscriptions, topics, &settled);

        let mut revoked: BTreeMap<MemberId, Vec<TopicPartition>> = BTreeMap::new();
        for (partition, owner) in &settled {
            if target.get(partition) != Some(owner) {
                revoked.entry(*owner).or_default().push(partition.clone());
            }
        }
        let mut assigned: BTreeMap<MemberId, Vec<TopicPartition>> = BTreeMap::new();
        for (partition, member) in target {
            if !self.owners.contains_key(&partition) {
                self.owners.insert(partition.clone(), member);
                assigned.entry(member).or_default().push(partition);
            }
        }
        for (member, partitions) in revoked {
            self.revoke(member, partitions, now);
        }
        for (member, partitions) in assigned {
            self.signal(member, Signal::Assigned(partitions));
        }
    }

    fn revoke(&mut self, owner: MemberId, partitions: Vec<TopicPartition>, now: Instant) {
        let revocation = self.next_revocation;
        self.next_revocation += 1;
        let until = now + self.members.get(&owner).map_or(Duration::ZERO, |member| member.revoke_deadline);
        for partition in &partitions {
            self.revoking.insert(partition.clone(), Revoking { revocation, until });
        }
        self.signal(owner, Signal::Revoked { revocation, partitions, lost: false });
        // All waiting members must wait for the new deadline.
        self.members.values().for_each(|member| member.wake.notify_one());
    }

    fn signal(&mut self, member: MemberId, signal: Signal) {
        let member = self.members.get_mut(&member).expect("only members own partitions");
        member.signals.push_back(signal);
        member.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
