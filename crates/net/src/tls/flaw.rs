//! Why a handshake failed, in the words of reports (RFC 8460 §4.3).

use super::TlsError;
use rustls::{CertificateError, Error, OtherError};
use std::sync::Arc;

/// What is wrong with a certificate, or with the handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// Its time is over, or has not begun.
    #[error("the certificate has expired")]
    Expired,
    /// It is for other names.
    #[error("the certificate is for another name")]
    WrongName,
    /// No known authority signed it.
    #[error("the certificate is from no known authority")]
    NotTrusted,
    /// The domain's TLSA records name another.
    #[error("the certificate is not one that the TLSA records name (DANE)")]
    NotNamed,
    /// Anything else.
    #[error("the handshake failed")]
    Other,
}

impl From<Flaw> for Error {
    fn from(flaw: Flaw) -> Self {
        Error::InvalidCertificate(CertificateError::Other(OtherError(Arc::new(flaw))))
    }
}

impl TlsError {
    /// What was wrong, as far as it is known.
    pub fn flaw(&self) -> Flaw {
        let TlsError::Handshake(error) = self else { return Flaw::Other };
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>());
        let Some(Error::InvalidCertificate(wrong)) = inner else { return Flaw::Other };
        match wrong {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => Flaw::Expired,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                Flaw::WrongName
            }
            CertificateError::UnknownIssuer | CertificateError::BadSignature => Flaw::NotTrusted,
            CertificateError::Other(OtherError(other)) => {
                other.downcast_ref::<Flaw>().copied().unwrap_or(Flaw::Other)
            }
            _ => Flaw::Other,
        }
    }
}
