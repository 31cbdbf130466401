//! One call on its way to a handler.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use http::request::Parts;
use loggia_xrpc::{Kind, Method};
use tokio::sync::Semaphore;

use crate::decode::{self, Fault};
use crate::explain::Explain;
use crate::meter::Meter;
use crate::passage::MethodInfo;
use crate::settings::Settings;
use crate::stop::Stop;

/// One call on its way to a handler: what arguments are checked against.
///
/// Opaque: handlers are made from async functions, not by hand.
pub struct Call<'a, S> {
    pub(crate) state: &'a S,
    pub(crate) settings: &'a Settings,
    pub(crate) limits: BodyLimits,
    pub(crate) info: MethodInfo,
    pub(crate) explain: Option<&'a dyn Explain>,
    pub(crate) fault: &'a Fault,
    pub(crate) streams: &'a Arc<Semaphore>,
    pub(crate) meter: Option<&'a Meter>,
}

/// Bytes of a body after decoding.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    pub json: usize,
    pub raw: usize,
}

impl<S: Send + Sync> Call<'_, S> {
    pub(crate) async fn extract<E: FromRequestParts<S>>(
        &self,
        parts: &mut Parts,
    ) -> Result<E, Stop> {
        E::from_request_parts(parts, self.state)
            .await
            .map_err(Stop::extractor)
    }

    /// No arguments; a body sent to a procedure that takes none is refused all the same.
    pub(crate) async fn nothing<M: Method>(&self, _: &Parts, body: Body) -> Result<(), Stop> {
        match M::KIND {
            Kind::Procedure => Ok(decode::no_input(self, body).await?),
            Kind::Query | Kind::Subscription => Ok(()),
        }
    }

    pub(crate) async fn params_only<M: Method>(
        &self,
        parts: &Parts,
        body: Body,
    ) -> Result<(M::Params,), Stop> {
        let params = decode::params(parts, self.settings)?;
        self.nothing::<M>(parts, body).await?;
        Ok((params,))
    }

    pub(crate) async fn input_only<M: Method>(
        &self,
        parts: &Parts,
        body: Body,
    ) -> Result<(M::Input,), Stop> {
        Ok((decode::input(self, parts, body).await?,))
    }

    pub(crate) async fn params_and_input<M: Method>(
        &self,
        parts: &Parts,
        body: Body,
    ) -> Result<(M::Params, M::Input), Stop> {
        let params = decode::params(parts, self.settings)?;
        Ok((params, decode::input(self, parts, body).await?))
    }
}
