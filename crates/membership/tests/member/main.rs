//! A member on the embedded log: its promises to the tasks and to the group.

mod log;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::BoxFuture;
use harness::wait_until;
use membership::{Command, Group, Interrupted, Member, MemberMetrics, Membership, TaskEvent, TaskStart};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use runtime::{Clock, Context};
use streams::{
    EmbeddedLog, EmbeddedSettings, Event, Flush, GroupSettings, Headers, Log, NewTopic, Outgoing, SinkSettings,
};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::log::KafkaLikeLog;

const TIMEOUT: Duration = Duration::from_secs(20);
const PARTITIONS: u32 = 4;

/// The records and commands that the tasks receive, and the behaviour that the test wants.
#[derive(Default)]
struct Recorded {
    /// By partition, the offsets in the order of arrival.
    seen: Mutex<BTreeMap<u32, Vec<u64>>>,
    /// How many tasks still fail at their first record.
    failures: AtomicU32,
    are_final: bool,
    is_full: AtomicBool,
    restores_from: Option<u64>,
    /// What waits for the test. 2: the restore of partition 0 and checkpoints; 1: checkpoints.
    held_back: watch::Sender<u8>,
    /// Partitions that have reported that they are restored.
    restored: AtomicU32,
    /// The number of checkpoint commands.
    checkpoints: AtomicU32,
}

impl Recorded {
    fn count(&self) -> usize {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).values().map(Vec::len).sum()
    }

    async fn unless_held_back(&self, from: u8) {
        self.held_back.subscribe().wait_for(|held_back| *held_back < from).await.expect("the sender exists");
    }
}

struct TestGroup(Arc<Recorded>);

struct TestMembership(Arc<Recorded>);

#[async_trait]
impl Group for TestGroup {
    type Membership = TestMembership;

    async fn prepare(&self) -> Result<Option<TestMembership>, Interrupted> {
        Ok(Some(TestMembership(self.0.clone())))
    }

    fn is_final(&self, _: &anyhow::Error) -> bool {
        self.0.are_final
    }
}

impl Membership for TestMembership {
    fn open(&self, start: TaskStart) -> BoxFuture<'static, anyhow::Result<()>> {
        let TaskStart { partition, mut commands, reports } = start;
        let recorded = self.0.clone();
        Box::pin(async move {
            if recorded.restores_from.is_some() {
                if partition.partition == 0 {
                    recorded.unless_held_back(2).await;
                }
                reports.send(TaskEvent::Restored { next_offset: recorded.restores_from }).await;
                recorded.restored.fetch_add(1, Ordering::SeqCst);
            }
            let mut next_offset = None;
            while let Some(command) = commands.recv().await {
                match command {
                    Command::Records(records) => {
                        let fails = |left: u32| left.checked_sub(1);
                        if recorded.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
                            anyhow::bail!("as the test wants it");
                        }
                        let offsets = records.iter().map(|record| record.offset);
                        next_offset = offsets.clone().last().map(|last| last + 1);
                        let mut seen = recorded.seen.lock().unwrap_or_else(PoisonError::into_inner);
                        seen.entry(partition.partition).or_default().extend(offsets);
                    }
                    Command::Checkpoint => {
                        recorded.checkpoints.fetch_add(1, Ordering::SeqCst);
                        recorded.unless_held_back(1).await;
                        reports.send(TaskEvent::Checkpointed { next_offset }).await;
                    }
                    Command::FindLateWrites => {}
                }
            }
            Ok(())
        })
    }

    fn restores(&self) -> bool {
        self.0.restores_from.is_some()
    }

    fn is_full(&self) -> bool {
        self.0.is_full.load(Ordering::SeqCst)
    }
}

async fn new_log() -> EmbeddedLog {
    let log = EmbeddedLog::new(EmbeddedSettings::new(0));
    log.create_topics(&[NewTopic::new("inputs", PARTITIONS)]).await.expect("created");
    log
}

