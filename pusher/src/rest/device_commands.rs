//! Commands of a device's owner: `POST /api/v1/devices/{address}/hide` and `/show`, and `DELETE
//! /api/v1/devices/{address}/history`; and of operators: `POST /api/v1/devices/{address}/deny`, `/allow`, `/hide-name`
//! and `/show-name`.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use schemas::DeviceAddress;
use schemas::catalogue::{self, topic};
use schemas::v1::command::{Action, Allow, Deny, Erase, Hide, HideName, Show, ShowName};
use schemas::v1::{AlertStatus, CommandReceipt, RetainedCopy};

use super::command::{about, device, remark, send};
use super::picture_request::accepts_protobuf;
use super::problem::Problem;
use super::query::Query;
use crate::app::{App, Live};
use crate::audit::{Act, Requester};
use fanout::view::State as Known;

pub(super) const HIDE_PATH: &str = "/api/v1/devices/{address}/hide";
pub(super) const HIDE_SUMMARY: &str = "Hide a device of the credentials, live and past, independent of what it sends, until `show`. \
                                       Its calls of distress stay public, without its name.";
pub(super) const SHOW_PATH: &str = "/api/v1/devices/{address}/show";
pub(super) const SHOW_SUMMARY: &str = "Undo `hide`: what the device sends from then on is shown, where its pilot consents. What \
                                       was recorded before stays hidden.";
pub(super) const DENY_PATH: &str = "/api/v1/devices/{address}/deny";
pub(super) const DENY_SUMMARY: &str = "Put a device on the deny list: as `hide`, also against the will of its owner, and its calls \
                                       for help are not public either. For operators.";
pub(super) const ALLOW_PATH: &str = "/api/v1/devices/{address}/allow";
pub(super) const ALLOW_SUMMARY: &str = "Take a device off the deny list: what it sends from then on is shown, where its pilot \
                                        consents. For operators.";
pub(super) const HIDE_NAME_PATH: &str = "/api/v1/devices/{address}/hide-name";
pub(super) const HIDE_NAME_SUMMARY: &str = "Withhold the name, the texts and the landmarks that a device sends from the public, \
                                            live and past; the device itself stays public. For operators.";
pub(super) const SHOW_NAME_PATH: &str = "/api/v1/devices/{address}/show-name";
pub(super) const SHOW_NAME_SUMMARY: &str = "Undo `hide-name`. For operators.";
pub(super) const HISTORY_PATH: &str = "/api/v1/devices/{address}/history";
pub(super) const ERASE_SUMMARY: &str = "Delete everything that is recorded of a device of the credentials up to now. It cannot be \
                                        undone. The answer names the copies that end with their age alone.";

pub(super) async fn hide(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    let order = Order { action: Action::Hide(Hide {}), name: "device.hide", receipt: CommandReceipt::default() };
    order.send(&app, &requester, &address, query.as_deref(), &headers).await
}

pub(super) async fn show(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    let order = Order { action: Action::Show(Show {}), name: "device.show", receipt: CommandReceipt::default() };
    order.send(&app, &requester, &address, query.as_deref(), &headers).await
}

pub(super) async fn deny(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    let decision = Decision { address, query, headers, remark: remark(body).await? };
    decision.send(&app, &requester, "device.deny", |remark| Action::Deny(Deny { remark })).await
}

pub(super) async fn allow(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    let decision = Decision { address, query, headers, remark: remark(body).await? };
    decision.send(&app, &requester, "device.allow", |_| Action::Allow(Allow {})).await
}

pub(super) async fn hide_name(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    let decision = Decision { address, query, headers, remark: remark(body).await? };
    decision.send(&app, &requester, "device.hide_name", |remark| Action::HideName(HideName { remark })).await
}

pub(super) async fn show_name(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
    body: Body,
) -> Result<Response, Problem> {
    let decision = Decision { address, query, headers, remark: remark(body).await? };
    decision.send(&app, &requester, "device.show_name", |_| Action::ShowName(ShowName {})).await
}

pub(super) async fn erase(
    State(app): State<App>,
    Path(address): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Extension(requester): Extension<Requester>,
) -> Result<Response, Problem> {
    let device = device(&address)?;
    // An open call for help would end with the rest. Others learn no more than that the device is not theirs.
    if requester.caller.manages(device).is_some() && has_standing_alert(&*app.ready()?, device) {
        let detail = format!("the device {device} has an open alert: resolve it first");
        return Err(Problem::conflict("alert_open", detail));
    }
    let retained = retained(app.options.archive_retention);
    let receipt = CommandReceipt { retained, ..CommandReceipt::default() };
    let order = Order { action: Action::Erase(Erase {}), name: "device.erase", receipt };
    order.send(&app, &requester, &address, query.as_deref(), &headers).await
}

