//! The variables of a file with groups, and the one that is meant.
//!
//! A variable is named by its group and name (`GROUP/NAME`), by its name alone where only one has it, and outside all groups also as
//! `/NAME`.

use super::arrays::{Array, Attribute, Group};

/// A variable among others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Listed {
    /// Groups from the outermost on, and the name.
    pub path: Vec<String>,
    /// Its axes' lengths.
    pub sizes: Vec<usize>,
    /// Whether it can be a map: numbers along two axes or more.
    pub is_map: bool,
    /// Whether other variables name it as their coordinates or bounds.
    pub serves: bool,
}

impl Listed {
    /// `GROUP/NAME`.
    pub fn full_name(&self) -> String {
        self.path.join("/")
    }

    fn name(&self) -> &str {
        self.path.last().map_or("", String::as_str)
    }

    fn words(&self, among: &[&Listed]) -> String {
        let sizes: Vec<String> = self.sizes.iter().map(usize::to_string).collect();
        // A leading stroke tells a variable outside all groups from those inside under the same name.
        let shared = self.path.len() == 1 && among.iter().any(|other| other.path.len() > 1 && other.name() == self.name());
        format!("{}{} [{}]", if shared { "/" } else { "" }, self.full_name(), sizes.join("x"))
    }
}

/// All variables of a group and of those in it.
pub(super) fn list(root: &Group) -> Vec<Listed> {
    let mut found = Vec::new();
    let mut serving = Vec::new();
    walk(root, &mut Vec::new(), &mut found, &mut serving);
    for variable in &mut found {
        variable.serves = serving.iter().any(|name| name == variable.name() || *name == variable.full_name());
    }
    found
}

fn walk(group: &Group, path: &mut Vec<String>, found: &mut Vec<Listed>, serving: &mut Vec<String>) {
    for (name, array) in &group.arrays {
        serving.extend(named_by(array));
        let sizes: Vec<usize> = array.dimensions.iter().map(|dimension| dimension.size).collect();
        path.push(name.clone());
        found.push(Listed { path: path.clone(), is_map: sizes.len() >= 2 && array.stored.is_some(), sizes, serves: false });
        path.pop();
    }
    for (name, inner) in &group.groups {
        path.push(name.clone());
        walk(inner, path, found, serving);
        path.pop();
    }
}

/// The variables that one names as its coordinates or bounds.
fn named_by(array: &Array) -> Vec<String> {
    let attributes = ["coordinates", "bounds", "climatology"].into_iter().filter_map(|name| array.attribute(name));
    let words = attributes.filter_map(|attribute| match attribute {
        Attribute::Text(text) => Some(text.split_whitespace().map(|word| word.trim_start_matches('/').to_owned()).collect::<Vec<_>>()),
        _ => None,
    });
    words.flatten().collect()
}

/// The one that is wanted, or the only map; none in a file without maps. An error is a message.
pub(super) fn choose<'a>(variables: &'a [Listed], wanted: Option<&str>) -> Result<Option<&'a Listed>, String> {
    let maps: Vec<&Listed> = variables.iter().filter(|variable| variable.is_map && !variable.serves).collect();
    let words = |list: &[&Listed]| list.iter().map(|variable| variable.words(list)).collect::<Vec<_>>().join(", ");
    let Some(wanted) = wanted else {
        return match maps[..] {
            [] => Ok(None),
            [only] => Ok(Some(only)),
            _ => Err(format!("has several variables; choose one with --variable: {}", words(&maps))),
        };
    };
    let path: Vec<&str> = wanted.trim_start_matches('/').split('/').collect();
    let exact = |variable: &&Listed| variable.path.iter().map(String::as_str).eq(path.iter().copied());
    let found: Vec<&Listed> = match wanted.contains('/') {
        true => variables.iter().filter(exact).collect(),
        false => variables.iter().filter(|variable| variable.name() == wanted).collect(),
    };
    match found[..] {
        [only] if only.is_map => Ok(Some(only)),
        [only] => Err(format!("has no map in its variable `{}`: that takes numbers along two axes or more", only.full_name())),
        [] => Err(match maps[..] {
            [] => format!("has no variable `{wanted}`"),
            [only] => format!("has no variable `{wanted}`; its only one is {}", only.full_name()),
            _ => format!("has no variable `{wanted}`; there are {}", words(&maps)),
        }),
        _ => Err(format!("has the variable `{wanted}` in several groups; choose one with --variable: {}", words(&found))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(path: &str, sizes: &[usize]) -> Listed {
        Listed { path: path.split('/').map(str::to_owned).collect(), sizes: sizes.to_vec(), is_map: sizes.len() > 1, serves: false }
    }

    #[test]
    fn names_choose_among_groups() {
        let all = [listed("x", &[4]), listed("wave", &[3, 4]), listed("a/wave", &[3, 4]), listed("a/b/snow", &[3, 4])];
        let name = |wanted: &str| choose(&all, Some(wanted)).map(|found| found.map(Listed::full_name).unwrap());
        assert_eq!(name("a/wave").unwrap(), "a/wave");
        assert_eq!(name("/a/wave").unwrap(), "a/wave");
        assert_eq!(name("/wave").unwrap(), "wave");
        assert_eq!(name("snow").unwrap(), "a/b/snow");
        assert!(name("wave").unwrap_err().contains("in several groups; choose one with --variable: /wave [3x4], a/wave [3x4]"));
        assert!(name("b/snow").unwrap_err().contains("there are /wave [3x4], a/wave [3x4], a/b/snow [3x4]"));
        assert!(name("x").unwrap_err().contains("two axes or more"));
        assert!(choose(&all, None).unwrap_err().contains("has several variables"));
        assert_eq!(choose(&all[..2], None).unwrap().unwrap().full_name(), "wave");
        assert_eq!(choose(&all[..1], None), Ok(None));
        assert!(choose(&all[..2], Some("ice")).unwrap_err().contains("its only one is wave"));
    }
}
