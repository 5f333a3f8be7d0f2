//! placeholder replaced by the cli branch
