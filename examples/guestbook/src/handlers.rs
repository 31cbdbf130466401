//! One function for each method, at the path that its NSID names.

pub mod com {
    //! `com.*`
    pub mod example {
        //! `com.example.*`
        pub mod guestbook;
    }
}
