//! Generated items in every form.
