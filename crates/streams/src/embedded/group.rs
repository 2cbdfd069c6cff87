//! A consumer group of the embedded log. Pure; the caller passes the time.
//!
//! Rebalances are cooperative: members keep their partitions, and only those that move to another member are revoked. A
//! revoked partition still belongs to its owner until the owner has released it, or until the revoke deadline: so a
//! partition has one owner at any time. Members read the events of a rebalance with [`Group::take_event`].

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
    /// The owned partitions that are revoked and not released yet.
    revoking: BTreeMap<TopicPartition, Revoking>,
    committed: BTreeMap<TopicPartition, u64>,
    /// The offsets that the owners read next: at or beyond the committed ones.
    next_offsets: BTreeMap<TopicPartition, u64>,
    next_member: MemberId,
    /// The number of the next revocation.
    next_revocation: u64,
}

#[derive(Debug)]
struct Member {
    /// The topics that it has subscribed to.
    topics: Vec<Arc<str>>,
    /// How long it may take to release revoked partitions.
    revoke_deadline: Duration,
    /// Those that it has not taken yet, in order.
    events: VecDeque<RebalanceEvent>,
    /// Notified when there is an event or a new deadline.
    wake: Arc<Notify>,
}

/// The revocation that a partition is part of.
#[derive(Clone, Copy, Debug)]
struct Revoking {
    revocation: u64,
    deadline: Instant,
}

/// What a rebalance changes for one member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RebalanceEvent {
    /// The member owns these partitions from now on.
    Assigned(Vec<TopicPartition>),
    /// The member must drain these partitions and release the revocation. `lost`: its deadline has passed, and the
    /// partitions are no longer the member's.
    Revoked { revocation: u64, partitions: Vec<TopicPartition>, lost: bool },
}

impl Group {
    /// Adds a member. `topics`: all topics of the log, each with its number of partitions.
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
        self.members.insert(member, Member { topics: subscribed, revoke_deadline, events: VecDeque::new(), wake });
        self.rebalance(topics, now);
        member
    }

    /// Removes a member: its partitions are free at once.
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

    /// Removes and returns the next event of a member.
    pub(super) fn take_event(&mut self, member: MemberId) -> Option<RebalanceEvent> {
        self.members.get_mut(&member)?.events.pop_front()
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

    /// The partitions that the group reads or has read, each with the committed offset. `None`: nothing is committed.
    pub(super) fn partitions(&self) -> impl Iterator<Item = (&TopicPartition, Option<u64>)> {
        let owned = self.owners.keys().filter(|partition| !self.committed.contains_key(*partition));
        self.committed
            .iter()
            .map(|(partition, offset)| (partition, Some(*offset)))
            .chain(owned.map(|owned| (owned, None)))
    }

    /// The committed offsets, to be corrected after the restoration from the journal.
    pub(super) fn committed_mut(&mut self) -> impl Iterator<Item = (&TopicPartition, &mut u64)> {
        self.committed.iter_mut()
    }

    /// Stores the next offset that the owner of a partition reads.
    pub(super) fn set_next_offset(&mut self, partition: &TopicPartition, next: u64) {
        if let Some(offset) = self.next_offsets.get_mut(partition) {
            *offset = next;
        } else {
            self.next_offsets.insert(partition.clone(), next);
        }
    }

    /// The partitions that members own, each with the next offset that its owner reads, and the committed offset.
    /// `None`: the owner has read nothing; nothing is committed.
    pub(super) fn owned(&self) -> impl Iterator<Item = (&TopicPartition, Option<u64>, Option<u64>)> {
        self.owners.keys().map(|partition| {
            let [next, committed] =
                [&self.next_offsets, &self.committed].map(|offsets| offsets.get(partition).copied());
            (partition, next, committed)
        })
    }

    /// A member has drained the revoked partitions: they move to their next owners. After the deadline it has no
    /// effect.
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

    /// The earliest deadline of a revocation, when [`Group::expire`] must be called. `None`: no partition is revoked.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        self.revoking.values().map(|revoking| revoking.deadline).min()
    }

    /// Releases the partitions whose deadline has passed.
    pub(super) fn expire(&mut self, topics: &BTreeMap<Arc<str>, u32>, now: Instant) {
        let mut overdue: Vec<u64> = self
            .revoking
            .values()
            .filter(|revoking| revoking.deadline <= now)
            .map(|revoking| revoking.revocation)
            .collect();
        overdue.dedup();
        for revocation in overdue {
            for event in self.members.values_mut().flat_map(|member| &mut member.events) {
                if let RebalanceEvent::Revoked { revocation: of_event, lost, .. } = event
                    && *of_event == revocation
                {
                    *lost = true;
                }
            }
            self.release(revocation, topics, now);
        }
    }

    /// Begins to move the partitions to the owners that the assignor computes: free ones are assigned at once, others
    /// are revoked first.
    pub(super) fn rebalance(&mut self, topics: &BTreeMap<Arc<str>, u32>, now: Instant) {
        let subscriptions = self.members.iter().map(|(id, member)| (*id, member.topics.clone())).collect();
        let kept: BTreeMap<_, _> = self
            .owners
            .iter()
            .filter(|(partition, _)| !self.revoking.contains_key(*partition))
            .map(|(partition, owner)| (partition.clone(), *owner))
            .collect();
        let target = assignor::assign(&subscriptions, topics, &kept);

        let mut revoked: BTreeMap<MemberId, Vec<TopicPartition>> = BTreeMap::new();
        for (partition, owner) in &kept {
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
            self.notify(member, RebalanceEvent::Assigned(partitions));
        }
    }

    fn revoke(&mut self, owner: MemberId, partitions: Vec<TopicPartition>, now: Instant) {
        let revocation = self.next_revocation;
        self.next_revocation += 1;
        let deadline = now + self.members.get(&owner).map_or(Duration::ZERO, |member| member.revoke_deadline);
        for partition in &partitions {
            self.revoking.insert(partition.clone(), Revoking { revocation, deadline });
        }
        self.notify(owner, RebalanceEvent::Revoked { revocation, partitions, lost: false });
        // Each waiting member wakes at the earliest deadline, which may be this one.
        self.members.values().for_each(|member| member.wake.notify_one());
    }

    fn notify(&mut self, member: MemberId, event: RebalanceEvent) {
        let member = self.members.get_mut(&member).expect("only members own partitions");
        member.events.push_back(event);
        member.wake.notify_one();
    }
}

#[cfg(test)]
mod tests;
