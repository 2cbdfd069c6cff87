//! The trace context that travels in record headers: W3C `traceparent`.

use rand::RngExt as _;

/// Decides which frames carry a trace from the bridge to the map, and makes their context.
#[derive(Debug, Clone)]
pub struct TraceSampler {
    ratio: f64,
}

impl TraceSampler {
    /// Samples this share of all frames, 0 to 1.
    pub fn new(ratio: f64) -> Self {
        Self { ratio }
    }

    /// A new sampled `traceparent` (version 00), or `None` for the frames that are not traced.
    pub fn start(&self) -> Option<String> {
        let mut random = rand::rng();
        if self.ratio <= 0.0 || random.random::<f64>() >= self.ratio {
            return None;
        }
        // Zero ids are not valid; one bit set makes sure.
        let (trace, span) = (random.random::<u128>() | 1, random.random::<u64>() | 1);
        Some(format!("00-{trace:032x}-{span:016x}-01"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_none_are_sampled_at_the_ends() {
        assert_eq!(TraceSampler::new(0.0).start(), None);
        let context = TraceSampler::new(1.0).start().expect("sampled");
        let parts: Vec<&str> = context.split('-').collect();
        assert_eq!(parts.iter().map(|part| part.len()).collect::<Vec<_>>(), [2, 32, 16, 2], "{context}");
    }
}
