// Package datasettest is the contract of a [dataset.Finder], as tests that each
// adapter passes and a small fake beside them. An adapter's tests call
// [Contacts], [Notes], [Calendars] or [Photos] from a test of the name
// TestContract<Port>, with a [Program] that writes as its program does.
//
// It imports platform/dataset and backup/source.
package datasettest
