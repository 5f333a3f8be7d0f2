//! The input channels of a network, in the one order that weights are made for.

use crate::config::Config;
use crate::error::Result;

/// One input channel; the declaration order is the order in the network's input, whatever the order of the configuration's lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Channel {
    /// Passive-microwave brightness temperature, K.
    Pmw,
    /// MODIS band 1.
    ModisB1,
    /// MODIS band 2.
    ModisB2,
    /// MAR liquid water content of the top metre.
    MarWa1,
    /// Running mean of radar maps, 0…1.
    TimeInterpolateSar,
    /// Elevation, m.
    Dem,
    /// 1 on ocean, 0 on land.
    Landmask,
    /// Sine of 2π·d/360, d = days since 1 January.
    TimeSin,
    /// Cosine of 2π·d/360.
    TimeCos,
    /// Month, 1…12.
    TimeMonthIdx,
    /// Mean brightness temperature of January and February of the day's year, K.
    PmwWinterMean,
}

impl Channel {
    /// Every channel in its order.
    pub const ALL: [Channel; 11] = [
        Channel::Pmw,
        Channel::ModisB1,
        Channel::ModisB2,
        Channel::MarWa1,
        Channel::TimeInterpolateSar,
        Channel::Dem,
        Channel::Landmask,
        Channel::TimeSin,
        Channel::TimeCos,
        Channel::TimeMonthIdx,
        Channel::PmwWinterMean,
    ];

    /// Its name in `in_keys`, `in_keys_static` and `in_keys_aux`, and in `path_<name>`.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Pmw => "pmw",
            Channel::ModisB1 => "modis_b1",
            Channel::ModisB2 => "modis_b2",
            Channel::MarWa1 => "mar_wa1",
            Channel::TimeInterpolateSar => "time_interpolate_sar",
            Channel::Dem => "dem",
            Channel::Landmask => "landmask",
            Channel::TimeSin => "time_sin",
            Channel::TimeCos => "time_cos",
            Channel::TimeMonthIdx => "time_month_idx",
            Channel::PmwWinterMean => "pmw_winter_mean",
        }
    }

    /// Whether it is one number a day rather than a map.
    pub fn is_scalar(self) -> bool {
        matches!(self, Channel::TimeSin | Channel::TimeCos | Channel::TimeMonthIdx)
    }

    /// Whether one file serves all days.
    pub fn is_static(self) -> bool {
        matches!(self, Channel::Dem | Channel::Landmask)
    }

    /// Whether a pixel without a value makes the day unusable; the two others have a meaning for it (0, ocean).
    pub fn refuses_nan(self) -> bool {
        !self.is_scalar() && !matches!(self, Channel::TimeInterpolateSar | Channel::Landmask)
    }

    /// The channels that a configuration names, in network order.
    ///
    /// # Errors
    /// [`Error::Config`](crate::error::Error::Config) for an unknown or repeated name, or one of `time_sin` and `time_cos` without the other.
    pub fn from_config(config: &Config) -> Result<Vec<Channel>> {
        let lists = [("in_keys", &config.in_keys), ("in_keys_static", &config.in_keys_static), ("in_keys_aux", &config.in_keys_aux)];
        let mut channels = Vec::new();
        for (key, names) in lists {
            for name in names {
                let Some(channel) = Channel::ALL.into_iter().find(|channel| channel.name() == name) else {
                    let known = Channel::ALL.map(Channel::name).join(", ");
                    return Err(config.key_error(key, format!("`{name}` is no input channel; known are {known}")));
                };
                if channels.contains(&channel) {
                    return Err(config.key_error(key, format!("`{name}` is named twice; remove one of them")));
                }
                channels.push(channel);
            }
        }
        if channels.contains(&Channel::TimeSin) != channels.contains(&Channel::TimeCos) {
            return Err(config.key_error("in_keys_aux", "needs both time_sin and time_cos, or neither"));
        }
        channels.sort_unstable();
        Ok(channels)
    }
}
