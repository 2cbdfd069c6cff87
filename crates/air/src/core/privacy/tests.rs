use super::*;

#[test]
fn who_is_hidden_by_table() {
    let consent = |online_tracking, is_station, is_mobile, denied, hidden_by_command| Consent {
        online_tracking,
        is_station,
        is_mobile,
        denied,
        hidden_by_command,
        ..Consent::default()
    };
    let cases = [
        (consent(None, false, false, false, false), true, "unknown"),
        (consent(Some(true), false, true, false, false), false, "consented"),
        (consent(Some(false), false, true, false, false), true, "refused"),
        (consent(None, true, false, false, false), false, "station"),
        (consent(None, true, true, false, false), true, "sends more than stations do"),
        (consent(Some(true), true, true, false, false), false, "consented station"),
        (consent(Some(true), false, true, true, false), true, "denied"),
        (consent(Some(true), false, true, false, true), true, "hidden by command"),
    ];
    for (consent, hidden, what) in cases {
        assert_eq!(consent.hides(true), hidden, "{what}");
        assert_eq!(consent.hides(false), consent.denied || consent.hidden_by_command, "{what}, privacy off");
    }
}

#[test]
fn the_newest_frame_decides() {
    let mut consent = Consent::default();
    consent.set_online_tracking(true, 10);
    consent.set_online_tracking(false, 9);
    assert_eq!(consent.online_tracking(), Some(true));
    consent.set_online_tracking(false, 10);
    assert_eq!(consent.online_tracking(), Some(false));
}

/// What is done to a consent at a time, and what of the past is public after it.
type Step = (fn(&mut Consent, u64), PublicPast);

fn walk(steps: &[Step]) {
    let mut consent = Consent::default();
    for ((act, expected), at_us) in steps.iter().zip((1..).map(|step| step * 10)) {
        let before = consent.public_past();
        act(&mut consent, at_us);
        assert_eq!(
            consent.update_public_past(true, at_us),
            before != *expected,
            "step at {at_us} is published if it has changed"
        );
        assert_eq!(consent.public_past(), *expected, "after the step at {at_us}");
        assert_eq!(Consent::from_checkpoint(&consent.to_checkpoint()), consent);
    }
}

#[test]
fn withdrawal_takes_the_past_along_for_good() {
    use PublicPast::{Everything, Nothing, Since};
    walk(&[
        (|consent, at_us| consent.set_online_tracking(true, at_us), Everything),
        (|consent, at_us| consent.set_online_tracking(false, at_us), Nothing),
        (|consent, _| consent.forget_expiring(), Nothing),
        (|consent, at_us| consent.set_online_tracking(true, at_us), Since(40)),
        (|consent, _| consent.forget_expiring(), Since(40)),
        (|consent, at_us| consent.set_online_tracking(true, at_us), Since(40)),
        (|consent, at_us| consent.set_online_tracking(false, at_us), Nothing),
    ]);
}

#[test]
fn silence_alone_hides_no_past() {
    walk(&[
        (|consent, at_us| consent.set_online_tracking(true, at_us), PublicPast::Everything),
        (|consent, _| consent.forget_expiring(), PublicPast::Everything),
        (|consent, _| consent.is_mobile = true, PublicPast::Everything),
    ]);
}

#[test]
fn commands_hide_the_past_until_they_are_taken_back() {
    use PublicPast::{Everything, Nothing, Since};
    walk(&[
        (|consent, at_us| consent.set_online_tracking(true, at_us), Everything),
        (|consent, at_us| consent.deny(true, at_us), Nothing),
        (|consent, at_us| consent.set_online_tracking(true, at_us), Nothing),
        (|consent, at_us| consent.hide_by_command(true, at_us), Nothing),
        (|consent, at_us| consent.deny(false, at_us), Nothing),
        (|consent, at_us| consent.hide_by_command(false, at_us), Since(60)),
        (|consent, at_us| consent.erase(at_us), Nothing),
        (|consent, at_us| consent.set_online_tracking(true, at_us), Since(80)),
    ]);
}

#[test]
fn a_station_is_shown_again_without_consent() {
    walk(&[
        (|consent, _| consent.is_station = true, PublicPast::Everything),
        (|consent, at_us| consent.hide_by_command(true, at_us), PublicPast::Nothing),
        (|consent, at_us| consent.hide_by_command(false, at_us), PublicPast::Since(30)),
    ]);
}

#[test]
fn a_new_log_restores_consent() {
    let mut former = Consent::default();
    former.set_online_tracking(false, 10);
    former.deny(true, 12);
    assert!(former.update_public_past(true, 5));
    let state = former.state(7).expect("was hidden");
    let checkpoint = Consent::checkpoint_of(&state);
    let mut consent = Consent::from_checkpoint(&checkpoint.consent.expect("a consent"));
    assert_eq!((checkpoint.device, consent.state(7)), (7, Some(state)));
    assert!(consent.is_durable() && consent.hides(true) && !consent.update_public_past(true, 100));
    consent.deny(false, 20);
    consent.set_online_tracking(true, 19);
    assert!(consent.update_public_past(true, 101));
    assert_eq!(consent.public_past(), PublicPast::Since(20));
}
