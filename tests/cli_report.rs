//! `meltcore report` as a process: the page is well-formed HTML without references to other places, and says why parts are missing.

use std::path::Path;
use std::process::{Command, Output};

fn meltcore(root: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_meltcore")).args(arguments).current_dir(root).output().unwrap()
}

/// Runs what must succeed.
fn done(root: &Path, arguments: &[&str]) {
    let output = meltcore(root, arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// The page that `report` makes with these arguments.
fn page(root: &Path, arguments: &[&str]) -> String {
    done(root, &[&["report", "--out", "page/report.html"], arguments].concat());
    std::fs::read_to_string(root.join("page/report.html")).unwrap()
}

/// A sample with running means for every day, and a log that three epochs of a run left.
fn sample(root: &Path) {
    done(root, &["synth", "--out", "sample", "--size", "96x80", "--days", "16", "-q"]);
    let means = ["--config", "sample/config.yaml", "--split", "all", "--out", "means", "--no-png", "-q"];
    done(root, &[&["baseline", "time-interpolate-sar"], &means[..]].concat());
    let header = r#"{"meltcore":"0.1.0","device":"<device>","parameters":486553,"train_days":249,"val_days":60,"config":{}}"#;
    let epoch = |n: u32, loss: f64| {
        format!(
            "{{\"epoch\":{n},\"step\":{},\"train_loss\":{loss},\"val_loss\":{loss},\"learning_rate\":0.001,\"seconds\":61.5,\"crops_per_s\":2,\"val_f1\":0.8}}\n",
            n * 31
        )
    };
    let text = format!("{header}\n{}{}{}{{\"epoch\":4,\"st", epoch(1, 0.3), epoch(2, 0.1), epoch(3, 0.2));
    std::fs::write(root.join("log.jsonl"), text).unwrap();
}

/// Fails unless every tag is closed in its order, attributes are quoted, and ampersands begin entities.
fn assert_well_formed(html: &str) {
    const VOID: [&str; 3] = ["meta", "link", "img"];
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("a document type");
    let mut open: Vec<&str> = Vec::new();
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>'), "a stray > in {:?}", &rest[..at]);
        for after in rest[..at].split('&').skip(1) {
            let entity = after.split(';').next().unwrap();
            assert!(["amp", "lt", "gt", "quot", "#39"].contains(&entity), "&{after:.12}");
        }
        let end = at + rest[at..].find('>').expect("a tag that ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "</{name}> closes something else, inside {open:?}");
            continue;
        }
        let name = tag.split([' ', '/']).next().unwrap();
        assert!(name.chars().all(|c| c.is_ascii_alphanumeric()) && !name.is_empty(), "<{tag:.80}>");
        assert_eq!(tag.matches('"').count() % 2, 0, "<{tag:.80}>");
        if VOID.contains(&name) || tag.ends_with('/') {
            continue;
        }
        open.push(name);
        // What is not markup ends with its own closing tag.
        if ["style", "script"].contains(&name) {
            rest = &rest[rest.find(&format!("</{name}>")).expect("an end")..];
        }
    }
    assert!(open.is_empty(), "{open:?} stay open");
}

/// Fails where a page names another place, or holds a number that is none.
fn assert_self_contained(html: &str) {
    for text in ["http://", "https://", "src=\"/", "url(", "@import", "file:", "NaN", ">inf"] {
        assert!(!html.contains(text), "{text}");
    }
    let addresses = html.split("src=\"").skip(1).chain(html.split("href=\"").skip(1));
    addresses.for_each(|address| assert!(address.starts_with('#') || address.starts_with("data:"), "{address:.40}"));
}

#[test]
fn the_whole_page() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    sample(root);
    let arguments = ["--config", "sample/config.yaml", "--split", "all", "--pred", "means=means", "<b>&\"x\"=means", "--log", "log.jsonl"];
    let html = page(root, &[&arguments[..], &["--title", "Melt <i>&", "--scenes", "2"]].concat());
    assert_well_formed(&html);
    assert_self_contained(&html);
    for id in ["scores", "maps", "extent", "detail", "training", "manifest"] {
        assert!(html.contains(&format!("<section id=\"{id}\">")), "{id}");
    }
    assert!(!html.contains("class=\"missing\""));
    assert!(
        html.contains("<h1>Melt &lt;i&gt;&amp;</h1>") && html.contains("&lt;b&gt;&amp;&quot;x&quot;") && html.contains("&lt;device&gt;")
    );
    // Two scenes of the target and two models with map and error each.
    assert_eq!((html.matches("<article>").count(), html.matches("<img ").count()), (2, 10));
    assert_eq!(html.matches("largest error").count(), 1);
    for title in ["Reliability", "MAE by month", "By month, all years", "Loss", "Learning rate", "Validation F1"] {
        assert!(html.contains(&format!("<figcaption>{title}</figcaption>")), "{title}");
    }
    // The torn fourth epoch is passed over.
    assert!(html.contains("3 epochs in 3 min 5 s. Best validation loss 0.1000 in epoch 2."));
    assert!(html.contains("486\u{2009}553") && html.contains("prefers-color-scheme: dark"));

    // The maps that the configuration names, without a log: the shortest form.
    let set = format!("path_predictions={}", root.join("means").display());
    let html = page(root, &["--config", "sample/config.yaml", "--set", &set, "--scenes", "0"]);
    assert_well_formed(&html);
    assert_eq!(html.matches("class=\"missing\"").count(), 2);
    assert!(html.contains("No scenes were asked for") && html.contains("No training log was found"));
}

