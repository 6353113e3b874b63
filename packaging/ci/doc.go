// Package ci holds the scripts behind make and .ci/run, and their tests with
// the tools that they call replaced by small fakes.
//
// It imports nothing of ours.
package ci
