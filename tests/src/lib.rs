//! A real server, a real PDS, real receivers, whole answers.