async fn write(log: &EmbeddedLog, records: u32) {
    let (sink, flush) = (log.sink(SinkSettings::new("test")).expect("a writer"), Flush::new());
    for number in 0..records {
        let record = Outgoing {
            topic: "inputs".into(),
            partition: Some(number % PARTITIONS),
            key: None,
            value: Some(number.to_string().into()),
            headers: Headers::new(),
            timestamp_ms: 0,
        };
        sink.send(record, flush.receipt()).await.expect("taken");
    }
    flush.wait().await.expect("written");
}

struct Running {
    context: Context,
    metrics: MemberMetrics,
    work: JoinHandle<anyhow::Result<()>>,
}

impl Running {
    fn start(log: &EmbeddedLog, recorded: &Arc<Recorded>) -> Self {
        Self::start_in("readers", Arc::new(log.clone()), recorded, new_metrics())
    }

    fn start_in(group: &str, log: Arc<dyn Log>, recorded: &Arc<Recorded>, metrics: MemberMetrics) -> Self {
        let context = Context::new(Clock::system());
        let member = Member {
            context: context.clone(),
            log,
            settings: GroupSettings::new(group, ["inputs"]),
            checkpoint_interval: None,
            commit_interval: None,
            drain_deadline: TIMEOUT,
            part: context.readiness.part("member"),
            metrics: metrics.clone(),
        };
        let (work, stop) = (TestGroup(recorded.clone()), context.shutdown.clone());
        let work = tokio::spawn(async move { member.run(&work, stop).await });
        Self { context, metrics, work }
    }

    async fn stop(self) {
        self.context.shutdown.request();
        self.work.await.expect("no panic").expect("ended well");
    }
}

fn new_metrics() -> MemberMetrics {
    MemberMetrics {
        records: Counter::default(),
        commits: Counter::default(),
        restarts: Counter::default(),
        partitions: Gauge::default(),
    }
}

async fn eventually(what: &str, is_so: impl Fn() -> bool) {
    wait_until(TIMEOUT, what, async || is_so().then_some(())).await.expect(what);
}

/// How many records a later member of the group receives.
async fn left_for_others(log: &EmbeddedLog) -> usize {
    let mut source = log.subscribe(GroupSettings::new("readers", ["inputs"])).await.expect("joined");
    let (mut records, mut caught_up) = (0, 0);
    while caught_up < PARTITIONS {
        match source.next().await.expect("readable") {
            Event::Records(more) => records += more.len(),
            Event::CaughtUp(_) => caught_up += 1,
            Event::Assigned(_) | Event::Revoked(_) => {}
        }
    }
    records
}

#[tokio::test]
async fn stop_drains_and_commits() {
    let (log, recorded) = (new_log().await, Arc::<Recorded>::default());
    write(&log, 100).await;
    let running = Running::start(&log, &recorded);
    eventually("all are read", || recorded.count() == 100).await;
    assert_eq!(running.metrics.partitions.get(), i64::from(PARTITIONS));
    running.stop().await;
    assert_eq!(left_for_others(&log).await, 0);
    let seen = recorded.seen.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(seen.values().all(|offsets| offsets.is_sorted()), "{seen:?}");
}

#[tokio::test]
async fn a_revoked_partition_is_drained_and_committed() {
    let (log, recorded) = (new_log().await, Arc::<Recorded>::default());
    write(&log, 100).await;
    let first = Running::start(&log, &recorded);
    eventually("all are read", || recorded.count() == 100).await;
    let second = Running::start(&log, &recorded);
    let half = i64::from(PARTITIONS / 2);
    eventually("each owns half", || [&first, &second].iter().all(|running| running.metrics.partitions.get() == half))
        .await;
    write(&log, 100).await;
    eventually("the rest is read", || recorded.count() >= 200).await;
    first.stop().await;
    second.stop().await;
    assert_eq!((recorded.count(), left_for_others(&log).await), (200, 0), "each once");
}

