use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;

const DEADLINE: Duration = Duration::from_secs(5);

fn topics(partitions: u32) -> BTreeMap<Arc<str>, u32> {
    BTreeMap::from([(Arc::from("t"), partitions)])
}

fn join(group: &mut Group, partitions: u32, now: Instant) -> MemberId {
    group.join(vec!["t".into()], DEADLINE, Arc::default(), &topics(partitions), now)
}

fn numbers(partitions: &[TopicPartition]) -> Vec<u32> {
    partitions.iter().map(|partition| partition.partition).collect()
}

#[tokio::test]
async fn a_partition_is_assigned_only_after_its_release() {
    let (mut group, now) = (Group::default(), Instant::now());
    let first = join(&mut group, 4, now);
    let Some(RebalanceEvent::Assigned(all)) = group.take_event(first) else { panic!("assigned") };
    assert_eq!(numbers(&all), [0, 1, 2, 3]);

    let second = join(&mut group, 4, now);
    let Some(RebalanceEvent::Revoked { revocation, partitions, lost: false }) = group.take_event(first) else {
        panic!("revoked")
    };
    assert_eq!(numbers(&partitions), [2, 3]);
    assert_eq!(group.take_event(second), None);
    assert!(group.owns(first, &partitions[0]) && !group.owns(second, &partitions[0]));

    group.release(revocation, &topics(4), now);
    assert_eq!(group.take_event(second), Some(RebalanceEvent::Assigned(partitions.clone())));
    assert!(!group.owns(first, &partitions[0]) && group.owns(second, &partitions[0]));
    assert_eq!(group.take_event(first), None, "the other partitions stay");
}

#[tokio::test]
async fn partitions_are_lost_at_the_deadline() {
    let (mut group, now) = (Group::default(), Instant::now());
    let first = join(&mut group, 2, now);
    group.take_event(first);
    let second = join(&mut group, 2, now);
    assert_eq!(group.next_deadline(), Some(now + DEADLINE));
    group.expire(&topics(2), now + DEADLINE / 2);
    assert_eq!(group.take_event(second), None);
    group.expire(&topics(2), now + DEADLINE);
    assert!(matches!(group.take_event(second), Some(RebalanceEvent::Assigned(_))));
    let Some(RebalanceEvent::Revoked { revocation, lost: true, .. }) = group.take_event(first) else { panic!("lost") };
    // A late release does not affect the new owner.
    group.release(revocation, &topics(2), now + DEADLINE);
    assert_eq!(group.owners.len(), 2);
    assert_eq!(group.next_deadline(), None);
}

#[tokio::test]
async fn leaving_during_a_revocation_frees_all_partitions() {
    let (mut group, now) = (Group::default(), Instant::now());
    let first = join(&mut group, 4, now);
    let second = join(&mut group, 4, now);
    group.leave(first, &topics(4), now);
    assert_eq!(group.next_deadline(), None);
    let Some(RebalanceEvent::Assigned(all)) = group.take_event(second) else { panic!("assigned") };
    assert_eq!(numbers(&all), [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_topic_that_is_created_later_is_assigned() {
    let (mut group, now) = (Group::default(), Instant::now());
    let member = group.join(vec!["t".into()], DEADLINE, Arc::default(), &BTreeMap::new(), now);
    assert_eq!(group.take_event(member), None);
    group.rebalance(&topics(1), now);
    assert!(matches!(group.take_event(member), Some(RebalanceEvent::Assigned(_))));
}

/// The partitions of each member, by its events alone.
#[derive(Default)]
struct Observer {
    held: BTreeMap<MemberId, BTreeSet<u32>>,
    open: Vec<(MemberId, u64, Vec<u32>)>,
}

impl Observer {
    fn observe(&mut self, member: MemberId, event: RebalanceEvent) {
        match event {
            RebalanceEvent::Assigned(partitions) => {
                for partition in numbers(&partitions) {
                    let owner = self.held.iter().find(|(_, held)| held.contains(&partition));
                    assert!(owner.is_none(), "partition {partition} given to {member}, held by {owner:?}");
                    self.held.entry(member).or_default().insert(partition);
                }
            }
            RebalanceEvent::Revoked { revocation, partitions, lost } => {
                let numbers = numbers(&partitions);
                if lost {
                    self.forget(member, &numbers);
                } else {
                    self.open.push((member, revocation, numbers));
                }
            }
        }
    }

    fn forget(&mut self, member: MemberId, partitions: &[u32]) {
        let held = self.held.entry(member).or_default();
        partitions.iter().for_each(|partition| assert!(held.remove(partition), "{member} did not hold {partition}"));
    }
}

#[derive(Clone, Debug)]
enum Step {
    Join,
    Leave(usize),
    Take(usize),
    Release(usize),
    Expire,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Join),
        1 => any::<usize>().prop_map(Step::Leave),
        5 => any::<usize>().prop_map(Step::Take),
        4 => any::<usize>().prop_map(Step::Release),
        1 => Just(Step::Expire),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    /// In any order of events: never two owners, and once all members have answered, a balanced assignment.
    #[test]
    fn each_partition_has_one_owner(steps in steps(), partitions in 1..25_u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let _clock = runtime.enter();
        let (topics, mut now) = (topics(partitions), Instant::now());
        let mut group = Group::default();
        let mut observer = Observer::default();
        let mut members: Vec<MemberId> = Vec::new();
        for step in steps {
            match step {
                Step::Join => members.push(join(&mut group, partitions, now)),
                Step::Leave(which) if !members.is_empty() => {
                    let member = members.swap_remove(which % members.len());
                    group.leave(member, &topics, now);
                    observer.held.remove(&member);
                    observer.open.retain(|(of, _, _)| *of != member);
                }
                Step::Take(which) if !members.is_empty() => {
                    let member = members[which % members.len()];
                    if let Some(event) = group.take_event(member) {
                        observer.observe(member, event);
                    }
                }
                Step::Release(which) if !observer.open.is_empty() => {
                    let (member, revocation, released) = observer.open.swap_remove(which % observer.open.len());
                    observer.forget(member, &released);
                    group.release(revocation, &topics, now);
                }
                Step::Expire => {
                    // A member that does not read its events before a deadline has a test of its own, above. Here all
                    // have read them, and those that did not answer own the partitions no more.
                    for member in &members {
                        while let Some(event) = group.take_event(*member) {
                            observer.observe(*member, event);
                        }
                    }
                    now += DEADLINE;
                    for (member, _, late) in std::mem::take(&mut observer.open) {
                        observer.forget(member, &late);
                    }
                    group.expire(&topics, now);
                }
                _ => {}
            }
        }
        // All members answer until there are no more events.
        loop {
            let events: Vec<_> =
                members.iter().filter_map(|member| Some((*member, group.take_event(*member)?))).collect();
            if events.is_empty() && observer.open.is_empty() {
                break;
            }
            events.into_iter().for_each(|(member, event)| observer.observe(member, event));
            for (member, revocation, released) in std::mem::take(&mut observer.open) {
                observer.forget(member, &released);
                group.release(revocation, &topics, now);
            }
        }
        let counts: Vec<_> = members.iter().map(|member| observer.held.get(member).map_or(0, BTreeSet::len)).collect();
        if !members.is_empty() {
            prop_assert_eq!(counts.iter().sum::<usize>(), partitions as usize, "{:?}", counts);
            let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{:?}", counts);
        }
        prop_assert_eq!(group.next_deadline(), None);
    }
}
