//! Rows of receptions and of states.

use history::{AlertRow, BlockRows, PrivacyRow, ReceiverRow, ReceptionRow, ThermalRow};
use schemas::v1::reception::Content;
use schemas::v1::{
    AlertState, HeardFrame, PrivacyState, ReceiverPositionSource, ReceiverState, Reception, ThermalState,
};

use super::columns::{OptionalPosition, StoredPosition, address, float, id, narrow, optional_float, time_ms};
use air::decode::Reject;

/// Adds the row of a reception.
pub(super) fn add_reception(reception: Reception, rows: &mut BlockRows) -> Result<(), Reject> {
    let Reception { reception_id, receiver_id, ingested_at_us, content } = reception;
    let Some(Content::HeardFrame(heard)) = content else { return Ok(()) };
    let HeardFrame {
        observation_id, rssi_dbm, snr_db, receiver_stamp_s, relayed, packet_type, position, device, ..
    } = heard;
    let OptionalPosition { latitude_e7, longitude_e7, altitude_m } = OptionalPosition::of(position.as_ref())?;
    rows.receptions.push(ReceptionRow {
        receiver_id,
        ingested_at_ms: time_ms("ingested_at_us", ingested_at_us)?,
        reception_id: id("reception_id", reception_id)?,
        observation_id: observation_id.map(|observed| id("observation_id", observed)).transpose()?,
        rssi_dbm: narrow("rssi_dbm", rssi_dbm)?,
        snr_db: narrow("snr_db", snr_db)?,
        receiver_stamp_s,
        relayed,
        packet_type: packet_type.map(|number| narrow("packet_type", number)).transpose()?,
        latitude_e7,
        longitude_e7,
        altitude_m,
        device: device.map(address).transpose()?,
    });
    Ok(())
}

/// Milliseconds since the epoch; 0 means never and stays 0.
fn time_or_never_ms(name: &str, at_us: u64) -> Result<i64, Reject> {
    if at_us == 0 { Ok(0) } else { time_ms(name, at_us) }
}

/// Adds the row of a device's public past.
pub(super) fn add_privacy(state: &PrivacyState, rows: &mut BlockRows) -> Result<(), Reject> {
    rows.privacy.push(PrivacyRow {
        device: address(state.device)?,
        version: id("version", state.version)?,
        hidden: state.hidden,
        public_since_ms: time_or_never_ms("public_since_us", state.public_since_us)?,
        refused: state.online_tracking == Some(false),
        denied: state.denied,
        hidden_by_command: state.hidden_by_command,
        hidden_until_ms: time_or_never_ms("hidden_until_us", state.hidden_until_us)?,
        name_hidden: state.name_hidden,
    });
    Ok(())
}

/// Adds the row of a receiver's state.
pub(super) fn add_receiver(state: ReceiverState, rows: &mut BlockRows) -> Result<(), Reject> {
    let OptionalPosition { latitude_e7, longitude_e7, altitude_m } = OptionalPosition::of(state.position.as_ref())?;
    rows.receivers.push(ReceiverRow {
        version: id("version", state.version)?,
        last_seen_at_ms: time_ms("last_seen_at_us", state.last_seen_at_us)?,
        latitude_e7,
        longitude_e7,
        altitude_m,
        configured: state.position_source() == ReceiverPositionSource::Configured,
        receiver_id: state.receiver_id,
    });
    Ok(())
}

/// Adds the row of a thermal's state.
pub(super) fn add_thermal(state: &ThermalState, rows: &mut BlockRows) -> Result<(), Reject> {
    let StoredPosition { latitude_e7, longitude_e7, .. } = StoredPosition::of(state.position.as_ref())?;
    let altitude_m = state.position.as_ref().and_then(|position| position.altitude_m);
    rows.thermals.push(ThermalRow {
        thermal_id: id("thermal_id", state.thermal_id)?,
        version: id("version", state.version)?,
        first_seen_at_ms: time_ms("first_seen_at_us", state.first_seen_at_us)?,
        last_seen_at_ms: time_ms("last_seen_at_us", state.last_seen_at_us)?,
        latitude_e7,
        longitude_e7,
        altitude_m: optional_float("altitude_m", altitude_m)?,
        radius_m: float("radius_m", state.radius_m)?,
        base_altitude_m: float("base_altitude_m", state.base_altitude_m)?,
        top_altitude_m: float("top_altitude_m", state.top_altitude_m)?,
        mean_climb_mps: float("mean_climb_mps", state.mean_climb_mps)?,
        max_climb_mps: float("max_climb_mps", state.max_climb_mps)?,
        wind_from_deg: optional_float("wind_from_deg", state.wind_from_deg)?,
        wind_speed_kmh: optional_float("wind_speed_kmh", state.wind_speed_kmh)?,
        pilots: state.pilots,
        reports: state.reports,
        confidence_pct: float("confidence_pct", state.confidence_pct)?,
        drift_course_deg: optional_float("drift_course_deg", state.drift_course_deg)?,
        drift_speed_kmh: optional_float("drift_speed_kmh", state.drift_speed_kmh)?,
    });
    Ok(())
}

/// Adds the row of an alert's state.
pub(super) fn add_alert(state: AlertState, rows: &mut BlockRows) -> Result<(), Reject> {
    let OptionalPosition { latitude_e7, longitude_e7, altitude_m } = OptionalPosition::of(state.position.as_ref())?;
    let optional_ms = |name, at_us: Option<u64>| at_us.map(|at_us| time_ms(name, at_us)).transpose();
    rows.alerts.push(AlertRow {
        device: address(state.device)?,
        alert_id: id("alert_id", state.alert_id)?,
        version: id("version", state.version)?,
        alert_kind: narrow("alert_kind", state.alert_kind)?,
        status: narrow("status", state.status)?,
        opened_at_ms: time_ms("opened_at_us", state.opened_at_us)?,
        refreshed_at_ms: time_ms("refreshed_at_us", state.refreshed_at_us)?,
        latitude_e7,
        longitude_e7,
        altitude_m,
        acknowledged_at_ms: optional_ms("acknowledged_at_us", state.acknowledged_at_us)?,
        resolved_at_ms: optional_ms("resolved_at_us", state.resolved_at_us)?,
        resolution: narrow("resolution", state.resolution.unwrap_or_default())?,
        unverified: state.unverified,
        acknowledged_by: state.acknowledged_by,
    });
    Ok(())
}