#[test]
fn scores_made_before_need_no_device() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    sample(root);
    done(
        root,
        &["eval", "--config", "sample/config.yaml", "--split", "test", "--pred", "zeta=means", "alpha=means", "-q", "--csv", "s.csv"],
    );
    let eval = ["eval", "--config", "sample/config.yaml", "--split", "test", "--pred", "zeta=means", "alpha=means", "-q", "--json"];
    std::fs::write(root.join("s.json"), meltcore(root, &eval).stdout).unwrap();
    let html = page(root, &["--scores", "s.json", "--device", "a device that nobody has"]);
    assert_well_formed(&html);
    assert_self_contained(&html);
    // The order of the file, not of the alphabet.
    assert!(html.find("<td>zeta</td>").unwrap() < html.find("<td>alpha</td>").unwrap());
    assert_eq!((html.matches("class=\"missing\"").count(), html.matches("<img ").count()), (3, 0));

    // A file without groups and reliability, as earlier versions wrote it.
    let mut json: serde_json::Value = serde_json::from_slice(&std::fs::read(root.join("s.json")).unwrap()).unwrap();
    for model in json["models"].as_object_mut().unwrap().values_mut() {
        model.as_object_mut().unwrap().retain(|key, _| !key.starts_with("by_") && key != "reliability");
    }
    std::fs::create_dir(root.join("old")).unwrap();
    std::fs::write(root.join("old/scores.json"), json.to_string()).unwrap();
    let with_maps = ["--scores", "old", "--config", "sample/config.yaml", "--pred", "zeta=means", "--scenes", "1"];
    let html = page(root, &[&with_maps[..], &["--device", "a device that nobody has"]].concat());
    assert_well_formed(&html);
    assert_eq!((html.matches("these scores do not have it").count(), html.matches("<img ").count()), (3, 3));

    // Deploy: maps with their inputs, and extents, without scores.
    let deploy = ["--config", "sample/config.yaml", "--split", "deploy", "--pred", "means=means", "also=means", "--scenes", "3"];
    let without = page(root, &deploy);
    assert_well_formed(&without);
    assert!(without.contains("are mapped and not scored") && without.contains("By month, all years"));
    // The running mean is an input of the sample's network, and is not where the configuration says.
    assert!(without.contains("The inputs are not shown: ") && without.contains("time-interpolate-sar"), "{without}");
    assert_eq!((without.matches("<article>").count(), without.matches("<img ").count()), (3, 6));
    assert_eq!(without.matches("largest extent").count(), 1);
    let set = format!("path_time_interpolate_sar={}", root.join("means").display());
    let html = page(root, &[&deploy[..], &["--set", &set]].concat());
    assert_well_formed(&html);
    assert_self_contained(&html);
    // Two models and four inputs a scene.
    assert_eq!((html.matches("<article>").count(), html.matches("<img ").count()), (3, 18));
    assert!(!html.contains("The inputs are not shown") && html.contains("<b>Brightness temperature, K</b>") && !html.contains("Observed:"));

    // Maps that say that they are of another task are no maps of this one.
    std::fs::write(root.join("means/maps.json"), "{\"task\": \"calving_front\", \"bands\": [\"front\"]}").unwrap();
    let refused = meltcore(root, &[&["report", "--out", "r.html"], &deploy[..]].concat());
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && said.contains("`calving_front`") && said.contains("`melt_fraction`"), "{said}");
}

#[test]
fn what_cannot_be_used_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    sample(root);
    std::fs::write(root.join("other.json"), "{\"split\": \"test\"}").unwrap();
    std::fs::write(root.join("none.json"), "{\"split\": \"test\", \"models\": {}}").unwrap();
    std::fs::write(root.join("empty.jsonl"), "\n").unwrap();
    let config = ["--config", "sample/config.yaml", "--pred", "means=means", "--out", "r.html"];
    for (arguments, status, wanted) in [
        (&["--scores", "other.json", "--out", "r.html"][..], 2, "these are no scores"),
        (&["--scores", "none.json", "--out", "r.html"], 2, "holds no model"),
        (&["--scores", "nowhere", "--out", "r.html"], 2, "nowhere"),
        (&["--out", "r.html"], 2, "--config"),
        (&["--config", "sample/config.yaml", "--out", "r.html"], 2, "meltcore predict"),
        (&[&config[..], &["--log", "empty.jsonl"]].concat(), 2, "holds no epoch"),
        (&[&config[..], &["--log", "nowhere.jsonl"]].concat(), 2, "nowhere.jsonl"),
        (&["--config", "sample/config.yaml", "--pred", "means=means", "--out", "log.jsonl/r.html"], 4, "log.jsonl"),
    ] {
        let output = meltcore(root, &[&["report"], arguments].concat());
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {said}");
        assert!(said.contains(wanted), "{arguments:?}: {said}");
        assert!(!root.join("r.html").exists());
    }
}
