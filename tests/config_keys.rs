//! The table of keys: whole, true in README, and printed by `meltcore config`.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use meltcore::config::{Config, KEYS, Key};
use serde_json::Value;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
const UNET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/config/unet.yaml");
const BEGIN: &str = "<!-- keys: the cells beside the names are those of `meltcore config keys`; \
    MELTCORE_UPDATE=readme cargo test --test config_keys writes them -->\n";
const END: &str = "<!-- end of keys -->";

fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_meltcore")).arg("config").args(arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn every_key_is_named_once_and_its_default_is_what_a_file_without_it_has() {
    let names: Vec<String> = KEYS.iter().flat_map(Key::names).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
    let bare = Config::from_yaml("model_key: unet", "run.yaml", &[]).unwrap();
    let mut tried = 0;
    for key in KEYS.iter().filter(|key| !key.default().is_null()) {
        assert!(!key.meaning.is_empty() && !key.meaning.ends_with('.'), "{}", key.name);
        let value = if key.name == "model_key" { "unet".to_owned() } else { key.default().to_string() };
        let text = format!("{{model_key: unet, \"{}\": {value}}}", key.name);
        let text = if key.name == "model_key" { "model_key: unet".to_owned() } else { text };
        let given = Config::from_yaml(&text, "run.yaml", &[]).unwrap();
        assert_eq!((given.to_json(), given.digest()), (bare.to_json(), bare.digest()), "{text}");
        tried += 1;
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn a_key_is_in_the_digest_or_in_the_list_of_maps_as_its_line_says() {
    let config = Config::load(Path::new(UNET), &[]).unwrap();
    let (all, weights, maps) = (config.to_json(), config.training_keys(), config.map_keys());
    let given = |name: &str| (weights.contains_key(name), maps.contains_key(name));
    for name in all.keys() {
        let acts = Key::find(name).unwrap().acts;
        assert_eq!(given(name), (acts.weights, acts.maps), "{name}");
    }
    for (name, wanted) in [
        ("img_size", (true, true)),
        ("mean_pmw", (true, true)),
        ("path_melt", (true, true)),
        ("path_melt_reference", (false, true)),
        ("learning_rate", (true, false)),
        ("min_melt", (false, true)),
        ("path_val_split_csv", (false, false)),
        ("path_checkpoints", (false, false)),
    ] {
        assert_eq!((all.contains_key(name), given(name)), (true, wanted), "{name}");
    }
}

#[test]
fn readme_says_what_the_table_says() {
    let readme = fs::read_to_string(README).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("README has the mark before its table of keys");
    let (table, after) = rest.split_once(END).expect("README has the mark after its table of keys");
    let (head, rows) = table.split_at(table.match_indices('\n').nth(1).unwrap().0 + 1);
    let mut wanted = head.to_owned();
    for row in rows.lines() {
        let name = row.split('`').nth(1).unwrap_or_default();
        let alias = KEYS.iter().find(|key| key.aliases().any(|alias| alias == name));
        let key = alias.or_else(|| Key::find(name)).unwrap_or_else(|| panic!("README names `{name}`, which is no key"));
        wanted += &match alias {
            Some(key) => format!("| `{name}` | | another name of `{}` |\n", key.name),
            None => format!("| `{name}` | {} | {} |\n", key.default_text(), key.meaning),
        };
    }
    if std::env::var("MELTCORE_UPDATE").as_deref() == Ok("readme") {
        fs::write(README, format!("{before}{BEGIN}{wanted}{END}{after}")).unwrap();
    } else {
        assert_eq!(table, wanted, "README's table of keys is old; MELTCORE_UPDATE=readme cargo test --test config_keys writes it anew");
    }
}

#[test]
fn keys_are_printed_as_tables_and_as_json() {
    let (text, list) = (printed(&["keys"]), printed(&["keys", "--json"]));
    let list: Vec<Value> = serde_json::from_str(&list).unwrap();
    assert_eq!(list.len(), KEYS.len());
    for key in &list {
        let (name, meaning) = (key["key"].as_str().unwrap(), key["meaning"].as_str().unwrap());
        assert!(text.lines().any(|line| line.starts_with(name) && line.contains(meaning)), "{name}");
    }
    assert!(text.contains("decoder_use_norm"), "{text}");
}

#[test]
fn a_configuration_is_shown_as_yaml_that_loads_again() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole.yaml");
    let shown = printed(&["show", "--config", UNET, "--set", "batch_size=3", "--set", "constant_inputs={pmw: 201.5}"]);
    fs::write(&whole, &shown).unwrap();
    let set = ["batch_size=3".to_owned(), "constant_inputs={pmw: 201.5}".to_owned()];
    let (first, again) = (Config::load(Path::new(UNET), &set).unwrap(), Config::load(&whole, &[]).unwrap());
    assert_eq!((again.to_json(), again.digest()), (first.to_json(), first.digest()));
    for line in ["batch_size: 3\n", "base_channels: 64  # default\n", "# Training\n", "constant_inputs: {\"pmw\":201.5}\n"] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
    let json: Value = serde_json::from_str(&printed(&["show", "--config", UNET, "--json"])).unwrap();
    assert_eq!((&json["batch_size"]["given"], &json["base_channels"]["given"]), (&true.into(), &false.into()));
}