#[tokio::test]
async fn a_failed_task_makes_the_member_join_again() {
    let (log, recorded) = (new_log().await, Arc::new(Recorded { failures: 1.into(), ..Recorded::default() }));
    write(&log, 100).await;
    let running = Running::start(&log, &recorded);
    eventually("all are read", || recorded.count() >= 100).await;
    assert_eq!(running.metrics.restarts.get(), 1);
    let counts: Vec<usize> =
        recorded.seen.lock().unwrap_or_else(PoisonError::into_inner).values().map(Vec::len).collect();
    assert!(counts.iter().all(|count| *count >= 25), "uncommitted records are repeated: {counts:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_final_error_ends_the_member() {
    let recorded = Arc::new(Recorded { failures: 1.into(), are_final: true, ..Recorded::default() });
    let log = new_log().await;
    write(&log, 1).await;
    let ended = Running::start(&log, &recorded).work.await.expect("no panic");
    assert_eq!(ended.expect_err("final").to_string(), "as the test wants it");
}

#[tokio::test]
async fn a_full_membership_is_paused() {
    let (log, recorded) = (new_log().await, Arc::<Recorded>::default());
    let running = Running::start(&log, &recorded);
    eventually("it has joined", || running.metrics.partitions.get() == i64::from(PARTITIONS)).await;
    recorded.is_full.store(true, Ordering::SeqCst);
    // The member checks after the first record; then it reads no more.
    write(&log, 1).await;
    eventually("it is read", || recorded.count() == 1).await;
    let others = Arc::<Recorded>::default();
    let free = Running::start_in("others", Arc::new(log.clone()), &others, new_metrics());
    write(&log, 100).await;
    eventually("others have read all", || others.count() == 101).await;
    free.stop().await;
    assert_eq!(recorded.count(), 1);
    recorded.is_full.store(false, Ordering::SeqCst);
    eventually("it continues", || recorded.count() == 101).await;
    running.stop().await;
    assert_eq!(left_for_others(&log).await, 0);
}

#[tokio::test]
async fn a_task_receives_records_from_its_restored_offset() {
    let (log, recorded) = (new_log().await, Arc::new(Recorded { restores_from: Some(5), ..Recorded::default() }));
    write(&log, 40).await;
    let running = Running::start(&log, &recorded);
    eventually("the rest is read", || recorded.count() == 20).await;
    running.stop().await;
    let seen = recorded.seen.lock().unwrap_or_else(PoisonError::into_inner);
    assert!(seen.values().all(|offsets| *offsets == [5, 6, 7, 8, 9]), "{seen:?}");
}

/// Kafka serves no seek before revoked partitions are released: a seek during their drain would block it.
#[tokio::test]
async fn a_restore_during_a_drain_is_not_lost() {
    let held_back = watch::Sender::new(2);
    let recorded = Arc::new(Recorded { restores_from: Some(0), held_back, ..Recorded::default() });
    let (log, metrics) = (new_log().await, new_metrics());
    write(&log, 40).await;
    let first_log = KafkaLikeLog::new(log.clone(), metrics.partitions.clone());
    let first = Running::start_in("readers", Arc::new(first_log), &recorded, new_metrics());
    eventually("all but partition 0 are read", || recorded.count() == 30).await;
    let others = Arc::<Recorded>::default();
    let second = Running::start_in("readers", Arc::new(log.clone()), &others, metrics);
    eventually("half of them are drained", || recorded.checkpoints.load(Ordering::SeqCst) == PARTITIONS / 2).await;
    recorded.held_back.send_replace(1);
    eventually("partition 0 is restored", || recorded.restored.load(Ordering::SeqCst) == PARTITIONS).await;
    recorded.held_back.send_replace(0);
    eventually("partition 0 is read", || recorded.count() == 40).await;
    first.stop().await;
    second.stop().await;
    assert_eq!((others.count(), left_for_others(&log).await), (0, 0), "the drained ones were committed");
}
