// Package chromium reads which accounts Chromium, and what is built from it, are
// signed in to, and for which servers they keep passwords. It is a binding.Place,
// and a binding.Hinter.
//
// It imports agent/departure, platform/binding, sqliteread and xdg.
//
// Invariants:
//   - It writes nothing and reads no password.
//   - A profile whose settings cannot be read is an error.
//
// Sources: Chromium's chrome/browser/profiles/profile_attributes_entry.cc (Local
// State), components/signin/public/base/signin_pref_names.h and
// components/signin/internal/identity_manager/account_tracker_service.cc
// (Preferences), components/password_manager/core/browser/password_store/
// login_database.cc (Login Data), and "User Data Directory" for the folders.
package chromium
