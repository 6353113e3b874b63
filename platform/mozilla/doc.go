// Package mozilla reads the profiles of Firefox and Thunderbird: where they lie,
// and the settings in their prefs.js. It imports platform/inifile and platform/xdg,
// and does nothing but read.
//
// Invariants:
//   - Every folder that can be a profile is one, also where profiles.ini does not
//     name it: no profile is missed because its list is out of date.
//   - A file that cannot be read to its end is an error.
//
// Sources: Mozilla's nsToolkitProfileService.cpp (profiles.ini),
// modules/libpref/parser/src/lib.rs (the grammar of prefs.js), and for the folders
// XDG's since Firefox 147.
package mozilla
