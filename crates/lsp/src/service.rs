//! The outermost layer of the service: keeps the order in which messages arrived, and answers messages that could not
//! be read.
//!
//! The library happens to poll handlers first in the order of arrival; here that is a promise: every handler is polled
//! once while its message is taken in, and each handler's first step is its send to the writer. So a client that does not
//! wait for the answer to `initialize` is served too.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tower_lsp_server::jsonrpc::{Error, Id, Request, Response};
use tower_lsp_server::{ExitedError, LanguageServer, LspService};
use tower_service::Service;

use crate::wire::UNREADABLE;

type Answer = Result<Option<Response>, ExitedError>;

pub(crate) struct InOrder<S>(pub(crate) LspService<S>);

impl<S: LanguageServer> Service<Request> for InOrder<S> {
    type Response = Option<Response>;
    type Error = ExitedError;
    type Future = Pin<Box<dyn Future<Output = Answer> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), ExitedError>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        if request.method() == UNREADABLE {
            let answer = unreadable(request);
            return Box::pin(async move { Ok(answer) });
        }
        let mut answer = self.0.call(request);
        // A waker that does nothing is enough: a pending future is polled again by the server.
        match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Box::pin(async move { answer }),
            Poll::Pending => answer,
        }
    }
}

fn unreadable(request: Request) -> Option<Response> {
    let (_, id, params) = request.into_parts();
    let error = params
        .and_then(|params| serde_json::from_value(params).ok())
        .unwrap_or_else(Error::invalid_request);
    Some(Response::from_error(id.unwrap_or(Id::Null), error))
}
