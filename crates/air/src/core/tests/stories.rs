//! Short stories, as snapshots of the outputs.

use std::fmt::Write as _;
use std::sync::Arc;

use fanet::packet::{GroundType, Tracking};
use fanet::{Frame, Header, Packet};
use geo::distance::{from_components, shifted};
use schemas::object::State;
use schemas::v1::{Audience, ObservationFlag, reception, thermal_report};

use super::kit::{PILOT, START_S, Story, at, frame_of, ground, name, tracking};
use crate::core::Outputs;
use crate::group::GroupCore as _;
use crate::receivers::{ReceiverCore, ReceiverPositions};
use crate::thermals::{Aggregator, Changes};

/// What one record led to, in a line or more; nothing for what led to nothing new.
fn describe(story: &Story, out: &Outputs) -> String {
    let second = story.now_us / 1_000_000 - START_S;
    let mut text = String::new();
    for observation in &out.observations {
        let flags: Vec<_> =
            observation.flags().map(|flag: ObservationFlag| flag.as_str_name()[17..].to_lowercase()).collect();
        let _ = write!(text, "{second:>5} s  observation of type {}", observation.packet_type.unwrap_or_default());
        let _ = write!(text, "{}", if observation.private { ", private" } else { "" });
        let _ = observation.score.map(|score| write!(text, ", score {score}"));
        let _ = writeln!(text, "{}{}", if flags.is_empty() { "" } else { ": " }, flags.join(", "));
    }
    for change in &out.states {
        let audience = if change.audience == Audience::Public { "public" } else { "private" };
        let _ = write!(text, "{second:>5} s    {audience} ");
        let _ = match &change.state {
            Some(State::Aircraft(state)) => writeln!(
                text,
                "aircraft {}, {:?}, at {:.4} {:.4}{}{}",
                state.name.as_deref().unwrap_or("(no name)"),
                state.flight_phase(),
                state.position.unwrap_or_default().latitude_deg,
                state.position.unwrap_or_default().longitude_deg,
                state
                    .take_off_at_us
                    .map(|at_us| format!(", took off {}", at_us / 1_000_000 - START_S))
                    .unwrap_or_default(),
                state.landed_at_us.map(|at_us| format!(", landed {}", at_us / 1_000_000 - START_S)).unwrap_or_default(),
            ),
            Some(State::Ground(state)) => writeln!(text, "ground object, {:?}", state.ground_kind()),
            Some(State::Station(_)) => writeln!(text, "station"),
            Some(State::Alert(state)) => writeln!(
                text,
                "alert {:?}, {:?}{}",
                state.alert_kind(),
                state.status(),
                if state.unverified { ", unverified" } else { "" }
            ),
            Some(State::Landmark(state)) => writeln!(text, "landmark, {:?}", state.shape()),
            Some(State::Thermal(_) | State::Receiver(_)) => writeln!(text, "not of a device"),
            None => writeln!(text, "{:?} ended", change.kind),
        };
    }
    for (_, report) in &out.thermal_reports {
        if let Some(thermal_report::Content::Report(report)) = &report.content {
            let _ = writeln!(
                text,
                "{second:>5} s    climb of {:.1} m/s, wind {:.0} km/h from {:.0} deg",
                report.climb_mps,
                report.wind_speed_kmh.unwrap_or_default(),
                report.wind_from_deg.unwrap_or_default()
            );
        }
    }
    if let Some(reject) = &out.reject {
        let _ = writeln!(text, "{second:>5} s  refused: {}", reject.reason);
    }
    text
}

fn home() -> fanet::Position {
    at(46.2, 13.6)
}

/// Standing, a glide, three circles in the wind, a glide, standing.
#[test]
fn a_flight_from_take_off_to_landing() {
    let (mut story, mut log) = (Story::new(), String::new());
    let origin = geo::Position::new(46.2, 13.6);
    let (mut east_m, mut north_m, mut altitude_m) = (0.0, 0.0, 1_200.0);

    for step in 0..48_u32 {
        let (course_deg, airspeed, climb_mps, wind_mps) = match step {
            0..4 | 42.. => (0.0, 0.0, 0.0, 0.0),
            12..27 => (f64::from(step) * 75.0 % 360.0, 10.0, 2.5, 3.0),
            _ => (90.0, 10.0, -1.0, 3.0),
        };
        let (air_east, air_north) = geo::distance::to_components(course_deg, airspeed);
        let (heading_deg, speed) = from_components(air_east + wind_mps, air_north);
        let position = shifted(origin, east_m, north_m);
        let frame = Tracking {
            altitude_m: altitude_m as i32,
            speed_kmh: speed * 3.6,
            climb_mps,
            heading_deg,
            turn_rate_dps: Some(if (12..27).contains(&step) { 15.0 } else { 0.0 }),
            ..tracking(at(position.latitude_deg, position.longitude_deg))
        };
        let out = story.frame(PILOT, Packet::Tracking(frame));
        log += &describe(&story, &out);
        if step == 5 {
            let out = story.frame(PILOT, name("Eva"));
            log += &describe(&story, &out);
        }
        story.pass(5.0);
        // Five seconds in ten steps, turning on.
        for part in 0..10 {
            let turned = if (12..27).contains(&step) { f64::from(part) * 7.5 } else { 0.0 };
            let (x, y) = geo::distance::to_components(course_deg + turned, airspeed);
            (east_m, north_m) = (east_m + (x + wind_mps) * 0.5, north_m + y * 0.5);
        }
        altitude_m += climb_mps * 5.0;
    }
    insta::assert_snapshot!(log);
}

