//! Classifies librdkafka's errors by what the caller should do.

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode as Code;

use crate::{DeliveryError, StreamError};

/// Classifies the error of a call.
pub(super) fn classify(error: KafkaError, attempted: impl Into<String>) -> StreamError {
    let Some(code) = code_of(&error) else {
        return match error {
            KafkaError::ClientConfig(..) | KafkaError::ClientCreation(_) | KafkaError::Nul(_) => {
                StreamError::fatal("bad_settings", attempted, error)
            }
            KafkaError::AdminOpCreation(_) => StreamError::fatal("bad_request", attempted, error),
            _ => StreamError::transient("broker", attempted, error),
        };
    };
    let (reason, transient) = reason_of(code);
    if transient {
        StreamError::transient(reason, attempted, error)
    } else {
        StreamError::fatal(reason, attempted, error)
    }
}

/// The code of an error; rdkafka's own function lacks those of administrative calls.
fn code_of(error: &KafkaError) -> Option<Code> {
    match error {
        KafkaError::AdminOp(code) => Some(*code),
        error => error.rdkafka_error_code(),
    }
}

/// The reason of our closed set, and whether a retry may help.
pub(super) fn reason_of(code: Code) -> (&'static str, bool) {
    match code {
        Code::AllBrokersDown
        | Code::BrokerTransportFailure
        | Code::Resolve
        | Code::CoordinatorNotAvailable
        | Code::CoordinatorLoadInProgress
        | Code::NotCoordinator
        | Code::WaitingForCoordinator
        | Code::LeaderNotAvailable
        | Code::NotLeaderForPartition
        | Code::BrokerNotAvailable
        | Code::NotController => ("unavailable", true),
        Code::OperationTimedOut | Code::RequestTimedOut | Code::MessageTimedOut | Code::TimedOutQueue => {
            ("timeout", true)
        }
        Code::QueueFull => ("queue_full", true),
        Code::UnknownTopicOrPartition | Code::UnknownTopic | Code::UnknownPartition => ("unknown_topic", true),
        Code::IllegalGeneration
        | Code::UnknownMemberId
        | Code::FencedInstanceId
        | Code::RebalanceInProgress
        | Code::AssignmentLost => ("not_owned", true),
        Code::Authentication
        | Code::SaslAuthenticationFailed
        | Code::TopicAuthorizationFailed
        | Code::GroupAuthorizationFailed
        | Code::ClusterAuthorizationFailed => ("unauthorised", false),
        Code::InvalidTopic
        | Code::InvalidConfig
        | Code::InvalidPartitions
        | Code::InvalidReplicationFactor
        | Code::PolicyViolation
        | Code::InvalidRequest
        | Code::InvalidArgument
        | Code::UnsupportedVersion => ("bad_request", false),
        Code::Fatal | Code::Fenced | Code::OutOfOrderSequenceNumber => ("fenced", false),
        _ => ("broker", true),
    }
}

/// Classifies the error of a record that was not delivered.
pub(super) fn delivery_error(code: Code, detail: String) -> DeliveryError {
    let detail = detail.into();
    match code {
        Code::MessageSizeTooLarge | Code::InvalidMessageSize => DeliveryError::Refused { reason: "too_large", detail },
        Code::UnknownPartition
        | Code::InvalidMessage
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::InvalidTopic
        | Code::InvalidArgument => DeliveryError::Refused { reason: "invalid", detail },
        Code::PurgeQueue | Code::PurgeInflight => DeliveryError::Abandoned,
        Code::Fatal | Code::Fenced | Code::OutOfOrderSequenceNumber => DeliveryError::Fatal { detail },
        _ => DeliveryError::Unavailable { reason: reason_of(code).0, detail },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_decides_the_family() {
        let cases = [
            (Code::AllBrokersDown, "unavailable", true),
            (Code::UnknownTopicOrPartition, "unknown_topic", true),
            (Code::IllegalGeneration, "not_owned", true),
            (Code::TopicAuthorizationFailed, "unauthorised", false),
            (Code::Fatal, "fenced", false),
            (Code::OutOfOrderSequenceNumber, "fenced", false),
        ];
        for (code, reason, transient) in cases {
            let error = classify(KafkaError::ConsumerCommit(code), "commit");
            assert_eq!((error.reason(), error.is_transient()), (reason, transient), "{code:?}");
        }
    }

    #[test]
    fn an_administrative_refusal_is_fatal() {
        assert_eq!(classify(KafkaError::AdminOp(Code::InvalidConfig), "create").reason(), "bad_request");
    }

    #[test]
    fn only_the_record_itself_causes_a_refusal() {
        assert!(delivery_error(Code::MessageSizeTooLarge, String::new()).is_refused());
        assert!(!delivery_error(Code::UnknownTopic, String::new()).is_refused());
        assert_eq!(delivery_error(Code::PurgeQueue, String::new()), DeliveryError::Abandoned);
    }
}
