//! One function for each method, at the path that its NSID names.

pub mod com {
    //! `com.*`
    pub mod atproto {
        //! `com.atproto.*`
        pub mod space;
    }
}

pub mod dev {
    //! `dev.*`
    pub mod loggia {
        //! `dev.loggia.*`
        pub mod delivery;
        pub mod endpoint;
        pub mod lexicon;
        pub mod server;
    }
}

pub mod place {
    //! `place.*`
    pub mod stream {
        //! `place.stream.*`
        pub mod server;
    }
}