#[test]
fn a_relay_echo_is_no_second_observation() {
    let (mut story, mut log) = (Story::new(), String::new());
    for _ in 0..3 {
        let frame = Frame {
            header: Header { forward: true, ..frame_of(PILOT, name("")).header },
            ..frame_of(PILOT, Packet::Tracking(tracking(home())))
        };
        let out = story.heard("valley", 0, &frame);
        log += &describe(&story, &out);
        let mut echo = frame;
        echo.header.forward = false;
        echo.header.extended = Some(fanet::ExtendedHeader { geo_forwarded: true, ..Default::default() });
        story.pass(0.3);
        let out = story.heard("ridge", 0, &echo);
        log += &describe(&story, &out);
        let relayed = out.receptions.iter().filter(
            |(_, reception)| matches!(&reception.content, Some(reception::Content::HeardFrame(heard)) if heard.relayed),
        );
        log += &format!("          {} relayed reception\n", relayed.count());
        story.pass(4.7);
    }
    insta::assert_snapshot!(log);
}

#[test]
fn a_noisy_phantom_never_appears() {
    let (mut story, mut log) = (Story::new(), String::new());
    for step in 0..8_i32 {
        let nowhere = at(f64::from(step * 17 % 60), f64::from(step * 53 % 150));
        let out = story.frame(0x4A_1234, Packet::Tracking(tracking(nowhere)));
        log += &describe(&story, &out);
        story.pass(20.0);
    }
    insta::assert_snapshot!(log);
}

#[test]
fn a_distress_from_call_to_landed_well() {
    let (mut story, mut log) = (Story::new(), String::new());
    story.introduce(PILOT, home());
    for (ground_type, pause_s) in [
        (GroundType::NeedTechnicalSupport, 20.0),
        (GroundType::Distress, 20.0),
        (GroundType::Distress, 600.0),
        (GroundType::LandedWell, 5.0),
        (GroundType::Walking, 0.0),
    ] {
        let out = story.frame(PILOT, Packet::GroundTracking(ground(home(), ground_type)));
        log += &describe(&story, &out);
        story.pass(pause_s);
    }
    for hours in [3.0, 24.0] {
        story.pass(hours * 3_600.0);
        let out = story.tick();
        log += &describe(&story, &out);
    }
    insta::assert_snapshot!(log);
}

/// Two receivers whose clocks are 20 s apart hear the same pilot; then one of them delivers what it had held back.
#[test]
fn two_receivers_with_clocks_twenty_seconds_apart() {
    let (mut story, mut log) = (Story::new(), String::new());
    for step in 0..10 {
        let moved = at(46.2, 13.6 + f64::from(step) * 0.000_6);
        let frame = frame_of(PILOT, Packet::Tracking(tracking(moved)));
        for (receiver, behind_s) in [("slow clock", 20), ("good clock", 0)] {
            // The link of the first one breaks.
            if behind_s > 0 && step > 5 {
                continue;
            }
            let out = story.heard(receiver, behind_s, &frame);
            log += &describe(&story, &out);
        }
        story.pass(5.0);
    }
    let held_back = frame_of(PILOT, Packet::Tracking(tracking(at(46.2, 13.601_5))));
    let out = story.heard("slow clock", 20 + 18, &held_back);
    log += &describe(&story, &out);
    insta::assert_snapshot!(log);
}

/// Over the date line and over the pole: ordinary flights, in steps of two hundred metres.
#[test]
fn flights_over_the_date_line_and_the_pole() {
    let mut log = String::new();
    for (begin, course_deg) in [(geo::Position::new(10.0, 179.996), 90.0), (geo::Position::new(89.996, 10.0), 0.0)] {
        let mut story = Story::new();
        for step in 0..6 {
            let position = geo::distance::offset(begin, course_deg, f64::from(step) * 200.0);
            let frame = tracking(at(position.latitude_deg, position.longitude_deg));
            let out = story.frame(PILOT, Packet::Tracking(frame));
            log += &describe(&story, &out);
            story.pass(10.0);
        }
    }
    insta::assert_snapshot!(log);
}

