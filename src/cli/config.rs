//! `meltcore config`: the keys that there are, the values in force, and a configuration drafted from data.

use super::arguments::ConfigArgs;
use super::output::{Table, print_bytes, print_json, print_line};
use super::{Globals, draft};
use crate::config::{Config, Key};
use crate::error::Result;
use serde_json::{Map, Value, json};

/// Print the keys that a configuration may hold, or the values in force; draft a configuration from data
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    meltcore config new --target wetsnow --input tb36=AMSR2 --static slope.tif --out run.yaml\n  \
    meltcore config keys\n  \
    meltcore config show --config run.yaml --set batch_size=4\n  \
    meltcore config show --config run.yaml > whole.yaml")]
pub struct Args {
    /// What to print
    #[command(subcommand)]
    pub what: What,
}

/// What is printed.
#[derive(Debug, clap::Subcommand)]
pub enum What {
    #[allow(missing_docs)]
    New(draft::Args),
    /// Every key with its default, what it acts on and what it means
    #[command(after_help = "Examples:\n  meltcore config keys\n  meltcore config keys --json\n\n\
        A run whose key that acts on weights has changed is not resumed; maps whose key that acts on maps has changed are made again.")]
    Keys {
        /// Print JSON instead of tables
        #[arg(long)]
        json: bool,
    },
    /// A configuration with every default written out, as YAML that loads again
    #[command(after_help = "Examples:\n  \
        meltcore config show --config run.yaml\n  \
        meltcore config show --config run.yaml --set model_key=unet --json")]
    Show {
        /// The configuration.
        #[command(flatten)]
        config: ConfigArgs,
        /// Print JSON: each key's value, and whether it was given
        #[arg(long)]
        json: bool,
    },
}

/// Prints the table of keys or a configuration, or drafts one.
///
/// # Errors
/// The configuration or the data cannot be used; stdout cannot be written.
pub fn run(args: &Args, globals: &Globals) -> Result<()> {
    match &args.what {
        What::New(args) => draft::run(args, globals),
        What::Keys { json: true } => print_json(&Key::groups().iter().flat_map(|(_, keys)| keys).map(|key| entry(key)).collect::<Vec<_>>()),
        What::Keys { json: false } => keys(),
        What::Show { config, json: true } => print_json(&effective(&config.load(globals)?)),
        What::Show { config, json: false } => print_bytes(config.load(globals)?.to_yaml().as_bytes()),
    }
}

fn entry(key: &Key) -> Value {
    json!({"key": key.name, "group": key.group, "default": key.default(), "weights": key.acts.weights, "maps": key.acts.maps,
        "meaning": key.meaning, "aliases": key.aliases().collect::<Vec<_>>()})
}

/// A table a group.
fn keys() -> Result<()> {
    for (number, (group, keys)) in Key::groups().into_iter().enumerate() {
        print_line(&format!("{}{group}", if number == 0 { "" } else { "\n" }))?;
        let mut table = Table::new(&["key", "default", "acts on", "meaning"]);
        for key in keys {
            let other = key.aliases().map(|alias| format!("; also `{alias}`")).collect::<String>();
            table.row([key.name.to_owned(), key.default_text(), key.acts.words().to_owned(), format!("{}{other}", key.meaning)]);
        }
        table.print()?;
    }
    Ok(())
}

/// Every key's value, and whether the file or an override gave it.
fn effective(config: &Config) -> Map<String, Value> {
    let with_origin = |(name, value): (String, Value)| {
        let given = config.given.contains(&name);
        (name, json!({"value": value, "given": given}))
    };
    config.to_json().into_iter().map(with_origin).collect()
}
