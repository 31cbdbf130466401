//! One call on its way to a handler.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use http::request::Parts;
use loggia_xrpc::{Body as _, Kind, Method, Params as _, Payload, Query};
use tokio::sync::Semaphore;

use crate::decode::{self, Fault};
use crate::explain::Explain;
use crate::from_call::Arguments;
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

    pub(crate) fn arguments<'a, P, I>(&self, params: &'a P, input: &'a I) -> Arguments<'a, P, I> {
        Arguments {
            method: self.info,
            params,
            input,
        }
    }

    /// The arguments of a method of this shape. What a shape lacks is made of nothing.
    pub(crate) async fn nothing<M: Method>(
        &self,
        _: &Parts,
        body: Body,
    ) -> Result<(M::Params, M::Input), Stop> {
        Ok((absent_params::<M>()?, self.no_input::<M>(body).await?))
    }

    pub(crate) async fn params_only<M: Method>(
        &self,
        parts: &Parts,
        body: Body,
    ) -> Result<(M::Params, M::Input), Stop> {
        let params = decode::params(parts, self.settings)?;
        Ok((params, self.no_input::<M>(body).await?))
    }

    pub(crate) async fn input_only<M: Method>(
        &self,
        parts: &Parts,
        body: Body,
    ) -> Result<(M::Params, M::Input), Stop> {
        Ok((
            absent_params::<M>()?,
            decode::input(self, parts, body).await?,
        ))
    }

    pub(crate) async fn params_and_input<M: Method>(
        &self,
        parts: &Parts,
        body: Body,
    ) -> Result<(M::Params, M::Input), Stop> {
        let params = decode::params(parts, self.settings)?;
        Ok((params, decode::input(self, parts, body).await?))
    }

    /// A body sent to a procedure that takes none is refused.
    async fn no_input<M: Method>(&self, body: Body) -> Result<M::Input, Stop> {
        match M::KIND {
            Kind::Procedure => decode::no_input(self, body).await?,
            Kind::Query | Kind::Subscription => {}
        }
        M::Input::decode(Payload::Nothing).map_err(Stop::internal)
    }
}

fn absent_params<M: Method>() -> Result<M::Params, Stop> {
    M::Params::read(&Query::new()).map_err(Stop::internal)
}
