//! A study: many small measurements on variants of one recipe. Any part of them can be run at a time;
//! what is finished is kept, and the report is made of all that is.

pub(crate) mod cell;
pub(crate) mod design;
pub(crate) mod estimate;
pub(crate) mod kept;
pub(crate) mod statistics;
pub(crate) mod step;
pub(crate) mod variant;
