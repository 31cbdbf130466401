//! `routes!` with a stand-in for the server: every method reaches the handler of the same path.

use crate::golden::methods;

/// As much of a server as the macro knows of.
pub mod server {
    use loggia_xrpc::{Method, Subscription};

    /// Remembers what it was given.
    pub struct Service {
        pub handled: Vec<(&'static str, &'static str)>,
    }

    impl Service {
        pub fn new() -> Self {
            Self {
                handled: Vec::new(),
            }
        }

        pub fn method<M: Method, H: Fn(A) -> &'static str, A: Default>(self, handler: H) -> Self {
            self.with(M::NSID, handler(A::default()))
        }

        pub fn subscription<M: Subscription, H: Fn(A) -> &'static str, A: Default>(
            self,
            handler: H,
        ) -> Self {
            self.with(M::NSID, handler(A::default()))
        }

        fn with(mut self, nsid: &'static str, handler: &'static str) -> Self {
            self.handled.push((nsid, handler));
            self
        }
    }
}

/// Handlers where a service has them.
mod handlers {
    macro_rules! handlers {
        ($($name:ident),*) => {$(
            pub mod $name {
                pub fn handle(_: ()) -> &'static str {
                    stringify!($name)
                }
            }
        )*};
    }

    pub mod com {
        pub mod example {
            handlers!(
                anything,
                count_things,
                list_things,
                ping,
                put_thing,
                subscribe_things,
                upload_thing
            );
        }
    }
}

#[test]
fn every_method_reaches_its_handler() {
    let service = methods::routes!(crate::routes::handlers);
    let handled = [
        ("com.example.anything", "anything"),
        ("com.example.countThings", "count_things"),
        ("com.example.listThings", "list_things"),
        ("com.example.ping", "ping"),
        ("com.example.putThing", "put_thing"),
        ("com.example.subscribeThings", "subscribe_things"),
        ("com.example.uploadThing", "upload_thing"),
    ];
    assert_eq!(service.handled, handled);
}
