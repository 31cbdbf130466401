//! One function for each method, at the path that its NSID names.

pub mod com {
    //! `com.*`
    pub mod atproto {
        //! `com.atproto.*`
        pub mod repo;
        pub mod simplespace;
        pub mod space;
    }
}

pub mod dev {
    //! `dev.*`
    pub mod loggia {
        //! `dev.loggia.*`
        pub mod community;
        pub mod delivery;
        pub mod endpoint;
        pub mod event;
        pub mod lexicon;
        pub mod projection;
        pub mod server;
        pub mod stream;
    }
}

pub mod place {
    //! `place.*`
    pub mod stream {
        //! `place.stream.*`
        pub mod server;
    }
    pub mod wisp {
        //! `place.wisp.*`
        pub mod v2 {
            //! `place.wisp.v2.*`
            pub mod secret;
        }
    }
}
