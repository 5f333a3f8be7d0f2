//! What a key is, and which keys a configuration may hold: in force, accepted and ignored, refused, or unknown with the nearest known one.

use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::declared::is_own;
use super::reader::Reader;
use super::synonyms;
use super::table::{ALIASES, KEYS};
use super::{Config, TaskKey};
use crate::domains::{Domain, DomainKey, Source};

/// Names of the splits, each with its `path_<name>_split_csv`.
pub const SPLITS: [&str; 6] = ["train", "val", "test", "eval", "all", "deploy"];

/// What `path_ignore` is a path of, among those of variables.
pub const IGNORE: &str = "ignore";

/// What `path_fronts` is a path of, among those of variables.
pub const FRONTS: &str = "fronts";

/// What `path_bounding_boxes` is a path of.
pub const BOUNDING_BOXES: &str = "bounding_boxes";

/// What `path_twin` is a path of, among those of variables.
pub const TWIN: &str = "twin";

/// What stands in a key's name for each of the variables, for each that a configuration declares itself, and for each of the splits.
const VARIABLE: &str = "<variable>";
const INPUT: &str = "<input>";
const SPLIT: &str = "<split>";

/// Keys of the reference that have no meaning here.
const IGNORED: &str = "device num_workers persistent_workers use_gpu use_cv use_deterministic_algorithms warn_only verbose filetype \
    data_key in_channels nodata_modis decoder_interpolation_mode use_cosine_annealing save_predictions create_csv_w_split_cfg \
    add_wandb_id_to_ckpt_filename path_experiment path_wandb";

/// Beginnings of further keys that have no meaning here.
const IGNORED_PREFIXES: [&str; 5] = ["log_", "period_wandb_", "wandb_", "path_sweep", "path_predictions_"];

/// What weight files say of a key, and what another value means where maps are made with them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carried {
    /// Nothing: where files are, how a run trains, what the device does.
    Not,
    /// Its value, for whoever has no configuration; another one is a choice.
    Choice,
    /// Its value; another one is a choice that is told.
    Told,
    /// Its value; under another one the weights mean something else.
    Binding,
}

/// What a key's value decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acts {
    /// The weights of a given epoch: it is part of the digest by which a resumed run knows its own.
    pub weights: bool,
    /// Maps made from given weights: they are made again where it is another.
    pub maps: bool,
    /// What weight files say of it.
    pub carried: Carried,
    /// It is written down only where it is not the default, so that digests are those of versions without the key.
    unless_default: bool,
}

pub(super) const NOTHING: Acts = Acts { weights: false, maps: false, carried: Carried::Not, unless_default: false };
pub(super) const WEIGHTS: Acts = Acts { weights: true, ..NOTHING };
pub(super) const MAPS: Acts = Acts { maps: true, carried: Carried::Choice, ..NOTHING };
pub(super) const WEIGHTS_AND_MAPS: Acts = Acts { weights: true, maps: true, carried: Carried::Binding, ..NOTHING };

impl Acts {
    pub(super) const fn carried(self, carried: Carried) -> Acts {
        Acts { carried, ..self }
    }

    pub(super) const fn unless_default(self) -> Acts {
        Acts { unless_default: true, ..self }
    }

    /// In words, for tables.
    pub fn words(self) -> &'static str {
        match (self.weights, self.maps) {
            (true, true) => "weights, maps",
            (true, false) => "weights",
            (false, true) => "maps",
            (false, false) => "",
        }
    }
}

/// A line of the table of keys.
#[derive(Debug)]
pub struct Key {
    /// Its name, with `<variable>` or `<split>` where there is one key for each.
    pub name: &'static str,
    /// The heading that it stands under.
    pub group: &'static str,
    /// What it decides.
    pub acts: Acts,
    /// What it means.
    pub meaning: &'static str,
    /// Its value in a configuration; none where other keys' readers look at it.
    pub(super) value: Option<fn(&Config) -> Value>,
}

