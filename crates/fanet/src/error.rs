//! Errors of decoding and of encoding.

use core::fmt;

use envelope::WrapperTooShort;

/// Whether bytes are missing or a rule is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Bytes are missing.
    Truncated,
    /// The bytes are all there, but a rule of the protocol is broken.
    Violation,
}

impl ErrorClass {
    /// `truncated` or `violation`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Violation => "violation",
        }
    }
}

impl fmt::Display for ErrorClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident $code:literal $class:ident,)*) => {
        /// The closed set of reasons for which a frame is refused.
        ///
        /// [`as_str`](Self::as_str) is fit for metric labels and dead-letter headers.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Reason { $($(#[$doc])* $variant,)* }

        impl Reason {
            /// Every reason there is.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// The code, lower case with underscores.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Whether bytes are missing or a rule is broken.
            #[must_use]
            pub const fn class(self) -> ErrorClass {
                match self { $(Self::$variant => ErrorClass::$class,)* }
            }
        }
    };
}

reasons! {
    /// A base-station message below 8 bytes.
    MqttTooShort "mqtt_too_short" Truncated,
    /// A frame below 4 bytes.
    FrameTooShort "frame_too_short" Truncated,
    /// The extended header is announced and missing.
    TruncatedExtendedHeader "truncated_extended_header" Truncated,
    /// The destination is announced and incomplete.
    TruncatedDestination "truncated_destination" Truncated,
    /// The signature is announced and incomplete.
    TruncatedSignature "truncated_signature" Truncated,
    /// A mandatory or announced field is incomplete, or left-over bytes do not fill an element.
    TruncatedPayload "truncated_payload" Truncated,
    /// An acknowledgement without a destination.
    AckNotUnicast "ack_not_unicast" Violation,
    /// A latitude beyond ±90 degrees.
    LatitudeOutOfRange "latitude_out_of_range" Violation,
    /// A longitude beyond ±180 degrees.
    LongitudeOutOfRange "longitude_out_of_range" Violation,
    /// A line or arrow with one point, an area with one or two.
    TooFewElements "too_few_elements" Violation,
    /// A type 8 request without a destination.
    PullRequestNotUnicast "pull_request_not_unicast" Violation,
    /// A type 10 request without a destination.
    PingPongNotUnicast "ping_pong_not_unicast" Violation,
    /// A type 10 request with bytes after its flag bytes.
    PingPongWithData "ping_pong_with_data" Violation,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why bytes were refused: the reason, the field, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The reason.
    pub reason: Reason,
    /// The field that could not be read, by its JSON name.
    pub field: &'static str,
    /// Where that field begins, in bytes from the start of the frame (of the complete message for
    /// [`Reason::MqttTooShort`]).
    pub offset: usize,
}

impl DecodeError {
    #[cold]
    pub(crate) const fn new(reason: Reason, field: &'static str, offset: usize) -> Self {
        Self { reason, field, offset }
    }

    /// The code of the reason, one of a small closed set.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        self.reason.as_str()
    }

    /// Whether bytes are missing or a rule is broken.
    #[must_use]
    pub const fn class(&self) -> ErrorClass {
        self.reason.class()
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}: {} ({})", self.field, self.offset, self.reason, self.class())
    }
}

impl core::error::Error for DecodeError {}

/// Without a complete wrapper there is no frame.
impl From<WrapperTooShort> for DecodeError {
    #[cold]
    fn from(_: WrapperTooShort) -> Self {
        Self::new(Reason::MqttTooShort, "timestamp_s", 0)
    }
}

/// Why a value cannot be sent.
///
/// Numbers beyond a field's range are not errors: they saturate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeError {
    /// A mandatory field is NaN or infinite.
    NotFinite {
        /// The field, by its JSON name.
        field: &'static str,
    },
    /// A latitude beyond ±90 degrees.
    LatitudeOutOfRange,
    /// A reserved source that no sender may use: manufacturer 00, FE or FF, id 0000 or FFFF.
    ReservedSource,
    /// The frame would be longer than the 254 bytes that receivers hold.
    TooLong {
        /// The length it would have, in bytes.
        length: usize,
    },
    /// This packet needs a destination.
    NotUnicast,
    /// A weather station sends data only together with its position.
    PositionMissing,
    /// A list with fewer points than its shape needs.
    TooFewElements,
    /// A point lies a degree or more from the one before it; insert points in between.
    TooFar {
        /// Which point, from 0.
        index: usize,
    },
    /// A build date outside 2019 to 2082, or a month or day that does not fit its bits.
    DateOutOfRange,
    /// A number that the field or this packet does not allow (a subtype, a packet type).
    CodeOutOfRange {
        /// The field, by its JSON name.
        field: &'static str,
    },
    /// A text that is not UTF-8, or contains a NUL, which would end it.
    TextNotSendable,
    /// Trailing bytes where they would be read as something else.
    TrailingNotAllowed,
}

impl EncodeError {
    /// A code of a small closed set, fit for metric labels.
    #[must_use]
    pub const fn reason(&self) -> &'static str {
        match self {
            Self::NotFinite { .. } => "not_finite",
            Self::LatitudeOutOfRange => "latitude_out_of_range",
            Self::ReservedSource => "reserved_source",
            Self::TooLong { .. } => "too_long",
            Self::NotUnicast => "not_unicast",
            Self::PositionMissing => "position_missing",
            Self::TooFewElements => "too_few_elements",
            Self::TooFar { .. } => "too_far",
            Self::DateOutOfRange => "date_out_of_range",
            Self::CodeOutOfRange { .. } => "code_out_of_range",
            Self::TextNotSendable => "text_not_sendable",
            Self::TrailingNotAllowed => "trailing_not_allowed",
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFinite { field } => write!(f, "{field} is not a finite number"),
            Self::LatitudeOutOfRange => f.write_str("latitude beyond 90 degrees"),
            Self::ReservedSource => f.write_str("the source address is reserved"),
            Self::TooLong { length } => write!(f, "a frame of {length} bytes is longer than 254"),
            Self::NotUnicast => f.write_str("this packet needs a destination"),
            Self::PositionMissing => f.write_str("service data needs a position"),
            Self::TooFewElements => f.write_str("too few points for this shape"),
            Self::TooFar { index } => write!(f, "point {index} is a degree or more from the one before it"),
            Self::DateOutOfRange => f.write_str("build date outside 2019 to 2082"),
            Self::CodeOutOfRange { field } => write!(f, "{field} is not allowed here"),
            Self::TextNotSendable => f.write_str("text is not UTF-8 or contains a NUL"),
            Self::TrailingNotAllowed => f.write_str("trailing bytes would be read as a field"),
        }
    }
}

impl core::error::Error for EncodeError {}
