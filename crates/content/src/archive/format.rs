//! Which formats some bytes are: often none, and of a file that is made to be two things, several.

use super::giving::{Giving, Stop};
use super::{
    ar, arj, bzip2, cab, cpio, gzip, iso, lha, lzma, rar, seven, tar, tnef, xz, zip, zstd,
};

macro_rules! formats {
    ($($(#[doc = $doc:literal])+ $name:ident = $word:literal, $module:ident;)+) => {
        /// A format of archives or compressed files.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Format { $($(#[doc = $doc])+ $name,)+ }

        impl Format {
            /// Its word, as people call it.
            pub fn word(self) -> &'static str {
                match self { $(Format::$name => $word,)+ }
            }

            pub(super) fn unpack(
                self,
                bytes: &[u8],
                giving: &mut Giving<'_, '_>,
            ) -> Result<(), Stop> {
                match self { $(Format::$name => $module::unpack(bytes, giving),)+ }
            }
        }

        /// Every format that some program would see in these bytes.
        pub fn formats(bytes: &[u8]) -> Vec<Format> {
            let mut found = Vec::new();
            $(if $module::is(bytes) { found.push(Format::$name); })+
            found
        }
    };
}

formats! {
    /// zip, also behind or before something else.
    Zip = "zip", zip;
    /// gzip.
    Gzip = "gzip", gzip;
    /// tar of any age.
    Tar = "tar", tar;
    /// bzip2.
    Bzip2 = "bzip2", bzip2;
    /// xz.
    Xz = "xz", xz;
    /// The format before xz.
    Lzma = "lzma", lzma;
    /// Zstandard.
    Zstd = "zstd", zstd;
    /// ar: Debian packages, libraries.
    Ar = "ar", ar;
    /// cpio of any form.
    Cpio = "cpio", cpio;
    /// 7z, also behind a program.
    Seven = "7z", seven;
    /// RAR 1.5 to 7, also behind something else.
    Rar = "rar", rar;
    /// Cabinets of Microsoft, also behind a program.
    Cab = "cab", cab;
    /// Images of ISO 9660, with Joliet and Rock Ridge.
    Iso = "iso", iso;
    /// LHA, LZH.
    Lha = "lha", lha;
    /// ARJ.
    Arj = "arj", arj;
    /// TNEF, `winmail.dat`.
    Tnef = "tnef", tnef;
}
