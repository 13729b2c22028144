//! The one integration binary: every room through its front door.
