//! MQTT frames into the raw topic; nothing acknowledged is lost.
