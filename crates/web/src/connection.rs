//! The shell around one connection: TLS, then requests one after the other, each with a deadline
//! and limits, until the browser goes or its time is over.

use crate::Web;
use crate::answer::{self, Answer};
use crate::form::{self, Form, Malformed};
use crate::page::Frame;
use crate::release;
use crate::route::{Route, route};
use crate::words::Plain;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request};
use hyper_util::rt::{TokioIo, TokioTimer};
use mail::{Decision, Door, Event, Peer, Reason, Refusal, SessionId, TraceRow};
use net::{Accepted, Stream};
use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What the TLS handshake may take.
const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);
/// What the head of a request may take, the silence before it counted.
const HEAD_LIMIT: Duration = Duration::from_secs(30);
/// What a request may take, from its head to its answer.
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
/// What a connection may take in all: also who reads its answers too slowly ends then.
const CONNECTION_LIMIT: Duration = Duration::from_secs(300);
/// What a request that runs may take when the server shuts down.
const DRAIN_PATIENCE: Duration = Duration::from_secs(5);
/// Bytes of the head of a request.
const HEAD_MAX: usize = 16 * 1024;
/// Fields of the head of a request; browsers send about twenty.
const FIELDS_MAX: usize = 64;
/// Requests over one connection.
const REQUESTS_MAX: usize = 100;

/// Who is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Visit {
    pub(crate) session: SessionId,
    pub(crate) ip: IpAddr,
}

/// Serves one connection from handshake to close. Never fails: whatever goes wrong ends it alone.
pub async fn serve(web: Arc<Web>, accepted: Accepted) {
    let Accepted { stream, ip, port, guard, admitted, .. } = accepted;
    let session = match web.store.ids(1).await {
        Ok(ids) => SessionId(ids.start),
        Err(error) => {
            tracing::warn!(%ip, %error, "session refused: the store gives no number");
            return;
        }
    };
    let visit = Visit { session, ip };
    // A handshake only to say "later" would cost more than the visit refused.
    match admitted.map_err(Refusal::new).and_then(|()| web.admit(&visit, port)) {
        Ok(()) => {
            if let Some(stream) = web.secure(&visit, stream).await {
                converse(&web, visit, stream).await;
            }
        }
        Err(refusal) => web.note(&visit, Event::Connection, refusal.reason, refusal.detail),
    }
    drop(guard);
}

/// Answers requests until one side is done.
async fn converse(web: &Arc<Web>, visit: Visit, stream: Stream) {
    let count = Arc::new(AtomicUsize::new(0));
    let answered = Arc::clone(&count);
    let service = service_fn(move |request| {
        let (web, number) = (Arc::clone(web), 1 + count.fetch_add(1, Ordering::Relaxed));
        async move {
            let mut answer = respond(&web, &visit, request).await;
            if number >= REQUESTS_MAX {
                answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
            }
            Ok::<_, Infallible>(answer)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_LIMIT)
        .max_buf_size(HEAD_MAX)
        .max_headers(FIELDS_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        biased;
        ended = timeout(CONNECTION_LIMIT, connection.as_mut()) => ended,
        () = web.drain.wait() => {
            connection.as_mut().graceful_shutdown();
            timeout(DRAIN_PATIENCE, connection).await
        }
    };
    let error = match ended {
        Ok(ended) => ended.err().map(|error| error.to_string()),
        Err(_) => Some("it took too long".to_owned()),
    };
    let requests = answered.load(Ordering::Relaxed);
    let (session, ip, door) = (visit.session, visit.ip, Door::Https.word());
    tracing::info!(%session, door, %ip, requests, error, "session ended");
}

/// One answer, in time.
async fn respond(web: &Web, visit: &Visit, request: Request<Incoming>) -> Answer {
    let answered = timeout(REQUEST_LIMIT, answer(web, visit, request)).await;
    match answered {
        Ok(Ok(answer)) => answer,
        Ok(Err(error)) => {
            tracing::error!(session = %visit.session, %error, "a page cannot be shown");
            Frame::of(web).plain(Plain::Failed)
        }
        Err(_) => Frame::of(web).plain(Plain::Late),
    }
}

async fn answer(
    web: &Web,
    visit: &Visit,
    request: Request<Incoming>,
) -> Result<Answer, admin::Error> {
    let (head, body) = request.into_parts();
    let reads = matches!(head.method, Method::GET | Method::HEAD);
    match route(head.uri.path()) {
        Route::Style if reads => Ok(answer::style()),
        Route::Release(token) if reads => release::show(web, visit, token).await,
        Route::Release(token) if head.method == Method::POST => {
            match read(&head.headers, body).await {
                Ok(form) => release::ask(web, visit, token, (&head.headers, &form)).await,
                Err(why) => Ok(malformed(web, visit, why)),
            }
        }
        Route::Style | Route::Release(_) => Ok(Frame::of(web).plain(Plain::Method)),
        Route::Nothing => Ok(Frame::of(web).plain(Plain::NoPage)),
    }
}

/// The form in the body of a request.
async fn read(headers: &HeaderMap, body: Incoming) -> Result<Form, String> {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = media_type.and_then(|text| text.split(';').next()).unwrap_or_default();
    if !media_type.trim().eq_ignore_ascii_case(form::MEDIA_TYPE) {
        return Err("no form".to_owned());
    }
    let body = Limited::new(body, form::SIZE_MAX).collect().await;
    let body = body.map_err(|error| match error.is::<LengthLimitError>() {
        true => Malformed::TooLarge.to_string(),
        false => error.to_string(),
    })?;
    Form::parse(&body.to_bytes()).map_err(|why| why.to_string())
}

/// The answer to what is no form. Its connection ends with it: what else comes of the body is of no
/// use.
fn malformed(web: &Web, visit: &Visit, why: String) -> Answer {
    web.note(visit, Event::Command, Reason::SyntaxError, why);
    let mut answer = Frame::of(web).plain(Plain::Malformed);
    answer.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

impl Web {
    /// Whether policy lets a client talk to us at all.
    fn admit(&self, visit: &Visit, port: u16) -> Result<(), Refusal> {
        let peer = Peer {
            session: visit.session,
            door: Door::Https,
            ip: visit.ip,
            port,
            helo: None,
            esmtp: false,
            tls: None,
            login: None,
            user: None,
        };
        match self.policy.snapshot().connection(&peer) {
            Decision::Allow(()) => Ok(()),
            Decision::Refuse(why) | Decision::Later(why) | Decision::Discard(why) => Err(why),
        }
    }

    async fn secure(&self, visit: &Visit, stream: TcpStream) -> Option<Stream> {
        let secured = tokio::select! {
            biased;
            secured = Stream::Plain(stream).start_tls(&self.tls, HANDSHAKE_LIMIT) => secured,
            () = self.drain.wait() => return None,
        };
        let failed = |error: net::TlsError| {
            self.note(visit, Event::Connection, Reason::TlsFailed, error.to_string());
        };
        secured.map_err(failed).ok()
    }

    /// A row of the trace for what was refused.
    pub(crate) fn note(&self, visit: &Visit, event: Event, reason: Reason, detail: String) {
        self.store.note(TraceRow {
            at: self.clock.now(),
            event,
            session: Some(visit.session),
            message: None,
            door: Door::Https.word().to_owned(),
            peer: visit.ip.to_string(),
            sender: String::new(),
            recipient: String::new(),
            reply: 0,
            reason,
            rule: String::new(),
            detail,
        });
    }
}
