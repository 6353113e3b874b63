// Package vdirsyncer finds the collections of contacts and calendars that
// vdirsyncer keeps on this device: its storages of the types filesystem and
// singlefile, with the accounts that they are paired with. It fills
// dataset.Finder.
//
// It imports platform/dataset, platform/inifile, platform/xdg, and agent/departure
// for the words.
//
// Invariants:
//   - A collection outlives the pair that synced it: none goes with a sign-out.
//   - A configuration that is not understood is an error: nobody knows which
//     collections there are.
//
// Sources: vdirsyncer 0.19, cli/config.py, storage/filesystem.py,
// storage/singlefile.py; vdirsyncer.pimutils.org, "Full configuration manual".
package vdirsyncer
