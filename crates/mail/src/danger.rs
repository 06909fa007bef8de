//! The kinds of danger that a part can hold: a closed list, the words that settings, trace, texts
//! and the manual have for them.

use serde::{Deserialize, Serialize};

macro_rules! classes {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal,)+) => {
        /// A kind of danger: what the policy table of attachments names.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Class { $($(#[doc = $doc])+ $name,)+ }

        impl Class {
            /// Every class, in the order of the list.
            pub const ALL: &'static [Class] = &[$(Class::$name,)+];

            /// Its word, in snake case, as settings and the trace have it.
            pub fn word(self) -> &'static str {
                match self { $(Class::$name => $word,)+ }
            }

            /// What it is, in a sentence for an administrator.
            pub fn meaning(self) -> &'static str {
                match self { $(Class::$name => concat!($($doc,)+).trim_ascii(),)+ }
            }

            /// The class with this word, if there is one.
            pub fn from_word(word: &str) -> Option<Class> {
                match word { $($word => Some(Class::$name),)+ _ => None }
            }
        }
    };
}

classes! {
    /// A program: it runs when it is opened.
    Program = "program",
    /// A script that some interpreter of an ordinary desktop runs when it is opened.
    Script = "script",
    /// A shortcut or link file, which starts something else.
    Shortcut = "shortcut",
    /// An installer or package.
    Installer = "installer",
    /// A disk image, which a desktop opens like a folder and without the mark of the web.
    DiskImage = "disk_image",
    /// A file of the system or of a program's settings that changes how it behaves.
    SystemFile = "system_file",
    /// A page that builds a file, or a picture or calendar with script.
    ActivePage = "active_page",
    /// An office document with macros.
    Macro = "macro",
    /// An office document that fetches or starts something: a link, a template from elsewhere, a
    /// control, an object with a known flaw. What it merely carries is judged by what it is.
    EmbeddedObject = "embedded_object",
    /// A PDF with script or a launch action, or with files in it that cannot be looked into.
    ActivePdf = "active_pdf",
    /// A dangerous name that is made to look like another: direction marks, double endings, blanks.
    DisguisedName = "disguised_name",
    /// Encrypted: nobody could look inside.
    Encrypted = "encrypted",
    /// Damaged, or of a kind that could not be opened.
    Unreadable = "unreadable",
    /// Over a limit of depth, number, ratio, size or time: not looked at to its end.
    TooComplex = "too_complex",
    /// A fragment of a message that is put together elsewhere (message/partial).
    Fragment = "fragment",
    /// A reference to content elsewhere (message/external-body).
    External = "external",
    /// Matches a list of the administrator, or a known sample.
    Listed = "listed",
    /// A virus, by a pattern or a scanner.
    Virus = "virus",
}

impl std::fmt::Display for Class {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.word())
    }
}

#[cfg(test)]
mod tests {
    use super::Class;

    #[test]
    fn words_and_meanings_are_of_one_form() {
        for class in Class::ALL {
            assert_eq!(Class::from_word(class.word()), Some(*class));
            let proper = |c: char| c.is_ascii_lowercase() || c == '_';
            assert!(class.word().chars().all(proper), "{class}");
            assert!(class.meaning().ends_with('.'), "{class}");
        }
        assert_eq!(Class::from_word("anything"), None);
    }
}
