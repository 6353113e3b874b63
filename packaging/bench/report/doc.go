// Package report keeps what was measured and shows it: to programs in
// results.json, to people in RESULTS.md.
//
// It imports the standard library alone.
//
// Everything measured stands in measured.json, by the course it was measured
// in; the other two are made from it. A run of a few courses, or beside a few
// tools, replaces those figures alone, and each says of which run it is: when,
// how often and by which command it was measured.
package report