/// What an operator decides about a device of any owner.
struct Decision {
    address: String,
    query: Option<String>,
    headers: HeaderMap,
    remark: Option<String>,
}

impl Decision {
    async fn send(
        self,
        app: &App,
        requester: &Requester,
        name: &'static str,
        action: impl FnOnce(Option<String>) -> Action,
    ) -> Result<Response, Problem> {
        Query::parse(self.query.as_deref(), &[])?;
        let device = device(&self.address)?;
        let details = self.remark.clone().map(|remark| ("remark", remark));
        let act = about(device, name, requester.caller.manages_all());
        let act = Act { details: details.into_iter().collect(), ..act };
        let (receipt, protobuf) = (CommandReceipt::default(), accepts_protobuf(&self.headers));
        Ok(send(app, requester, act, device, action(self.remark), receipt, protobuf).await)
    }
}

/// A command about a device, with the receipt for it.
struct Order {
    action: Action,
    name: &'static str,
    receipt: CommandReceipt,
}

impl Order {
    async fn send(
        self,
        app: &App,
        requester: &Requester,
        address: &str,
        query: Option<&str>,
        headers: &HeaderMap,
    ) -> Result<Response, Problem> {
        Query::parse(query, &[])?;
        let device = device(address)?;
        let act = about(device, self.name, requester.caller.manages(device));
        Ok(send(app, requester, act, device, self.action, self.receipt, accepts_protobuf(headers)).await)
    }
}

fn has_standing_alert(live: &Live, device: DeviceAddress) -> bool {
    let is_standing = |status: AlertStatus| status != AlertStatus::Resolved;
    let is_public = live.view.read().of_device(device.0).any(|object| match &object.state {
        Known::Alert(alert) => is_standing(alert.status()),
        _ => false,
    });
    is_public || live.view.read().private().alert(device.0).is_some_and(|alert| is_standing(alert.status()))
}

/// What an erasure does not delete: topics whose records end with their age, archives of them, and that the device's past
/// is hidden.
fn retained(archive: Option<Duration>) -> Vec<RetainedCopy> {
    let of_topic = |topic: catalogue::Topic| RetainedCopy {
        days: topic.retention.map(days),
        place: topic.name,
        about: topic.about,
    };
    let is_kept = |topic: &catalogue::Topic| topic.retention.is_some() || topic.name == topic::PRIVACY;
    let archive = RetainedCopy {
        place: "archive".to_owned(),
        days: archive.filter(|age| !age.is_zero()).map(days),
        about: match archive {
            Some(_) => "Hourly captures of the raw topic.",
            None => "Hourly captures of the raw topic, where the operator keeps any: ask for how long.",
        }
        .to_owned(),
    };
    catalogue::topics().into_iter().filter(is_kept).map(of_topic).chain([archive]).collect()
}

/// Days, the begun one included.
fn days(age: Duration) -> u32 {
    u32::try_from(age.as_secs().div_ceil(86_400)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_erasure_names_what_ends_with_its_age() {
        let of = |archive| -> Vec<(String, Option<u32>)> {
            retained(archive).into_iter().map(|copy| (copy.place, copy.days)).collect()
        };
        let hours = |hours: u64| Some(Duration::from_secs(hours * 3_600));
        let year = of(hours(8_760));
        for expected in [
            (topic::RAW, Some(7)),
            (topic::OBSERVATION, Some(30)),
            (topic::PRIVATE_OBSERVATION, Some(1)),
            (topic::AUDIT, Some(400)),
            (topic::PRIVACY, None),
            ("archive", Some(365)),
        ] {
            assert!(year.contains(&(expected.0.to_owned(), expected.1)), "{expected:?}: {year:?}");
        }
        assert!(!year.iter().any(|(place, _)| place == topic::AIRCRAFT), "a tombstone ends it");
        assert_eq!(of(hours(0)).last(), Some(&("archive".to_owned(), None)), "kept without an end");
        assert_eq!(of(None).last(), Some(&("archive".to_owned(), None)));
        assert_eq!(days(Duration::from_secs(86_401)), 2);
    }
}
