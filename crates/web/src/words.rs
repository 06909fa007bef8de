//! The words of our pages, by language; those of notices are in `filter::texts`.

use config::choices::Language;

/// The words of one language.
#[derive(Debug)]
pub(crate) struct Words {
    /// Its code, for `lang`.
    pub(crate) code: &'static str,
    pub(crate) held: &'static str,
    pub(crate) held_message: &'static str,
    pub(crate) held_parts: &'static str,
    pub(crate) from: &'static str,
    pub(crate) envelope: &'static str,
    pub(crate) to: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) dated: &'static str,
    pub(crate) came: &'static str,
    pub(crate) why: &'static str,
    pub(crate) parts: &'static str,
    pub(crate) bytes: &'static str,
    pub(crate) content_not_shown: &'static str,
    pub(crate) your_address: &'static str,
    pub(crate) ask: &'static str,
    pub(crate) asked: &'static str,
    pub(crate) asked_text: &'static str,
    pub(crate) asked_if: &'static str,
    pub(crate) plain: &'static [(Plain, &'static str, &'static str)],
}

/// A page that has nothing to show but a heading and a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Plain {
    /// The link leads to nothing. Why is not told.
    Nothing,
    /// There is no such page.
    NoPage,
    /// The form was not ours, or too old.
    Foreign,
    /// The form cannot be read.
    Malformed,
    /// Too many wrong links.
    TooMany,
    /// Neither GET nor POST.
    Method,
    /// It took too long.
    Late,
    /// Something went wrong here.
    Failed,
}

impl Words {
    /// Those of a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::En => &ENGLISH,
            Language::De => &GERMAN,
        }
    }

    /// Heading and sentence of a plain page.
    pub(crate) fn plain(&self, page: Plain) -> (&'static str, &'static str) {
        let found = self.plain.iter().find(|(known, ..)| *known == page);
        found.map_or(("", ""), |(_, title, text)| (title, text))
    }
}

const ENGLISH: Words = Words {
    code: "en",
    held: "Held for you",
    held_message: "This message was not delivered. It is kept, and your administrator can release it.",
    held_parts: "These parts were taken out of a message. They are kept, and your administrator can \
                 release the whole message.",
    from: "From",
    envelope: "Sent by",
    to: "To",
    subject: "Subject",
    dated: "Dated",
    came: "Came",
    why: "Why",
    parts: "Parts",
    bytes: "bytes",
    content_not_shown: "Nobody has found it harmless: ask only if you know who sent it and expect it.",
    your_address: "The address that the message came to",
    ask: "Ask for its release",
    asked: "Asked for",
    asked_text: "Your administrator was told. If the message is released, you find it in your mailbox.",
    asked_if: "If it is held for this address, your administrator was told. If the message is \
               released, it is in your mailbox.",
    plain: &[
        (
            Plain::Nothing,
            "Nothing is held under this link",
            "It was used already, its time is over, or it was copied incompletely. Your \
             administrator can help.",
        ),
        (Plain::NoPage, "No such page", "Open the link in the message once more."),
        (
            Plain::Foreign,
            "Not done",
            "The button was not pressed on a page of this server, or the page was open for too \
             long. Open the link in the message, and press it there.",
        ),
        (Plain::Malformed, "Not done", "What the browser sent cannot be read."),
        (
            Plain::TooMany,
            "Later",
            "Too many wrong links were opened from your network. Try again in a while.",
        ),
        (Plain::Method, "Not done", "This page can be opened and its button pressed, no more."),
        (Plain::Late, "Not done", "It took too long. Try again."),
        (Plain::Failed, "Not done", "Something went wrong here. Try again later."),
    ],
};

const GERMAN: Words = Words {
    code: "de",
    held: "Für Sie zurückgehalten",
    held_message: "Diese Nachricht wurde nicht zugestellt. Sie wird aufbewahrt, und Ihr Administrator \
                   kann sie freigeben.",
    held_parts: "Diese Teile wurden aus einer Nachricht entfernt. Sie werden aufbewahrt, und Ihr \
                 Administrator kann die ganze Nachricht freigeben.",
    from: "Von",
    envelope: "Gesendet von",
    to: "An",
    subject: "Betreff",
    dated: "Datiert",
    came: "Eingegangen",
    why: "Grund",
    parts: "Teile",
    bytes: "Bytes",
    content_not_shown: "Niemand hat sie für harmlos befunden: Bitten Sie nur darum, wenn Sie den \
                        Absender kennen und sie erwarten.",
    your_address: "Die Adresse, an die die Nachricht kam",
    ask: "Um Freigabe bitten",
    asked: "Angefragt",
    asked_text: "Ihr Administrator weiß Bescheid. Gibt er die Nachricht frei, finden Sie sie in Ihrem \
                 Postfach.",
    asked_if: "Wird sie für diese Adresse zurückgehalten, weiß Ihr Administrator nun Bescheid. Gibt \
               er sie frei, ist sie in Ihrem Postfach.",
    plain: &[
        (
            Plain::Nothing,
            "Unter diesem Link liegt nichts",
            "Er wurde schon benutzt, seine Zeit ist um, oder er wurde unvollständig kopiert. Ihr \
             Administrator kann helfen.",
        ),
        (Plain::NoPage, "Keine solche Seite", "Öffnen Sie den Link in der Nachricht noch einmal."),
        (
            Plain::Foreign,
            "Nicht ausgeführt",
            "Der Knopf wurde nicht auf einer Seite dieses Servers gedrückt, oder die Seite war zu \
             lange offen. Öffnen Sie den Link in der Nachricht, und drücken Sie ihn dort.",
        ),
        (Plain::Malformed, "Nicht ausgeführt", "Was der Browser sandte, ist nicht zu lesen."),
        (
            Plain::TooMany,
            "Später",
            "Aus Ihrem Netz wurden zu viele falsche Links geöffnet. Versuchen Sie es nach einer \
             Weile noch einmal.",
        ),
        (
            Plain::Method,
            "Nicht ausgeführt",
            "Diese Seite kann man öffnen und ihren Knopf drücken, mehr nicht.",
        ),
        (
            Plain::Late,
            "Nicht ausgeführt",
            "Es hat zu lange gedauert. Versuchen Sie es noch einmal.",
        ),
        (
            Plain::Failed,
            "Nicht ausgeführt",
            "Hier ist etwas schiefgegangen. Versuchen Sie es später noch einmal.",
        ),
    ],
};

#[cfg(test)]
mod tests {
    use super::{ENGLISH, GERMAN};

    #[test]
    fn every_language_has_every_page() {
        for (english, german) in ENGLISH.plain.iter().zip(GERMAN.plain) {
            assert_eq!(english.0, german.0);
        }
        assert_eq!(ENGLISH.plain.len(), 8);
        assert_eq!(GERMAN.plain.len(), 8);
    }
}
