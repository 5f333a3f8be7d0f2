//! One colour a model, the same in every chart of the page.

use maud::Markup;

use super::html::{Key, legend};

/// The models in the order of their colours.
#[derive(Debug, Clone, Default)]
pub struct Colours(Vec<String>);

impl Colours {
    /// A colour for each name, in their order; a name that comes again keeps its own.
    pub fn of<'a>(names: impl Iterator<Item = &'a String>) -> Colours {
        let mut colours = Vec::new();
        for name in names {
            if !colours.contains(name) {
                colours.push(name.clone());
            }
        }
        Colours(colours)
    }

    /// The number of a model's colour, the first one's for a name that none has.
    pub fn number(&self, name: &str) -> usize {
        self.0.iter().position(|other| other == name).unwrap_or(0)
    }

    /// The legend of the models, with further entries in the colour of text.
    pub fn legend_and(&self, more: &[(&str, Key)]) -> Markup {
        let models = self.0.iter().enumerate().map(|(number, name)| (name.as_str(), Some(number), Key::Line));
        legend(models.chain(more.iter().map(|(name, key)| (*name, None, *key))))
    }
}