/// Makes of the table's lines the configuration, its reader, and the table.
macro_rules! keys {
    (@name $field:ident) => { stringify!($field) };
    (@name $field:ident $name:literal) => { $name };
    (
        $( $group:literal {
            $( $field:ident $(as $name:literal)? : $type:ty = $read:ident($($argument:expr),*), $acts:expr, $meaning:literal; )*
        } )*
        beside { $( $beside_group:literal $beside:literal $beside_acts:expr, $beside_meaning:literal; )* }
    ) => {
        /// All keys in force, one field a key; those of variables and splits are maps by name. `meltcore config keys` lists them with their
        /// defaults.
        #[derive(Debug, Clone)]
        pub struct Config {
            /// Where the configuration came from, for error messages.
            pub file: String,
            $($( #[doc = concat!("`", keys!(@name $field $($name)?), "`: ", $meaning, ".")] pub $field: $type, )*)*
            /// The variables of the domain and those that the file declares.
            pub table: &'static Domain,
            /// Names that the file declares.
            pub declared: Vec<String>,
            /// Regions by scenes, as far as the file of `path_regions` says them.
            pub scene_regions: BTreeMap<String, String>,
            /// Paths that were taken from the folder of the file instead of the current directory, by key as the file has them.
            pub beside: BTreeMap<String, String>,
            /// Keys that were accepted and ignored, for the one line that names them.
            pub ignored: Vec<String>,
            /// Keys in force that the file or an override gave, by their canonical names.
            pub given: BTreeSet<String>,
        }

        impl Config {
            /// All fields from the keys in force; `ignored` holds the names of the others.
            pub(super) fn read(reader: &Reader, ignored: Vec<String>) -> Result<Config> {
                Ok(Config {
                    file: reader.file.clone(),
                    $($( $field: reader.$read(keys!(@name $field $($name)?) $(, $argument)*)?, )*)*
                    table: DomainKey::default().domain(),
                    declared: reader.declared.clone(),
                    scene_regions: BTreeMap::new(),
                    beside: BTreeMap::new(),
                    ignored,
                    given: reader.keys.iter().map(|(key, _)| key.clone()).collect(),
                })
            }
        }

        /// Every key, in the order of `meltcore config keys`.
        pub static KEYS: &[Key] = &[
            $($( Key {
                name: keys!(@name $field $($name)?),
                group: $group,
                acts: $acts,
                meaning: $meaning,
                value: Some(|config| value(&config.$field)),
            }, )*)*
            $( Key { name: $beside, group: $beside_group, acts: $beside_acts, meaning: $beside_meaning, value: None }, )*
        ];
    };
}
pub(super) use keys;

/// A field as JSON; every type of the table has such a form.
pub(super) fn value(field: &impl serde::Serialize) -> Value {
    serde_json::to_value(field).unwrap_or_default()
}

impl Key {
    /// The line of a key of this name, of variables of the default domain where it is one of theirs.
    pub fn find(name: &str) -> Option<&'static Key> {
        Key::find_in(DomainKey::default().domain(), name)
    }

    /// The line of a key of this name, of variables of a domain where it is one of theirs.
    pub fn find_in(domain: &'static Domain, name: &str) -> Option<&'static Key> {
        let exact = KEYS.iter().find(|key| key.name == name);
        exact.or_else(|| KEYS.iter().find(|key| key.names_in(domain).iter().any(|known| known == name)))
    }

    /// The keys that a variable which a configuration declares itself may have.
    pub(super) fn own_names(variable: &str) -> impl Iterator<Item = String> {
        KEYS.iter().filter_map(move |key| key.names_for(variable))
    }

    /// Its name for a variable that a configuration declares itself; none where it is no key of variables.
    pub fn names_for(&self, variable: &str) -> Option<String> {
        let stands = [VARIABLE, INPUT].into_iter().find(|stands| self.name.contains(stands))?;
        Some(self.name.replace(stands, variable))
    }

    /// The keys under their headings.
    pub fn groups() -> Vec<(&'static str, Vec<&'static Key>)> {
        let mut groups: Vec<(&str, Vec<&Key>)> = Vec::new();
        for key in KEYS {
            match groups.iter_mut().find(|(group, _)| *group == key.group) {
                Some((_, keys)) => keys.push(key),
                None => groups.push((key.group, vec![key])),
            }
        }
        groups
    }

    /// Every name that it stands for with the variables of the default domain.
    pub fn names(&self) -> Vec<String> {
        self.names_in(DomainKey::default().domain())
    }

    /// Every name that it stands for with the variables of a domain.
    pub fn names_in(&self, domain: &'static Domain) -> Vec<String> {
        let each = |stands: &str, names: Vec<&str>| names.iter().map(|name| self.name.replace(stands, name)).collect();
        match () {
            () if self.name.contains(VARIABLE) => each(VARIABLE, variables(domain).collect()),
            () if self.name.contains(INPUT) => Vec::new(),
            () if self.name.contains(SPLIT) => each(SPLIT, SPLITS.to_vec()),
            () => vec![self.name.to_owned()],
        }
    }

    /// Whether it stands for several keys.
    pub fn is_family(&self) -> bool {
        self.name.contains('<')
    }

    /// Whether it would be the line of a key of this name, were its variable declared.
    pub(super) fn is_form_of(&self, name: &str) -> bool {
        let ends = self.name.split_once('<').and_then(|(before, rest)| Some((before, rest.split_once('>')?.1)));
        ends.is_some_and(|(before, after)| name.strip_prefix(before).is_some_and(|rest| rest.len() > after.len() && rest.ends_with(after)))
    }

    /// Other names of it.
    pub fn aliases(&self) -> impl Iterator<Item = &'static str> {
        ALIASES.into_iter().filter(|(_, name)| *name == self.name).map(|(alias, _)| alias)
    }

    /// Its default; null where it has none, and where there is one key for each variable or split.
    pub fn default(&self) -> Value {
        static DEFAULTS: OnceLock<Option<Config>> = OnceLock::new();
        self.value_in(DEFAULTS.get_or_init(|| Config::read(&Reader::default(), Vec::new()).ok()))
    }

    /// What it is where nobody says, in a configuration of a task; those that stood before tasks had defaults of their own count as melt's.
    fn default_of(&self, task: TaskKey) -> Value {
        static CALVING: OnceLock<Option<Config>> = OnceLock::new();
        match task {
            TaskKey::CalvingFront => {
                let reader = Reader { task, domain: task.domain(), ..Reader::default() };
                self.value_in(CALVING.get_or_init(|| Config::read(&reader, Vec::new()).ok()))
            }
            TaskKey::MeltFraction | TaskKey::Regression | TaskKey::Segmentation => self.default(),
        }
    }

    fn value_in(&self, defaults: &Option<Config>) -> Value {
        let value = self.value.filter(|_| !self.is_family()).zip(defaults.as_ref());
        value.map(|(value, defaults)| value(defaults)).unwrap_or_default()
    }

    /// Its default as YAML; empty where it has none.
    pub fn default_text(&self) -> String {
        match self.default() {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        }
    }

    /// Adds it to a configuration's JSON.
    pub(super) fn write(&self, config: &Config, to: &mut Map<String, Value>) {
        let Some(value) = self.value.map(|value| value(config)) else { return };
        match value {
            Value::Object(each) if self.is_family() => {
                to.extend(
                    each.into_iter()
                        .map(|(name, value)| (self.name.replace(VARIABLE, &name).replace(INPUT, &name).replace(SPLIT, &name), value)),
                );
            }
            value if self.acts.unless_default && value == self.default_of(config.task) => {}
            value => drop(to.insert(self.name.to_owned(), value)),
        }
    }
}

/// Variables with a raster of their own.
pub(super) fn variables(domain: &'static Domain) -> impl Iterator<Item = &'static str> {
    domain.rasters().map(|variable| variable.name)
}

/// Inputs by where their values come from.
pub(super) fn inputs(domain: &'static Domain, from: fn(Source) -> bool) -> Vec<&'static str> {
    domain.inputs.iter().filter(|variable| from(variable.source)).map(|variable| variable.name).collect()
}

/// The key whose list takes the input `name`.
pub(super) fn list_of_channel(domain: &'static Domain, name: &str) -> Option<&'static str> {
    domain.input(name).map(|variable| variable.list())
}

/// What becomes of a key.
pub(super) enum KeyUse {
    /// Read by this crate.
    InForce,
    /// Accepted, named once in a line, and without effect.
    Ignored,
    /// Neither; holds what to do about it.
    Unknown(String),
}

/// The name under which a key is read: itself, or what it is another name of.
pub(crate) fn canonical(key: &str) -> &str {
    ALIASES.iter().find(|(alias, _)| *alias == key).map_or(key, |(_, name)| name)
}

/// Whether `key` is one of the reference's that have no meaning here.
pub(super) fn is_ignored(key: &str) -> bool {
    IGNORED.split_whitespace().any(|name| name == key) || IGNORED_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}

/// Says what becomes of `key`, given under its canonical name in a file that declares some variables or in a fixture's attributes.
pub(super) fn classify(key: &str, domain: &'static Domain, declared: &[String]) -> KeyUse {
    if Key::find_in(domain, key).is_some() || is_own(key, declared) {
        return KeyUse::InForce;
    }
    if is_ignored(key) {
        return KeyUse::Ignored;
    }
    let mut known: Vec<String> = KEYS.iter().flat_map(|key| key.names_in(domain)).collect();
    known.extend(declared.iter().flat_map(|name| Key::own_names(name)));
    let ignored = IGNORED.split_whitespace();
    let candidates: Vec<&str> = known.iter().map(String::as_str).chain(ALIASES.iter().map(|(alias, _)| *alias)).chain(ignored).collect();
    KeyUse::Unknown(match of_family(key).filter(|_| nearest(key, candidates.iter().copied()).is_none()) {
        Some(name) => format!(
            "no list names `{name}`: a variable of your own stands in `in_keys`, `in_keys_static` or `target`. Name it there, or remove the \
             line"
        ),
        None => synonyms::advice(key, candidates),
    })
}

/// The variable that a key would be of, had a configuration declared it.
fn of_family(key: &str) -> Option<&str> {
    let families = KEYS.iter().filter(|family| family.names_for("").is_some()).filter_map(|family| family.name.split_once('<'));
    families.filter(|(before, _)| !before.is_empty()).find_map(|(before, _)| key.strip_prefix(before)).filter(|name| !name.is_empty())
}

/// The candidate with the fewest edits from `given`, letter case aside, the first of equals; none where those are more than a third of its
/// letters, since what is far away misleads.
pub(crate) fn nearest<'a>(given: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let given = given.to_lowercase();
    let edits = |name: &str| strsim::damerau_levenshtein(&given, &name.to_lowercase());
    let (edits, near) = candidates.into_iter().map(|name| (edits(name), name)).min_by_key(|(edits, _)| *edits)?;
    (3 * edits <= given.chars().count()).then_some(near)
}

/// A reason to refuse the value of a key that the reference reads and this crate fixes.
pub(super) fn refusal(key: &str, value: &Value) -> Option<&'static str> {
    let text = value.as_str();
    match key {
        "dtype" if text != Some("float32") => {
            Some("only float32 is computed; write `dtype: float32`, and `precision: mixed` for half-precision operands")
        }
        "normalize_melt" if *value != Value::Bool(false) => {
            Some("the melt fraction is used as it is, since every loss, score and map here is in 0…1; write `normalize_melt: false`")
        }
        "blur" if text != Some("gaussian") => Some("only the Gaussian blur is there; write `blur: gaussian`"),
        _ => None,
    }
}