/// Three pilots one after the other in one thermal that drifts with the wind, from their frames to the thermal.
#[test]
fn a_thermal_shared_by_three_pilots() {
    let (mut story, mut log) = (Story::new(), String::new());
    let (mut aggregator, mut changes) = (Aggregator::new(1), Changes::default());
    let foot = geo::Position::new(46.2, 13.6);
    for second in (0..900_u32).step_by(5) {
        for (pilot, from_s) in [(PILOT, 0), (PILOT + 1, 200), (PILOT + 2, 600)] {
            // Each climbs for four minutes, in circles of 25 s, to its own height.
            if !(from_s..from_s + 240).contains(&second) {
                continue;
            }
            let angle = f64::from(second) / 25.0 * std::f64::consts::TAU;
            let (around_east, around_north) = (40.0 * angle.sin(), 40.0 * angle.cos());
            // The wind: 4 m/s from the west.
            let position = shifted(foot, 4.0 * f64::from(second) + around_east, around_north);
            let (heading_deg, speed) = from_components(10.05 * angle.cos() + 4.0, -10.05 * angle.sin());
            let frame = Tracking {
                altitude_m: 1_000 + (second - from_s) as i32 * 2,
                speed_kmh: speed * 3.6,
                climb_mps: 2.0,
                heading_deg,
                turn_rate_dps: Some(14.4),
                ..tracking(at(position.latitude_deg, position.longitude_deg))
            };
            let out = story.frame(pilot, Packet::Tracking(frame));
            for (_, report) in &out.thermal_reports {
                let offset = aggregator.next_offset();
                aggregator.apply(offset, report, &mut changes);
            }
        }
        for (_, report) in &story.tick().thermal_reports {
            let offset = aggregator.next_offset();
            aggregator.apply(offset, report, &mut changes);
        }
        story.pass(5.0);
        for state in changes.thermals.drain(..).filter_map(|change| change.state) {
            let centre = state.position.unwrap_or_default();
            let truth = shifted(foot, 4.0 * (state.last_seen_at_us as f64 / 1e6 - START_S as f64), 0.0);
            let found = geo::Position::new(centre.latitude_deg, centre.longitude_deg);
            let _ = writeln!(
                log,
                "{second:>5} s  {} pilots, {:>2} reports, {:.0} to {:.0} m, {:.1} m/s, wind {:.0} km/h from {:.0} deg, {:.0} m off, sure {:.0} %",
                state.pilots,
                state.reports,
                state.base_altitude_m,
                state.top_altitude_m,
                state.mean_climb_mps,
                state.wind_speed_kmh.unwrap_or_default(),
                state.wind_from_deg.unwrap_or_default(),
                geo::distance::distance_m(found, truth),
                state.confidence_pct,
            );
        }
        changes.winds.clear();
    }
    let (thermals, winds) = (aggregator.states().count(), aggregator.winds().count());
    let _ = writeln!(log, "{thermals} thermals, {winds} bands of wind");
    insta::assert_snapshot!(log);
}

/// A receiver from its first frame to its end, in the states that its owner sees.
#[test]
fn a_receiver_appears_and_ends() {
    let (mut story, mut log) = (Story::new(), String::new());
    let mut receiver_core = ReceiverCore::new(Arc::new(ReceiverPositions::default()), 24 * 3_600 * 1_000_000);
    let mut changes = Vec::new();
    for step in 0..31_u32 {
        let position = geo::distance::offset(
            geo::Position::new(46.2, 13.6),
            f64::from(step) * 25.0,
            3_000.0 + f64::from(step) * 100.0,
        );
        let mut frame = tracking(at(position.latitude_deg, position.longitude_deg));
        // One in three is hidden: counted, and nothing more.
        frame.online_tracking = step % 3 != 2;
        let mut receptions = story.frame(PILOT + step, Packet::Tracking(frame)).receptions;
        let hour = 3_600.0;
        story.pass(match step {
            0..25 => 2.0,
            25..30 => 0.01 * hour,
            _ => 25.0 * hour,
        });
        receptions.extend(story.tick().receptions);
        for (_, reception) in &receptions {
            let offset = receiver_core.next_offset();
            receiver_core.apply(offset, reception, &mut changes);
        }
        for change in changes.drain(..) {
            let minutes = (change.at_us / 1_000_000 - START_S) as f64 / 60.0;
            let _ = match change.state {
                Some(state) => writeln!(
                    log,
                    "{minutes:>7.1} min  {} frames, {:.0} per minute, {} sectors, {}",
                    state.frames,
                    state.frames_per_minute,
                    state.coverage.len(),
                    state.position_source.map_or("no position", |_| "position estimated"),
                ),
                None => writeln!(log, "{minutes:>7.1} min  ended"),
            };
        }
    }
    insta::assert_snapshot!(log);
}
