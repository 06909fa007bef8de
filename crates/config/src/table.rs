//! The macro that turns the table of settings into types, defaults, reading and documentation.
//!
//! One entry is everything there is to say of a setting; see [`crate::settings`].

/// One setting, for the manual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDoc {
    /// Its name in the section.
    pub name: &'static str,
    /// What it does.
    pub doc: &'static str,
    /// What may be written.
    pub kind: String,
    /// What holds when it is left out, as the file would write it; empty: nothing.
    pub default: String,
    /// Least and greatest number.
    pub range: Option<(u64, u64)>,
    /// Whether there is no default.
    pub required: bool,
}

/// One section of the settings file, for the manual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SectionDoc {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its settings.
    pub keys: Vec<KeyDoc>,
}

macro_rules! settings {
    ($(
        $(#[doc = $section_doc:literal])+
        $section:ident: $Section:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident: $ty:ty = $default:tt $(in $range:expr)?;
            )*
        }
    )*) => {
        /// The whole settings file, checked.
        #[derive(Debug, Clone)]
        pub struct Settings {
            $($(#[doc = $section_doc])+ pub $section: $Section,)*
            /// The folder of the settings file: aliases may include files from it alone.
            pub folder: PathBuf,
            /// Where each of them stands.
            places: Places,
        }

        $(
            $(#[doc = $section_doc])+
            #[derive(Debug, Clone)]
            pub struct $Section {
                $($(#[doc = $doc])+ pub $key: $ty,)*
            }

            impl $Section {
                const KEYS: &'static [&'static str] = &[$(stringify!($key)),*];

                fn read(root: &Node, node: Option<&Node>, reader: &mut Reader) -> Option<Self> {
                    let name = stringify!($section);
                    let table = Table::within(root, name, node, Self::KEYS, reader);
                    $(let $key = $crate::table::read_key!(
                        $default, $ty, table, reader, stringify!($key), range!($($range)?)
                    );)*
                    Some(Self { $($key: $key?,)* })
                }

                fn describe() -> SectionDoc {
                    let keys = vec![$(KeyDoc {
                        name: stringify!($key),
                        doc: concat!($($doc, "\n"),+),
                        kind: <$ty as Setting>::kind(),
                        default: $crate::table::show_default!($default, $ty),
                        range: range!($($range)?).map(|r| (*r.start(), *r.end())),
                        required: $crate::table::is_required!($default),
                    }),*];
                    let doc = concat!($($section_doc, "\n"),+);
                    SectionDoc { name: stringify!($section), doc, keys }
                }
            }
        )*

        impl Settings {
            const SECTIONS: &'static [&'static str] = &[$(stringify!($section)),*];

            fn read(root: &Node, reader: &mut Reader) -> Option<Self> {
                let table = Table::open(root, Self::SECTIONS, reader);
                $(let $section = $Section::read(
                    root, table.node(stringify!($section)), reader
                );)*
                // A bare file name has an empty folder, which stands for the current one.
                let folder = Path::new(".").join(root.place.folder());
                let places = Places::of(root, Self::SECTIONS);
                Some(Self { $($section: $section?,)* folder, places })
            }

            /// Every section and setting, for the manual.
            pub fn describe() -> Vec<SectionDoc> {
                vec![$($Section::describe()),*]
            }
        }
    };
}

macro_rules! range {
    () => {
        None::<std::ops::RangeInclusive<u64>>
    };
    ($range:expr) => {
        Some($range)
    };
}

macro_rules! read_key {
    (required, $ty:ty, $table:ident, $reader:ident, $key:expr, $range:expr) => {
        $table.required::<$ty>($key, $reader)
    };
    ($default:tt, $ty:ty, $table:ident, $reader:ident, $key:expr, $range:expr) => {
        Some($table.value::<$ty>($key, $range, $default, $reader))
    };
}

macro_rules! show_default {
    (required, $ty:ty) => {
        String::new()
    };
    ($default:tt, $ty:ty) => {
        <$ty as Setting>::show(&$default)
    };
}

macro_rules! is_required {
    (required) => {
        true
    };
    ($default:tt) => {
        false
    };
}

pub(crate) use {is_required, range, read_key, settings, show_default};
